"""What senders and strangers may still do, in the memory of this process. Every other process counts for itself."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from signals_app.buckets import Bucket, Rate, full, seconds_until_next, take

Clock = Callable[[], float]
KEPT_ADDRESSES = 10_000
WRONG_TOKENS = Rate(per_minute=30, burst=30)
WRONG_TOKENS_OF_ALL = Rate(per_minute=120, burst=120)
ALL = ""  # addresses together
SLOWED_SECONDS = 2.0
NOT_SIGNED_IN = 100  # connections, in each process


class Buckets:
    """One for each name, begun anew when its rate is changed; the oldest go when there are too many names."""

    def __init__(self, kept: int = KEPT_ADDRESSES, clock: Clock = time.monotonic) -> None:
        self._buckets: dict[str, tuple[Rate, Bucket]] = {}
        self._lock = threading.Lock()
        self._kept, self._clock = kept, clock

    def passing(self, name: str, rate: Rate, wanted: int = 1) -> int:
        """How many of the wanted ones may pass now, the first ones first."""
        with self._lock:
            now = self._clock()
            known_rate, bucket = self._buckets.pop(name, (rate, full(rate, now)))
            bucket, passing = take(bucket if known_rate == rate else full(rate, now), rate, wanted, now)
            self._buckets[name] = (rate, bucket)
            if len(self._buckets) > self._kept:
                self._buckets.pop(next(iter(self._buckets)))
            return passing

    def seconds_until_next(self, name: str, rate: Rate) -> float:
        with self._lock:
            _, bucket = self._buckets.get(name, (rate, full(rate, 0.0)))
        return seconds_until_next(bucket, rate)


class Connections:
    """How many each sender holds open. Used on one event loop."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def count(self, name: str) -> int:
        return self._open[name]

    @contextmanager
    def holding(self, name: str) -> Iterator[None]:
        self._open[name] += 1
        try:
            yield
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]


class Strangers:
    """Wrong tokens by address, and of all addresses: the first ones are answered at once and told, those of a flood are
    only slowed."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._attempts = Buckets(clock=clock)
        self._of_all = Buckets(clock=clock)

    def is_flooding(self, address: str) -> bool:
        return not (
            self._attempts.passing(address, WRONG_TOKENS) and self._of_all.passing(ALL, WRONG_TOKENS_OF_ALL)
        )


senders = Buckets()
connections = Connections()
unknown_connections = Connections()
strangers = Strangers()
