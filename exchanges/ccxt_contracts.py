"""What an account's ccxt objects know of the venue's contracts, which change while a process runs: a step gets finer,
a contract is listed. Learnt before the first call, anew beside the calls, and at once when something does not fit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from exchanges.budget_rules import Lane
from exchanges.ccxt_errors import WIRE, Wire

RENEW_SECONDS = 300.0
LOOK_AGAIN_SECONDS = 60.0  # an order that is simply wrong must not ask for every contract each time


class Contracts:
    """Of one reader, shared with its writer."""

    def __init__(self, pair: Callable[[], tuple[Any, Any]]) -> None:
        self._pair = pair
        self._renewing: asyncio.Task[None] | None = None
        self._looking = asyncio.Lock()
        self._due_at: float | None = None  # nothing was renewed yet
        self._look_again_at = float("-inf")

    async def learn(self) -> None:
        reader, writer = self._pair()
        if not reader.markets:
            await reader.load_markets()
            self._due_at = time.monotonic() + RENEW_SECONDS
        if writer.markets is not reader.markets:
            self._share()

    async def renew(self) -> None:
        """Not by ccxt's reload: every other call would wait for it, and fail with it."""
        reader, _ = self._pair()
        markets = await reader.fetch_markets()
        if not markets:
            raise LookupError("The venue listed no contracts.")
        reader.set_markets(markets)
        self._share()

    def _share(self) -> None:
        reader, writer = self._pair()
        writer.set_markets_from_exchange(reader)
        writer.options["timeDifference"] = reader.options["timeDifference"]

    def renew_now_and_then(self) -> None:
        """Beside the calls, never in front of one. What ccxt loaded by itself for the first question is new."""
        if self.known is None:
            return
        if self._due_at is None:
            self._due_at = time.monotonic() + RENEW_SECONDS
        if time.monotonic() < self._due_at:
            return
        self._due_at = time.monotonic() + RENEW_SECONDS
        self._renewing = asyncio.create_task(self._renew_quietly())

    async def _renew_quietly(self) -> None:
        WIRE.set(Wire(Lane.ENTRY))
        with suppress(Exception):  # the old ones stay; what does not fit them is looked up again
            await self.renew()

    def stop(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()

    @property
    def known(self) -> object:
        """Another object after each renewal; None before the first call."""
        return self._pair()[0].markets or None

    async def look_again(self, known: object) -> bool:
        """Whether there are newer ones than `known`; asks for them, but only so often."""
        async with self._looking:
            if self.known is known and time.monotonic() >= self._look_again_at:
                await self.renew()
                self._look_again_at = time.monotonic() + LOOK_AGAIN_SECONDS
        return self.known is not known

    def miss(self, rows: Iterable[Any]) -> bool:
        """Whether a row is about a contract we have not heard of: ccxt would make up a symbol for it."""
        listed = self._pair()[0].markets_by_id
        names = {row.get("symbol") for row in rows if isinstance(row, Mapping)}
        return any(name not in listed for name in names - {None, ""})
