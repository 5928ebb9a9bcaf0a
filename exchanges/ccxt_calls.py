"""How a ccxt object is called: two of them per account, every failure translated, nothing ever repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any, TypeVar, cast

from django.conf import settings

from exchanges.budget_rules import Lane
from exchanges.ccxt_contracts import Contracts
from exchanges.ccxt_errors import WIRE, Wire, translate
from exchanges.clock import ClockReading
from exchanges.errors import ExchangeError, InvalidRequest, OutcomeUnknown, Refused
from exchanges.venue_codes import is_clock_skew

SEND_SECONDS = 1.0  # an order that could not leave within this is given back
MEASURE_EVERY = timedelta(minutes=3)
STALE = timedelta(minutes=10)  # too old for an entry to rely on: a process may have been idle

Parsed = TypeVar("Parsed")
Call = Callable[[], Awaitable[Any]]


class Calls:
    """A reader and a writer of one account; built on first use, inside the event loop that will serve them."""

    def __init__(self, venue: str, build: Callable[[], Any]) -> None:
        self.venue = venue
        self._build = build
        self._opened: list[Any] = []
        self._measuring: asyncio.Task[None] | None = None
        self.contracts = Contracts(lambda: (self.reader, self.writer))

    @cached_property
    def reader(self) -> Any:
        return self._open()

    @cached_property
    def writer(self) -> Any:
        """Apart from the reader, so that an order has a connection of its own."""
        return self._open()

    def _open(self) -> Any:
        self._opened.append(self._build())
        return self._opened[-1]

    async def close(self) -> None:
        if self._measuring is not None:
            self._measuring.cancel()
        self.contracts.stop()
        await asyncio.gather(*(exchange.close() for exchange in self._opened))

    async def ready(self) -> None:
        """Contracts and clock are known."""
        await self.contracts.learn()

    @property
    def clock(self) -> ClockReading | None:
        """None before the first question of this client."""
        return cast("ClockReading | None", self.reader.clock)

    def _share_clock(self) -> None:
        self.writer.options["timeDifference"] = self.reader.options["timeDifference"]

    async def ask(self, call: Call, lane: Lane = Lane.READING) -> Any:
        return (await self._call(call, Wire(lane)))[0]

    async def change(self, call: Call, lane: Lane) -> Any:
        return await self._change(call, Wire(lane))

    async def _change(self, call: Call, wire: Wire) -> Any:
        async def prepared() -> Any:
            await self.ready()
            return await call()

        return (await self._call(prepared, wire, writing=True))[0]

    async def send(self, call: Call, lane: Lane) -> Any:
        """An order. For an entry the clock must be right; an exit only needs a timestamp that is accepted."""

        async def with_the_clock_right() -> Any:
            if lane is Lane.ENTRY:
                await self._check_clock()
            return await call()

        return await self._change(with_the_clock_right, Wire(lane, time.monotonic() + SEND_SECONDS))

    async def _check_clock(self) -> None:
        limit_ms = settings.MAX_CLOCK_OFFSET_MS
        known = self.clock
        if known is None or known.is_beyond(limit_ms) or known.is_older_than(STALE, datetime.now(UTC)):
            await self._measure()
        if self.clock is not None and self.clock.is_beyond(limit_ms):
            raise Refused(self.clock.sentence(limit_ms))

    async def _measure(self) -> None:
        await self.reader.load_time_difference()
        self._share_clock()

    def _measure_now_and_then(self) -> None:
        """Beside the calls, never in front of one."""
        is_due = self.clock is not None and self.clock.is_older_than(MEASURE_EVERY, datetime.now(UTC))
        if is_due and (self._measuring is None or self._measuring.done()):
            self._measuring = asyncio.create_task(self._measure_quietly())

    async def _measure_quietly(self) -> None:
        WIRE.set(Wire(Lane.ENTRY))
        with suppress(Exception):  # the old reading stays, and its age is seen by whoever looks
            await self._measure()

    async def rows(self, call: Call, lane: Lane = Lane.READING) -> list[Any]:
        return await self.rows_in(call, lambda answer: answer, lane)

    async def rows_in(self, call: Call, listed: Callable[[Any], Any], lane: Lane = Lane.READING) -> list[Any]:
        """The raw rows, where `listed` finds them in the answer: ccxt sorts and filters its own, and reads an empty
        object as 'nothing there'."""
        await self.ask(self.ready, lane)
        _, wire = await self._call(call, Wire(lane))
        rows = readable(lambda: listed(wire.answer))
        if not isinstance(rows, list):
            raise OutcomeUnknown("The venue answered something that is not a list.")
        if self.contracts.miss(rows):
            await self.ask(partial(self.contracts.look_again, self.contracts.known), lane)
        return rows

    async def _call(self, call: Call, wire: Wire, *, writing: bool = False) -> tuple[Any, Wire]:
        self._measure_now_and_then()
        self.contracts.renew_now_and_then()
        known = self.contracts.known
        answer, failure = await self._try(call, wire, writing)
        if isinstance(failure, InvalidRequest) and known is not None and not wire.changed_something:
            answer, failure = await self._try(self._with_newer_contracts(call, known, failure), wire, writing)
        if failure is None:
            return answer, wire
        await self._learn_time_after(failure)
        raise failure  # outside the handler: ccxt's text must not travel along as context

    async def _try(self, call: Call, wire: Wire, writing: bool) -> tuple[Any, ExchangeError | None]:
        token = WIRE.set(wire)
        try:
            return await call(), None
        except Exception as error:  # every kind, by the table; a cancelled task is no Exception
            return None, translate(self.venue, error, wire, writing=writing)
        finally:
            WIRE.reset(token)

    def _with_newer_contracts(self, call: Call, known: object, failure: ExchangeError) -> Call:
        """What does not fit the contracts we know may fit those of now."""

        async def again() -> Any:
            if not await self.contracts.look_again(known):
                raise failure
            return await call()

        return again

    async def _learn_time_after(self, failure: ExchangeError) -> None:
        if is_clock_skew(self.venue, failure.code):
            with suppress(Exception):  # the caller already gets the error that matters
                await self._measure()


def readable(parse: Callable[[], Parsed]) -> Parsed:
    """An answer without the fields it must have tells nothing."""
    try:
        return parse()
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        problem = type(error).__name__
    raise OutcomeUnknown(f"An answer we cannot read: {problem}")


def check_same(wanted: str, sent: str, step: str) -> None:
    if wanted != sent:
        raise InvalidRequest(f"{wanted} does not fit the contract's {step}: it would be sent as {sent}.")
