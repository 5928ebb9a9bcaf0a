"""Processes and servers are killed while signals come in; the launcher brings them back."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict, deque
from contextlib import suppress
from random import Random

from tests.intake_campaign.product import Product

WEIGHTS = {"doors": 3, "web": 1, "intake": 4, "second": 4, "redis": 2, "postgres": 2, "worker": 1}
# the launcher ends a run whose program fails five times within a minute: that is its own rule, not under test here
MOST_A_MINUTE = 2
PAUSE_SECONDS = (1.0, 4.0)


class Trouble:
    def __init__(self, product: Product, random: Random) -> None:
        self._product, self._random = product, random
        self._times: dict[str, deque[float]] = defaultdict(deque)
        self.counts: Counter[str] = Counter()

    async def go_on(self, until: asyncio.Event) -> None:
        while not until.is_set():
            await asyncio.to_thread(self._strike)
            await _pause(until, self._random.uniform(*PAUSE_SECONDS))
        await asyncio.to_thread(self._product.start_second)

    def _strike(self) -> None:
        self._product.start_second()
        names = [name for name in WEIGHTS if self._may_fail(name)]
        if not names:
            return
        name = self._random.choices(names, [WEIGHTS[name] for name in names])[0]
        if self._product.kill(name):
            self._times[name].append(time.monotonic())
            self.counts[f"SIGKILL {name}"] += 1

    def _may_fail(self, name: str) -> bool:
        times = self._times[name]
        while times and times[0] < time.monotonic() - 60:
            times.popleft()
        return name == "second" or len(times) < MOST_A_MINUTE


async def _pause(until: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(until.wait(), seconds)
