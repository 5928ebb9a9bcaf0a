"""Virtual time: stands still but for what the world, its statements and its requests take."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import time_machine

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class Clock:
    """Seconds since the world began. Only the wall clock is virtual; the event loop's monotonic one goes on."""

    def __init__(self) -> None:
        self._travel = time_machine.travel(START, tick=False)
        self._shift = self._travel.start().shift

    @property
    def now(self) -> float:
        return time.time() - START.timestamp()

    @property
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def reach(self, at: float) -> None:
        """Never backwards: what took longer than planned makes what follows late."""
        if at > self.now:
            self._shift(at - self.now)

    def pass_by(self, seconds: float) -> None:
        self._shift(seconds)

    def stop(self) -> None:
        self._travel.stop()
