"""A figure that many look at is asked for once in a while, by one of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Cached(Generic[Value]):
    """Whoever comes while it is being asked for waits for that answer."""

    def __init__(self, ask: Callable[[], Value], seconds: float) -> None:
        self._ask, self._seconds = ask, seconds
        self._lock = threading.Lock()
        self._known: tuple[float, Value] | None = None

    def get(self) -> Value:
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] >= self._seconds:
                value = self._ask()  # what fails is not remembered
                self._known = time.monotonic(), value
            return self._known[1]

    def forget(self) -> None:
        with self._lock:
            self._known = None
