"""Whose turn it is, of several processes: a lock of a database session of its own, gone when the process is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg.errors import LockNotAvailable

from ops.own_session import own_session

WAIT_MILLISECONDS = 1000
# a machine that is gone says no goodbye; without these its lock would stay for hours
SESSION = f"""
    SET application_name = 'signal stream';
    SET lock_timeout = {WAIT_MILLISECONDS};
    SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3
"""


class Turns:
    def __init__(self, name: str) -> None:
        self._name = name
        self._session: psycopg.Connection | None = None

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """False when others still had it after a second. They queue, so it goes round."""
        is_ours = self._take()
        try:
            yield is_ours
        finally:
            if is_ours:
                self._give_back()

    def is_still_ours(self) -> bool:
        """The session lives, and with it the lock."""
        if self._session is None:
            return False
        try:
            self._session.execute("SELECT 1")
        except psycopg.Error:
            self.end()
            return False
        return True

    def end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(psycopg.Error):
                session.close()

    def _take(self) -> bool:
        try:
            self._open().execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [self._name])
        except LockNotAvailable:
            return False
        except psycopg.Error:
            self.end()
            raise
        return True

    def _give_back(self) -> None:
        try:
            if self._session is not None:
                self._session.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [self._name])
        except psycopg.Error:
            self.end()

    def _open(self) -> psycopg.Connection:
        if self._session is None:
            session = own_session()
            session.execute(SESSION)
            self._session = session
        return self._session
