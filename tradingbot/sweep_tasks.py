"""A sweep does not run beside itself: what waits for a slow exchange must not take the threads of the others."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery import Task

from tradingbot import pulse
from tradingbot.alone import alone
from tradingbot.schedule import SCHEDULE

logger = logging.getLogger(__name__)

SWEEPS = frozenset(entry["task"] for entry in SCHEDULE.values())


class SweepTask(Task):  # type: ignore[misc]
    """Every task of the system; the periodic ones run alone."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.name not in SWEEPS:
            return self.run(*args, **kwargs)
        with alone(self.name) as is_free:
            if is_free:
                began = time.monotonic()
                result = self.run(*args, **kwargs)
                pulse.tell(self.name, time.monotonic() - began)
                return result
        logger.info("%s is still at work", self.name)
        return None
