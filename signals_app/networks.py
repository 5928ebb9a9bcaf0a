"""From where a sender may send, and where a request came from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


class NotANetwork(ValueError):
    pass


def read_networks(text: str) -> tuple[Network, ...]:
    """One a line or with commas between; an address alone is a network of one."""
    return tuple(_network(word) for word in text.replace(",", "\n").split())


def _network(word: str) -> Network:
    try:
        return ip_network(word)
    except ValueError as error:
        raise NotANetwork(f"{word[:60]!r} is no network: {error}") from None


def is_inside(address: str, networks: Iterable[Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:  # how a socket for both kinds tells an IPv4 peer
        found = found.ipv4_mapped
    return any(found in network for network in networks)


def client_address(peer: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """Who sent it: our peer, or, where that is a proxy we trust, the last one in its list that is none of ours.

    What stands further left was written by whoever sent it, so it is nobody's word.
    """
    address = peer
    for word in reversed(forwarded.split(",") if forwarded else []):
        if not is_inside(address, proxies):
            return address
        address = _without_port(word.strip())
    return address


def _without_port(word: str) -> str:
    if word.startswith("["):
        return word[1:].partition("]")[0]
    return word.partition(":")[0] if word.count(":") == 1 else word
