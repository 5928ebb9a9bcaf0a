"""A sweep does not run beside itself: what waits for a slow exchange must not take the threads of the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from celery import Task
from django.conf import settings
from django.db import Error, connection

from tradingbot.schedule import SCHEDULE

logger = logging.getLogger(__name__)

SWEEPS = frozenset(entry["task"] for entry in SCHEDULE.values())


class SweepTask(Task):  # type: ignore[misc]
    """Every task of the system; the periodic ones run alone."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.name not in SWEEPS:
            return self.run(*args, **kwargs)
        with _alone(self.name) as is_free:
            if is_free:
                return self.run(*args, **kwargs)
        logger.info("%s is still at work", self.name)
        return None


@contextmanager
def _alone(name: str) -> Iterator[bool]:
    """The lock belongs to the database session: it goes when the process dies, or when its connection does."""
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
