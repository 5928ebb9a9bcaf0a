"""What the owner should be able to read later about the machinery itself, as rows.

Callers never wait and never fail: events go into a bounded queue, and one thread of the process writes what has come.
While the database is away they wait; what did not fit is counted and told afterwards.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice, takewhile

from django.db import DataError, Error, close_old_connections, connection
from django.utils import timezone

from ops.models import LogLevel
from ops.redaction import redacted, redacted_text
from ops.services import SystemEvent, write_system_events

logger = logging.getLogger(__name__)

KEPT = 5000
BATCH = 200
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
IDLE_SECONDS = 2.0
EXIT_SECONDS = 1.5
OWN_NAME = "ops.system_log"


def log_system_event(level: str, module: str, message: str, **details: object) -> None:
    """A row of the system log, and a line in the process's own log. Never blocks, never raises."""
    try:
        event = SystemEvent(
            LogLevel(level.upper()), module[:100], redacted_text(message), redacted(details), timezone.now()
        )
        logging.getLogger(module).log(logging.getLevelName(event.level.value), "%s", _line(event))
        writer.add(event)
    except Exception:
        logger.exception("an event could not be kept")


def _line(event: SystemEvent) -> str:
    return event.message + (f" {event.details}" if event.details else "")


class Writer:
    """The queue and its thread. A connection is held only while there is something to tell."""

    def __init__(self, write: Callable[[Sequence[SystemEvent]], None], kept: int = KEPT) -> None:
        self._write, self._kept = write, kept
        self._begin()

    def _begin(self) -> None:
        """Also in a forked child, whose thread and lock stayed with the parent."""
        self._waiting: deque[SystemEvent] = deque()
        self._dropped = 0
        self._changed = threading.Condition()  # of a re-entrant lock: a signal handler may add an event, too
        self._thread: threading.Thread | None = None
        self._is_ending = False
        self._pid = os.getpid()

    def add(self, event: SystemEvent) -> None:
        if self._pid != os.getpid():
            self._begin()
        with self._changed:
            if len(self._waiting) < self._kept:
                self._waiting.append(event)
            else:
                self._dropped += 1
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="system-log", daemon=True)
                thread.start()
                self._thread = thread
            self._changed.notify_all()

    def flush(self, seconds: float) -> bool:
        """Whether all was written in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._dropped, seconds)

    def end(self) -> None:
        """What waits is tried once more, for no longer than a process that ends may take."""
        if self._thread is None or self._pid != os.getpid():
            return
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        self._thread.join(EXIT_SECONDS)

    def _run(self) -> None:
        try:
            self._write_until_the_end()
        finally:
            connection.close()

    def _write_until_the_end(self) -> None:
        pause = 0.0
        while batch := self._next_batch():
            if done := self._done_with(batch):
                self._forget(done)
                pause = 0.0
            elif self._is_ending:
                return
            else:
                pause = min(max(2 * pause, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
                self._rest(pause)

    def _next_batch(self) -> list[SystemEvent]:
        """Empty at the end. They stay in the queue until they are written."""
        with self._changed:
            if not self._changed.wait_for(self._has_work, IDLE_SECONDS):
                connection.close()
                self._changed.wait_for(self._has_work)
            return list(islice(self._waiting, BATCH))

    def _has_work(self) -> bool:
        return bool(self._waiting) or self._is_ending

    def _done_with(self, batch: Sequence[SystemEvent]) -> int:
        """How many of them, from the first: none while the database is away. What it refuses for good is given up."""
        try:
            close_old_connections()
            self._write(batch)
        except Exception as error:
            if isinstance(error, Error) and not isinstance(error, DataError):
                connection.close()
                logger.warning(
                    "%s events wait for the database (%s)", len(self._waiting), type(error).__name__
                )
                return 0
            if len(batch) > 1:
                return sum(1 for _ in takewhile(lambda event: self._done_with([event]), batch))
            logger.exception("an event could not be written and is given up")
        return len(batch)

    def _forget(self, count: int) -> None:
        with self._changed:
            for _ in range(count):
                self._waiting.popleft()
            if self._dropped:
                details = {"dropped": self._dropped}
                message = f"{self._dropped} events did not fit while the database was away"
                self._dropped = 0
                event = SystemEvent(LogLevel.WARNING, OWN_NAME, message, details, timezone.now())
                self._waiting.append(event)
            self._changed.notify_all()

    def _rest(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_ending, seconds)


writer = Writer(write_system_events)
atexit.register(writer.end)
