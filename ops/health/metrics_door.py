"""Who may read /metrics: whoever has the token; without a token, this machine alone."""

from __future__ import annotations

from hmac import compare_digest

from django.conf import settings
from django.http import HttpRequest

from ops.people.here import is_from_this_machine


def may_read_metrics(request: HttpRequest) -> bool:
    token: str = settings.METRICS_TOKEN.get_secret_value()
    if token:
        given = request.headers.get("Authorization", "")
        return compare_digest(given.encode(), f"Bearer {token}".encode())
    return is_from_this_machine(request)
