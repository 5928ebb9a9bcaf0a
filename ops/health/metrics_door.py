"""Who may read /metrics: whoever has the token; without a token, this machine alone."""

from __future__ import annotations

from hmac import compare_digest
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED")


def may_read_metrics(request: HttpRequest) -> bool:
    """A proxy on this machine is no reader from this machine: it speaks for somebody else."""
    token: str = settings.METRICS_TOKEN.get_secret_value()
    if token:
        given = request.headers.get("Authorization", "")
        return compare_digest(given.encode(), f"Bearer {token}".encode())
    if any(name in request.META for name in FORWARDED):
        return False
    return _is_here(request.META.get("REMOTE_ADDR", ""))


def _is_here(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
