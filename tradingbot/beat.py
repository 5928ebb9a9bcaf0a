from __future__ import annotations

import signal
import sys
import time
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler

from tradingbot import pulse

TOLD_EVERY = 1.0


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """Celery's own signal handler writes the schedule at once, on the very connection that may be amid a question: that
    one waits for itself for ever. Here a signal only ends the question; what ran when is written on the way out."""

    def __init__(self, *args: Any, **options: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit())
        self._told_at = float("-inf")
        super().__init__(*args, **options)

    def tick(self, *args: Any, **options: Any) -> Any:
        pause = super().tick(*args, **options)
        if time.monotonic() - self._told_at >= TOLD_EVERY:
            pulse.tell("beat")
            self._told_at = time.monotonic()
        return pause
