"""Tables are emptied while real processes go on reading them."""

from __future__ import annotations

from django.core.management import CommandError, call_command
from django.db import connection

TRIES = 20


def allow_emptying() -> None:
    """The product has no switch that lets the trail be emptied."""
    with connection.cursor() as cursor:
        for table in ("trail", "trail_seal"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER trail_is_not_emptied")


def empty_tables() -> None:
    """A reader may be in the way for a moment, or in a deadlock with us; the next try comes through."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    for attempt in range(TRIES):
        try:
            return call_command("flush", interactive=False, verbosity=0, reset_sequences=False)
        except CommandError:
            if attempt == TRIES - 1:
                raise
