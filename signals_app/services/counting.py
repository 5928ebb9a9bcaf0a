"""How much arrived at each door, counted in memory before anything else is done with it, and written once a second.

It is there to be compared with our rows, so it knows nothing of them. Written are the totals of this process: to write
them twice changes nothing. A process that is killed takes its last second with it.
"""

from __future__ import annotations

import atexit
import logging
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from secrets import token_hex

from django.db import close_old_connections, connection

from signals_app.sender_models import SignalArrivals

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
IDLE_SECONDS = 5.0
EXIT_SECONDS = 2.0
KEPT = timedelta(hours=2)
SOURCE_KEPT = 60

Key = tuple[str, datetime]  # source, hour
Write = Callable[[str, Mapping[Key, int]], None]


def count_arrival(source: str, received_at: datetime) -> None:
    """Every door calls this first. Never waits for the database, never raises for it."""
    _counter.count(source, received_at)


def hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def write_totals(process: str, totals: Mapping[Key, int]) -> None:
    rows = [
        SignalArrivals(source=source, hour=hour, process=process, count=count)
        for (source, hour), count in totals.items()
    ]
    SignalArrivals.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["source", "hour", "process"], update_fields=["count"]
    )


class ArrivalCounter:
    """The totals and the thread that writes them. A connection is held only while something arrives."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._begin()

    def _begin(self) -> None:
        """Also in a forked child, whose thread and lock stayed with the parent."""
        self._totals: Counter[Key] = Counter()
        self._untold: set[Key] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_ending = False
        self._pid = os.getpid()
        self.process = f"{socket.gethostname()[:40]}:{self._pid}:{token_hex(4)}"

    def count(self, source: str, received_at: datetime) -> None:
        if self._pid != os.getpid():
            self._begin()
        key = (source[:SOURCE_KEPT], hour_of(received_at))
        with self._changed:
            self._totals[key] += 1
            self._untold.add(key)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="arrivals", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> bool:
        """Whether everything counted so far is written."""
        with self._changed:
            totals = {key: self._totals[key] for key in self._untold}
            self._untold.clear()
        try:
            close_old_connections()
            self._write(self.process, totals)
        except Exception as error:  # the totals stay, and are written when that is possible again
            connection.close()
            logger.warning("%d counts of arrivals wait (%s)", len(totals), type(error).__name__)
            with self._changed:
                self._untold |= totals.keys()
            return False
        self._forget_old()
        return True

    def end(self) -> None:
        if self._thread is None or self._pid != os.getpid():
            return
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        self._thread.join(EXIT_SECONDS)

    def _run(self) -> None:
        try:
            while self._has_work():
                self.flush()
                if self._is_ending:
                    return
                self._rest()
        finally:
            connection.close()

    def _has_work(self) -> bool:
        """Waits for it. False at the end."""
        with self._changed:
            if not self._changed.wait_for(self._is_due, IDLE_SECONDS):
                connection.close()
                self._changed.wait_for(self._is_due)
            return bool(self._untold)

    def _is_due(self) -> bool:
        return bool(self._untold) or self._is_ending

    def _rest(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_ending, FLUSH_SECONDS)

    def _forget_old(self) -> None:
        with self._changed:
            newest = max((hour for _, hour in self._totals), default=None)
            for key in [key for key in self._totals if newest and key[1] < newest - KEPT]:
                if key not in self._untold:
                    del self._totals[key]


_counter = ArrivalCounter(write_totals)


def end_counting() -> None:
    """Writes what is counted; at exit, or before somebody leaves without one."""
    _counter.end()


atexit.register(end_counting)
