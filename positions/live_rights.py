"""Who may go on watching: a session may have ended, or its user lost the right, since a socket was opened."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from tradingbot.people import why_not_watch

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore


def why_they_end(session_keys: Iterable[str | None]) -> dict[str | None, int]:
    """The codes to close with, by session, of those that may not; each session is asked once."""
    codes = {key: why_not_watch(get_user(_request_of(key))) for key in session_keys}
    return {key: code for key, code in codes.items() if code}


def _request_of(session_key: str | None) -> HttpRequest:
    request = HttpRequest()
    request.session = SessionStore(session_key)
    return request
