"""The live streams of one account through ccxt.pro. Every raw message is heard, in arrival order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, suppress
from typing import Any, ClassVar

from exchanges.budget_rules import Lane
from exchanges.ccxt_errors import CONNECTED, WIRE, Wire, translate
from exchanges.errors import ExchangeError, OutcomeUnknown
from exchanges.types import PriceTick, PrivateEvent, Reference


class CcxtStream:
    """What the streams of all venues share: a connection is watched until it breaks, and every message heard."""

    venue: ClassVar[str]

    def __init__(self, build: Callable[[], Any]) -> None:
        """`build` makes one recording ccxt object; prices and private events get one each."""
        self._build = build
        self._opened: dict[str, Any] = {}

    async def prices(
        self, symbols: Sequence[str], reference: Reference
    ) -> AsyncIterator[Sequence[PriceTick]]:
        exchange = self._exchange(f"{reference} prices")
        messages = self._messages(exchange, lambda: self._watch_prices(exchange, symbols, reference))
        async with aclosing(messages):
            async for batch in messages:
                if ticks := _latest(self._ticks(exchange, batch, reference), symbols):
                    yield ticks

    async def private_events(self) -> AsyncIterator[PrivateEvent]:
        """First an empty event: the socket is open, so what is asked over REST now misses nothing."""
        exchange = self._exchange("private")
        messages = self._messages(exchange, lambda: self._watch_private(exchange))
        async with aclosing(messages):
            async for batch in messages:
                for message in batch:
                    if (event := self._event(exchange, message)) is not None:
                        yield event

    async def close(self) -> None:
        for exchange in self._opened.values():
            await exchange.close()

    async def _watch_prices(self, exchange: Any, symbols: Sequence[str], reference: Reference) -> None:
        """Awaits one message of ccxt's; again and again while the stream is wanted."""
        raise NotImplementedError

    async def _watch_private(self, exchange: Any) -> None:
        raise NotImplementedError

    def _ticks(self, exchange: Any, batch: Sequence[Any], reference: Reference) -> Iterator[PriceTick]:
        raise NotImplementedError

    def _event(self, exchange: Any, message: Any) -> PrivateEvent | None:
        raise NotImplementedError

    def _exchange(self, purpose: str) -> Any:
        if purpose not in self._opened:
            self._opened[purpose] = self._build()
        return self._opened[purpose]

    async def _messages(
        self, exchange: Any, watch: Callable[[], Awaitable[Any]]
    ) -> AsyncGenerator[Sequence[Any], None]:
        """Everything one connection says, in batches; raises when the connection breaks."""
        heard: asyncio.Queue[Any] = asyncio.Queue()
        exchange.listener = heard.put_nowait
        pump = asyncio.create_task(self._keep_watching(watch, heard))
        try:
            connections = 0
            while True:
                batch = list(_drained(await heard.get(), heard))
                connections += sum(message is CONNECTED for message in batch)
                whole = list(_before_error(batch))
                if whole and connections < 2:
                    yield whole
                if connections > 1:
                    raise OutcomeUnknown("The stream was reconnected; events may be missing.")
                if len(whole) < len(batch):
                    raise batch[len(whole)]
        finally:
            exchange.listener = None
            await self._hang_up(exchange, pump)

    async def _keep_watching(self, watch: Callable[[], Awaitable[Any]], heard: asyncio.Queue[Any]) -> None:
        """ccxt only connects and stays connected while something is awaited."""
        wire = Wire(Lane.REDUCING)  # a session that cannot be renewed makes us deaf
        WIRE.set(wire)
        try:
            while True:
                await watch()
        except Exception as error:
            heard.put_nowait(translate(self.venue, error, wire, writing=False))

    async def _hang_up(self, exchange: Any, pump: asyncio.Task[None]) -> None:
        pump.cancel()
        with suppress(asyncio.CancelledError):
            await pump
        await exchange.close_ws_clients()


def _drained(first: Any, heard: asyncio.Queue[Any]) -> Iterator[Any]:
    yield first
    while not heard.empty():
        yield heard.get_nowait()


def _before_error(batch: Sequence[Any]) -> Iterator[Any]:
    for message in batch:
        if isinstance(message, ExchangeError):
            return
        yield message


def _latest(ticks: Iterator[PriceTick], symbols: Sequence[str]) -> list[PriceTick]:
    """One of each contract and kind; no symbols means every contract."""
    wanted = (tick for tick in ticks if not symbols or tick.symbol in symbols)
    return list({(tick.symbol, tick.kind): tick for tick in wanted}.values())


def symbol_of(exchange: Any, name: str) -> str:
    return str(exchange.safe_symbol(name, None, None, "swap"))
