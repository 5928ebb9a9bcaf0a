"""A kill switch must not wait for a process that was frozen amid a transaction: its session is ended, and what it had
not committed never was."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import psycopg.errors
from django.db import OperationalError, connection, transaction

logger = logging.getLogger(__name__)
Taken = TypeVar("Taken")

TRIES = 3
PATIENCE = "SET LOCAL lock_timeout = '1s'"
PATIENCE_IS_OVER = "SET LOCAL lock_timeout TO DEFAULT"
# nobody asks anything of the network inside a transaction: who does nothing for a second in one does not run
END_FROZEN = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
  AND state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - interval '1 second'
  AND pid IN (SELECT pid FROM pg_locks WHERE relation = 'exchanges_exchangeaccount'::regclass AND granted)
"""


def lock_soon(take: Callable[[], Taken]) -> Taken:
    """`take` locks accounts, inside the caller's transaction."""
    for _ in range(TRIES):
        try:
            return _with_patience(take)
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
            _end_frozen_holders()
    return take()


def _with_patience(take: Callable[[], Taken]) -> Taken:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PATIENCE)
        taken = take()
        cursor.execute(PATIENCE_IS_OVER)
    return taken


def _end_frozen_holders() -> None:
    with connection.cursor() as cursor:
        cursor.execute(END_FROZEN)
        ended = cursor.fetchone()[0]
    logger.warning("a lock of an account was held for long; %s frozen sessions were ended", ended)
