"""One at a time, over all processes: a lock of the database session, which goes when its process or connection does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import Error, connection


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Whether nobody else is at it; does not wait."""
    key = f"{settings.DB_SCHEMA} {name}"
    is_free = _ask("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", key)
    try:
        yield is_free
    finally:
        if is_free:
            with suppress(Error):  # a connection that broke took the lock with it
                _ask("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key)


def _ask(question: str, key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question, [key])
        return bool(cursor.fetchone()[0])
