"""Dry-run never leaves this machine and never reads a real key; real trading needs two yeses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django.fixtures import Settings

from exchanges.binance_client import BinanceClient
from exchanges.binance_stream import BinanceStream
from exchanges.bybit_client import BybitClient
from exchanges.bybit_stream import BybitStream
from exchanges.ccxt_client import build_exchange
from exchanges.ccxt_of_our_venues import ccxt
from exchanges.errors import AccountUnusable
from exchanges.registry import credentials_of, get_client, get_stream
from tradingbot.environment import _pairs


@dataclass
class AnAccount:
    pk: int = 7
    name: str = "main"
    venue: str = "binance"
    api_key: str = "real-key"
    api_secret: str = "real-secret"
    is_live_confirmed: bool = False


class LockedAccount(AnAccount):
    """Reading its keys is an error."""

    def __init__(self, **fields: Any) -> None:
        self.pk, self.name, self.venue = 7, "Main Account", fields.get("venue", "binance")
        self.is_live_confirmed = True

    def __getattribute__(self, name: str) -> Any:
        if name in ("api_key", "api_secret"):
            raise AssertionError("dry-run read a real key")
        return super().__getattribute__(name)


@pytest.fixture(autouse=True)
def dry_run(settings: Settings) -> None:
    settings.DRY_RUN = True
    settings.PAPER_EXCHANGE_URL = "http://127.0.0.1:8899"
    settings.PAPER_EXCHANGE_URLS = {}
    settings.PAPER_HOSTS = []


def addresses(tree: Any) -> Iterator[str]:
    """Every text that is or contains an address, however deep."""
    if isinstance(tree, dict):
        for value in tree.values():
            yield from addresses(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from addresses(value)
    elif isinstance(tree, str):
        yield tree


@pytest.mark.parametrize("venue", ["binance", "bybit"])
def test_in_dry_run_every_address_is_the_paper_host(venue: str) -> None:
    exchange = build_exchange(credentials_of(LockedAccount(venue=venue)))
    found = list(addresses(exchange.urls))
    assert len(found) > 5
    assert {urlsplit(address).hostname for address in found} == {"127.0.0.1"}
    assert {urlsplit(address).port for address in found} == {8899}
    assert {urlsplit(address).scheme for address in found} == {"http", "ws"}
    asyncio.run(exchange.close())


@pytest.mark.parametrize("venue", ["binance", "bybit"])
def test_the_same_walk_finds_real_hosts_when_trading_is_real(venue: str, settings: Settings) -> None:
    settings.DRY_RUN = False
    exchange = build_exchange(credentials_of(AnAccount(venue=venue, is_live_confirmed=True)))
    hosts = " ".join(str(urlsplit(address).netloc) for address in addresses(exchange.urls))
    assert "127.0.0.1" not in hosts
    assert "api" in hosts
    asyncio.run(exchange.close())


def test_dry_run_makes_its_own_keys() -> None:
    credentials = credentials_of(LockedAccount())
    assert credentials.api_key == "paper-7-main-account"
    assert credentials.api_secret == sha256(b"paper:paper-7-main-account").hexdigest()
    assert credentials.base_url == "http://127.0.0.1:8899"


@pytest.mark.parametrize("value", [True, 1, "false", "no", None, 0])
def test_only_a_plain_false_is_real(value: Any, settings: Settings) -> None:
    settings.DRY_RUN = value
    assert credentials_of(LockedAccount()).base_url == "http://127.0.0.1:8899"


@pytest.mark.parametrize(
    "url",
    [
        "https://fapi.binance.com",
        "http://127.0.0.1.example.com:8899",
        "http://127.0.0.1@fapi.binance.com",
        "http://10.0.0.5:8899",
        "http://paper:8899",
        "ftp://127.0.0.1",
        "127.0.0.1:8899",
        "",
    ],
)
def test_dry_run_refuses_any_other_host(url: str, settings: Settings) -> None:
    settings.PAPER_EXCHANGE_URL = url
    with pytest.raises(AccountUnusable, match="PAPER_EXCHANGE_URL"):
        get_client(LockedAccount())
    with pytest.raises(AccountUnusable, match="PAPER_EXCHANGE_URL"):
        get_stream(LockedAccount())


def test_a_venue_may_have_a_paper_exchange_of_its_own(settings: Settings) -> None:
    settings.PAPER_EXCHANGE_URLS = {"bybit": "http://127.0.0.1:8900"}
    assert credentials_of(LockedAccount(venue="bybit")).base_url == "http://127.0.0.1:8900"
    assert credentials_of(LockedAccount(venue="binance")).base_url == "http://127.0.0.1:8899"


@pytest.mark.parametrize(
    "url", ["https://api.bybit.com", "http://10.0.0.5:1", "ftp://127.0.0.1", "127.0.0.1:1"]
)
def test_a_venues_own_paper_exchange_is_as_near_as_any(url: str, settings: Settings) -> None:
    settings.PAPER_EXCHANGE_URLS = {"bybit": url}
    with pytest.raises(AccountUnusable, match="PAPER_EXCHANGE_URLS"):
        get_client(LockedAccount(venue="bybit"))
    with pytest.raises(AccountUnusable, match="PAPER_EXCHANGE_URLS"):
        get_stream(LockedAccount(venue="bybit"))


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://[::1]:1", "http://127.1.2.3:1", "http://paper:1/"]
)
def test_this_machine_and_listed_hosts_are_accepted(url: str, settings: Settings) -> None:
    settings.PAPER_EXCHANGE_URL = url
    settings.PAPER_HOSTS = ["paper"]
    exchange = build_exchange(credentials_of(LockedAccount()))
    assert {urlsplit(a).hostname for a in addresses(exchange.urls)} == {urlsplit(url).hostname}
    assert exchange.urls["api"]["fapiPrivate"].endswith(":1/fapi/v1")
    asyncio.run(exchange.close())


def test_real_trading_needs_the_accounts_own_yes(settings: Settings) -> None:
    settings.DRY_RUN = False
    with pytest.raises(AccountUnusable, match="not confirmed"):
        get_client(AnAccount())


@pytest.mark.parametrize("missing", ["api_key", "api_secret"])
def test_real_trading_needs_keys(missing: str, settings: Settings) -> None:
    settings.DRY_RUN = False
    account = AnAccount(is_live_confirmed=True)
    setattr(account, missing, "")
    with pytest.raises(AccountUnusable, match="no API keys"):
        get_client(account)


def test_real_trading_uses_the_real_keys_and_hosts(settings: Settings) -> None:
    settings.DRY_RUN = False
    credentials = credentials_of(AnAccount(is_live_confirmed=True))
    assert (credentials.api_key, credentials.api_secret) == ("real-key", "real-secret")
    assert credentials.base_url == ""


@pytest.mark.parametrize(
    ("venue", "client", "stream"),
    [("binance", BinanceClient, BinanceStream), ("bybit", BybitClient, BybitStream)],
)
def test_client_and_stream_are_the_venues(venue: str, client: type, stream: type) -> None:
    assert isinstance(get_client(LockedAccount(venue=venue)), client)
    assert isinstance(get_stream(LockedAccount(venue=venue)), stream)


def test_a_venue_nobody_built_is_refused() -> None:
    for asked in (get_client, get_stream):
        with pytest.raises(AccountUnusable, match="only on binance, bybit"):
            asked(LockedAccount(venue="kraken"))


def test_addresses_of_venues_are_read_from_one_line() -> None:
    line = "bybit=http://127.0.0.1:1, Binance = http://127.0.0.1:2"
    assert _pairs(line) == {"bybit": "http://127.0.0.1:1", "binance": "http://127.0.0.1:2"}
    with pytest.raises(ValueError, match="venue=value"):
        _pairs("http://127.0.0.1:1")


def test_of_ccxt_our_venues_alone_are_loaded() -> None:
    classes = [
        one for one in vars(ccxt.pro).values() if isinstance(one, type) and issubclass(one, ccxt.pro.Exchange)
    ]
    assert {one.__name__ for one in classes} == {"Exchange", "binance", "binanceusdm", "bybit"}
