"""A sweep does not run beside itself: what waits for a slow exchange must not take the threads of the others."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from celery import Task

from ops.log_context import bound
from tradingbot import pulse
from tradingbot.alone import alone
from tradingbot.schedule import SCHEDULE

logger = logging.getLogger(__name__)

SWEEPS = frozenset(entry["task"] for entry in SCHEDULE.values())


class SweepTask(Task):  # type: ignore[misc]
    """Every task of the system; the periodic ones run alone."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        about = dict(zip(_names(type(self).run), args, strict=False)) | kwargs
        with bound(task=self.name, task_id=self.request.id, **about):
            return self._alone(*args, **kwargs) if self.name in SWEEPS else self.run(*args, **kwargs)

    def _alone(self, *args: Any, **kwargs: Any) -> Any:
        with alone(self.name) as is_free:
            if is_free:
                began = time.monotonic()
                result = self.run(*args, **kwargs)
                pulse.tell(self.name, time.monotonic() - began)
                return result
        logger.info("is still at work")
        return None


@cache
def _names(run: Callable[..., Any]) -> tuple[str, ...]:
    """What it is about, as its own arguments are called: order_id, position_id, ..."""
    return tuple(name for name in inspect.signature(run).parameters if name != "self")
