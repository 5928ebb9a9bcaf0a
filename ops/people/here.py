"""Whether somebody asks from this very machine."""

from __future__ import annotations

from ipaddress import ip_address

from django.http import HttpRequest

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED")


def is_from_this_machine(request: HttpRequest) -> bool:
    """A proxy on this machine is nobody from this machine: it speaks for somebody else."""
    if any(name in request.META for name in FORWARDED):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
