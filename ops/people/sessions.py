"""Where and when a session was last seen: told to the database once a minute, not at each request."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

EVERY_SECONDS = 60


def note_last_seen(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    from allauth.usersessions.models import UserSession

    def middleware(request: HttpRequest) -> HttpResponse:
        key = request.session.session_key
        if key and request.user.is_authenticated and cache.add(_mark_of(key), True, EVERY_SECONDS):
            UserSession.objects.create_from_request(request)
        return get_response(request)

    return middleware


def _mark_of(key: str) -> str:
    """The key itself would open the door for whoever reads the cache."""
    return f"seen:{hashlib.sha256(key.encode()).hexdigest()}"
