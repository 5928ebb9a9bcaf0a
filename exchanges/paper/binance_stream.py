"""The WebSocket side of the Binance dialect: public streams by subscription, the private one by listenKey."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from aiohttp import WSMsgType, web

from exchanges.paper import binance_words as words
from exchanges.paper.book import AccountEvent, AlgoEvent, Event
from exchanges.paper.signing import listen_key
from exchanges.paper.venue import PaperVenue, now_ms

MAX_WAITING = 10_000


class Listener:
    """One socket and what waits to be sent on it. A client that does not read is cut off."""

    def __init__(self, socket: web.WebSocketResponse, account: str = "") -> None:
        self.account, self.names = account, set[str]()
        self._socket = socket
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MAX_WAITING)

    def send(self, text: str) -> None:
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self.abort()

    def abort(self) -> None:
        """As a broken line does: no closing handshake."""
        if (transport := self._transport()) is not None:
            transport.abort()

    def _transport(self) -> asyncio.Transport | None:
        transport: asyncio.Transport | None = self._socket.get_extra_info("transport")
        return transport or getattr(self._socket._req, "transport", None)

    async def live(self, answer: Callable[[str], dict[str, Any]]) -> None:
        writing = asyncio.create_task(self._write())
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self.send(json.dumps(answer(message.data)))
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writing

    async def _write(self) -> None:
        while True:
            await self._socket.send_str(await self._waiting.get())


class Streams:
    def __init__(self, venue: PaperVenue) -> None:
        self._venue = venue
        self._public: set[Listener] = set()
        self._private: set[Listener] = set()
        venue.private_listener = self.tell

    async def private(self, request: web.Request) -> web.StreamResponse:
        account = self._account_of(request.query.get("listenKey", ""))
        socket = web.WebSocketResponse(heartbeat=60)
        await socket.prepare(request)
        if account is None:
            await socket.close(code=1008, message=b"invalid listenKey")
        else:
            await self._serve(Listener(socket, account), self._private)
        return socket

    async def public(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=60)
        await socket.prepare(request)
        await self._serve(Listener(socket), self._public)
        return socket

    async def _serve(self, listener: Listener, register: set[Listener]) -> None:
        register.add(listener)
        try:
            await listener.live(lambda text: _subscribe(listener, text))
        except ConnectionError:
            pass
        finally:
            register.discard(listener)

    def _account_of(self, key: str) -> str | None:
        for account in self._venue.engine.accounts:
            if listen_key(account) == key and account not in self._venue.expired_sessions:
                return account
        return None

    def tell(self, events: Iterable[Event]) -> None:
        at = now_ms()
        for event in events:
            listeners = [one for one in self._private if one.account == event.account]
            if listeners:
                text = json.dumps(_private_words(event, at))
                for listener in listeners:
                    listener.send(text)

    def cut(self) -> int:
        """Abort every private socket."""
        listeners = list(self._private)
        for listener in listeners:
            listener.abort()
        return len(listeners)

    def expire(self, account: str) -> None:
        self._venue.expired_sessions.add(account)
        for listener in self._private:
            if listener.account == account:
                listener.send(json.dumps({"e": "listenKeyExpired", "E": now_ms(), "listenKey": "expired"}))

    def publish(self, prices: dict[str, Decimal]) -> None:
        """One message for each subscription whose contract has a price."""
        made: dict[str, str] = {}
        for listener in self._public:
            for name in listener.names:
                if name not in made:
                    made[name] = self._message(name, prices)
                if made[name]:
                    listener.send(made[name])

    def _message(self, name: str, prices: dict[str, Decimal]) -> str:
        if name.startswith("!markPrice@arr"):
            return json.dumps([_mark(symbol, price) for symbol, price in prices.items()])
        symbol, _, kind = name.partition("@")
        symbol, make = symbol.upper(), _PUBLIC.get(kind.split("_")[0].split("@")[0])
        if make is None or symbol not in prices:
            return ""
        return json.dumps(make(self._venue, symbol, prices[symbol]))


def _subscribe(listener: Listener, text: str) -> dict[str, Any]:
    try:
        asked = json.loads(text)
        names, number = set(asked.get("params") or ()), asked.get("id")
        change = {"SUBSCRIBE": set.update, "UNSUBSCRIBE": set.difference_update}[asked["method"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return {"error": {"code": 2, "msg": "Invalid request: unknown method or malformed JSON"}}
    change(listener.names, names)
    return {"result": None, "id": number}


def _private_words(event: Event, at: int) -> dict[str, Any]:
    if isinstance(event, AlgoEvent):
        return words.algo_update(event, at)
    if isinstance(event, AccountEvent):
        return words.account_update(event, at)
    return words.order_update(event, at)


def _mark(symbol: str, price: Decimal) -> dict[str, Any]:
    text = words.text(price)
    return {
        "e": "markPriceUpdate", "E": now_ms(), "s": symbol, "p": text, "ap": text, "P": text, "i": text,
        "r": "0.00000000", "T": now_ms() + 3_600_000,
    }  # fmt: skip


def _mark_of(venue: PaperVenue, symbol: str, price: Decimal) -> dict[str, Any]:
    return _mark(symbol, price)


def _mini_ticker(venue: PaperVenue, symbol: str, price: Decimal) -> dict[str, Any]:
    first = venue.process.candles(symbol)[0].open
    last = words.text(price)
    return {
        "e": "24hrMiniTicker", "E": now_ms(), "s": symbol, "c": last, "o": words.text(first), "h": last, "l": last,
        "v": "1000", "q": "1000",
    }  # fmt: skip


def _book_ticker(venue: PaperVenue, symbol: str, price: Decimal) -> dict[str, Any]:
    bid, ask = venue.engine.touch(symbol, "SELL"), venue.engine.touch(symbol, "BUY")
    return {
        "e": "bookTicker", "u": now_ms(), "s": symbol, "b": words.text(bid), "B": "10", "a": words.text(ask),
        "A": "10", "T": now_ms(), "E": now_ms(),
    }  # fmt: skip


def _trade(venue: PaperVenue, symbol: str, price: Decimal) -> dict[str, Any]:
    return {
        "e": "trade", "E": now_ms(), "T": now_ms(), "s": symbol, "t": now_ms(), "p": words.text(price), "q": "0.1",
        "X": "MARKET", "m": False,
    }  # fmt: skip


def _kline(venue: PaperVenue, symbol: str, price: Decimal) -> dict[str, Any]:
    row = venue.process.candles(symbol)[-1]
    figures = {"o": row.open, "h": row.high, "l": row.low, "c": row.close, "v": row.volume}
    return {
        "e": "kline", "E": now_ms(), "s": symbol,
        "k": {
            "t": row.open_ms, "T": row.open_ms + 59_999, "s": symbol, "i": "1m", "x": False, "n": 10, "f": 1, "L": 2,
            "q": "1", "V": "1", "Q": "1", "B": "0", **{key: words.text(value) for key, value in figures.items()},
        },
    }  # fmt: skip


_PUBLIC: dict[str, Callable[[PaperVenue, str, Decimal], dict[str, Any]]] = {
    "markPrice": _mark_of,
    "miniTicker": _mini_ticker,
    "bookTicker": _book_ticker,
    "trade": _trade,
    "kline": _kline,
}
