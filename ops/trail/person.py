"""For whom a session of the database works: entries of the trail say so beside the role and the program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


@contextmanager
def in_the_name_of(name: str) -> Iterator[None]:
    """Of the session, not of a transaction: what an act does in several of them is his."""
    _set(name)
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            _set("")


def _set(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tradingbot.person', %s, false)", [name])


def naming_people(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Of requests that may change something, by people who are signed in."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method in SAFE or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return get_response(request)
        if not request.user.is_authenticated:
            return get_response(request)
        with in_the_name_of(request.user.get_username()):
            return get_response(request)

    return middleware
