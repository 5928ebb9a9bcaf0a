"""The live streams of one account through ccxt.pro. Every raw message is heard, in arrival order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any

from exchanges.budget_rules import Lane
from exchanges.ccxt_errors import CONNECTED, WIRE, Wire, translate
from exchanges.errors import AccountUnusable, ExchangeError, OutcomeUnknown
from exchanges.types import PriceTick, PrivateEvent, Reference
from exchanges.venues import binance_events

# of ccxt: mark prices once a second, last prices twice, the book at every change
_WATCHES = {
    Reference.MARK: "watch_mark_prices",
    Reference.LAST: "watch_tickers",
    Reference.BOOK: "watch_bids_asks",
}
_SESSION_ENDED = "listenKeyExpired"  # ccxt ignores it and stays silently deaf


class CcxtStream:
    """Implements exchanges.client.ExchangeStream for Binance USDT-M futures."""

    def __init__(self, venue: str, build: Callable[[], Any]) -> None:
        """`build` makes one recording ccxt object; prices and private events get one each."""
        if venue != "binance":
            raise AccountUnusable(f"Streams of {venue} are not built yet; only Binance's are.")
        self._venue = venue
        self._build = build
        self._opened: dict[str, Any] = {}

    async def prices(
        self, symbols: Sequence[str], reference: Reference
    ) -> AsyncIterator[Sequence[PriceTick]]:
        exchange = self._exchange(f"{reference} prices")
        watch, wanted = getattr(exchange, _WATCHES[reference]), list(symbols) or None
        messages = self._messages(exchange, lambda: watch(wanted))
        async with aclosing(messages):
            async for batch in messages:
                rows = [row for message in batch for row in _rows(message)]
                if ticks := _latest(exchange, rows, symbols, reference):
                    yield ticks

    async def private_events(self) -> AsyncIterator[PrivateEvent]:
        """First an empty event: the socket is open, so what is asked over REST now misses nothing."""
        exchange = self._exchange("private")
        messages = self._messages(exchange, lambda: exchange.watch_orders())
        async with aclosing(messages):
            async for batch in messages:
                for message in batch:
                    if (event := self._event(exchange, message)) is not None:
                        yield event

    def forget_session(self) -> None:
        """ccxt keeps using a dead listenKey for 20 minutes unless it believes the key is old."""
        private = self._opened.get("private")
        if private is not None and "linear" in private.options:
            private.options["linear"]["lastAuthenticatedTime"] = 0

    async def close(self) -> None:
        for exchange in self._opened.values():
            await exchange.close()

    def _exchange(self, purpose: str) -> Any:
        if purpose not in self._opened:
            self._opened[purpose] = self._build()
        return self._opened[purpose]

    def _event(self, exchange: Any, message: Any) -> PrivateEvent | None:
        if message is CONNECTED:
            return PrivateEvent()
        if _kind(message) == _SESSION_ENDED:
            self.forget_session()
            raise OutcomeUnknown("The private session has expired.")
        return _private_event(exchange, message)

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
            heard.put_nowait(translate(self._venue, error, wire, writing=False))

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


def _body(message: Any) -> Any:
    """A combined stream wraps each message and names its stream."""
    if isinstance(message, Mapping) and "stream" in message:
        return message.get("data")
    return message


def _kind(message: Any) -> str:
    body = _body(message)
    return str(body.get("e", "")) if isinstance(body, Mapping) else ""


def _rows(message: Any) -> list[Mapping[str, Any]]:
    body = _body(message)
    rows = body if isinstance(body, list) else [body]
    return [row for row in rows if isinstance(row, Mapping) and "s" in row]


def _latest(
    exchange: Any, rows: Sequence[Mapping[str, Any]], symbols: Sequence[str], reference: Reference
) -> list[PriceTick]:
    ticks = {}
    for row in rows:
        symbol = _symbol(exchange, row)
        if not symbols or symbol in symbols:
            for tick in binance_events.ticks_of_update(row, symbol, reference):
                ticks[symbol, tick.kind] = tick
    return list(ticks.values())


def _private_event(exchange: Any, message: Any) -> PrivateEvent | None:
    body = _body(message)
    kind = _kind(message)
    if kind == "ACCOUNT_UPDATE" and body["a"].get("m") == "FUNDING_FEE":
        return PrivateEvent(funding_was_paid=True)
    if kind not in ("ORDER_TRADE_UPDATE", "ALGO_UPDATE"):
        return None
    symbol = _symbol(exchange, body["o"])
    if kind == "ALGO_UPDATE":
        order, fill = binance_events.algo_of_update(body, symbol), None
    else:
        order = binance_events.order_of_update(body, symbol)
        fill = binance_events.fill_of_update(body, symbol)
    return PrivateEvent(orders=(order,) if order else (), fills=(fill,) if fill else ())


def _symbol(exchange: Any, row: Mapping[str, Any]) -> str:
    return str(exchange.safe_symbol(row["s"], None, None, "swap"))
