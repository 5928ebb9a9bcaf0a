"""A loop that outlives what happens in it: a step that raises is told once, and tried again after a growing pause."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

from django.db import close_old_connections

from ops.system_log import log_system_event

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
WORKED_SECONDS = 60.0  # a step that went this long before it failed had begun well
TOLD_AGAIN_SECONDS = 60.0


def run_safe_loop(
    name: str,
    step: Callable[[], object],
    *,
    stop: Event,
    pause: float = 0.0,
    first_delay: float = FIRST_DELAY_SECONDS,
    longest_delay: float = LONGEST_DELAY_SECONDS,
) -> None:
    """Runs `step` until `stop` is set, with `pause` seconds between two that went well. A step that waits must look at
    `stop` itself."""
    trouble = _Trouble(name, first_delay, longest_delay)
    while not stop.is_set():
        began = time.monotonic()
        try:
            close_old_connections()  # one that broke is not used again
            step()
        except Exception as error:
            if time.monotonic() - began >= WORKED_SECONDS:
                trouble.is_over()
            stop.wait(trouble.delay_after(error))
        else:
            trouble.is_over()
            if pause:
                stop.wait(pause)


@dataclass
class _Trouble:
    """Failures in a row. Each kind is told once, and again after a minute at the earliest."""

    name: str
    first_delay: float
    longest_delay: float
    failures: int = 0
    began: float = 0.0
    is_told: bool = False
    told: dict[str, float] = field(default_factory=dict)

    def delay_after(self, error: Exception) -> float:
        now = time.monotonic()
        self.failures += 1
        if self.failures == 1:
            self.began = now
        self._tell(error, now)
        longest = min(self.first_delay * 2.0 ** min(self.failures - 1, 30), self.longest_delay)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311  (so that many do not come back at once)

    def _tell(self, error: Exception, now: float) -> None:
        kind = type(error).__name__
        if now - self.told.get(kind, float("-inf")) < TOLD_AGAIN_SECONDS:
            return
        self.told[kind] = now
        self.is_told = True
        log_system_event(
            "ERROR", self.name, f"{kind}: {error}", failures=self.failures, seconds=round(now - self.began, 1)
        )

    def is_over(self) -> None:
        if self.is_told:
            seconds = round(time.monotonic() - self.began, 1)
            message = f"works again after {self.failures} failures"
            log_system_event("INFO", self.name, message, failures=self.failures, seconds=seconds)
        self.failures, self.is_told = 0, False
