"""Migrations and what is imported behind them run one at a time, over all processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

from ops.legacy.scope import MIGRATING


@contextmanager
def migrating_alone(connection: BaseDatabaseWrapper, *, waits: bool = True) -> Iterator[bool]:
    """Whether nobody else is at it. The lock goes with the connection."""
    with connection.cursor() as cursor:
        take = "pg_advisory_lock(%s) IS NOT NULL" if waits else "pg_try_advisory_lock(%s)"
        cursor.execute(f"SELECT {take}", [MIGRATING])
        is_free = bool(cursor.fetchone()[0])
        try:
            yield is_free
        finally:
            if is_free:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATING])
