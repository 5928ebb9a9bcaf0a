"""The WebSocket side of the Binance dialect: public streams by subscription, the private one by listenKey."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from exchanges.paper import binance_words as words
from exchanges.paper.binance_channels import Channels
from exchanges.paper.book import AccountEvent, AlgoEvent, Event
from exchanges.paper.signing import listen_key
from exchanges.paper.venue import PaperVenue, now_ms

MAX_WAITING = 10_000
MAX_NAMES = 1024


class Listener:
    """One socket and what waits to be sent on it. A client that does not read is cut off."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, account: str = "") -> None:
        self.account, self.names = account, set[str]()
        self.is_deaf = False
        self._socket, self._request = socket, request
        self._waiting: asyncio.Queue[str | WSCloseCode] = asyncio.Queue(MAX_WAITING)

    def send(self, message: str | WSCloseCode) -> None:
        """A text, or the code to close the socket with after what was sent before."""
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self.abort()

    def abort(self) -> None:
        """As a broken line does: no closing handshake."""
        if self._request.transport is not None:
            self._request.transport.abort()

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
        while isinstance(message := await self._waiting.get(), str):
            await self._socket.send_str(message)
        await self._socket.close(code=message)


class Streams:
    def __init__(self, venue: PaperVenue) -> None:
        self._venue, self._channels = venue, Channels(venue)
        self._public: set[Listener] = set()
        self._private: set[Listener] = set()
        venue.private_listener = self.tell
        venue.session_ended = self.fall_silent

    async def private(self, request: web.Request) -> web.StreamResponse:
        account = self._account_of(request.query.get("listenKey", ""))
        socket = web.WebSocketResponse(heartbeat=60)
        await socket.prepare(request)
        if account is None:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"invalid listenKey")
        else:
            await self._serve(Listener(socket, request, account), self._private)
        return socket

    async def public(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=60)
        await socket.prepare(request)
        await self._serve(Listener(socket, request), self._public)
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
            if listeners := [one for one in self._of(event.account) if not one.is_deaf]:
                text = json.dumps(self._private_words(event, at))
                for listener in listeners:
                    listener.send(text)

    def _private_words(self, event: Event, at: int) -> dict[str, Any]:
        if isinstance(event, AlgoEvent):
            orders = self._venue.engine.account(event.account).orders
            return words.algo_update(event, at, orders.get(event.algo.actual_order_id or 0))
        if isinstance(event, AccountEvent):
            return words.account_update(event, at, self._venue.engine.prices)
        return words.order_update(event, at)

    def _of(self, account: str) -> list[Listener]:
        return [listener for listener in self._private if listener.account == account]

    def listening(self, account: str) -> int:
        return sum(not listener.is_deaf for listener in self._of(account))

    def cut(self) -> int:
        """Abort every private socket."""
        listeners = list(self._private)
        for listener in listeners:
            listener.abort()
        return len(listeners)

    def fall_silent(self, account: str) -> None:
        """As the venue does when a listenKey ends: one last event, and an open socket that says nothing more."""
        last = {"e": "listenKeyExpired", "E": now_ms(), "listenKey": listen_key(account)}
        for listener in self._of(account):
            listener.send(json.dumps(last))
            listener.is_deaf = True

    def close(self, account: str) -> None:
        for listener in self._of(account):
            listener.send(WSCloseCode.POLICY_VIOLATION)

    def go_away(self) -> None:
        """The server stops."""
        for listener in self._public | self._private:
            listener.send(WSCloseCode.GOING_AWAY)

    def publish(self) -> None:
        """One message for each subscription; call it after every change of prices."""
        self._channels.advance()
        made: dict[str, str] = {}
        for listener in self._public:
            for name in listener.names:
                if name not in made:
                    made[name] = self._channels.message(name)
                if made[name]:
                    listener.send(made[name])


def _subscribe(listener: Listener, text: str) -> dict[str, Any]:
    try:
        asked = json.loads(text)
        number = asked.get("id")
        names = {name for name in asked.get("params") or () if isinstance(name, str)}
        change = {"SUBSCRIBE": set.update, "UNSUBSCRIBE": set.difference_update}[asked["method"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {"error": {"code": 2, "msg": "Invalid request: unknown method or malformed JSON"}}
    if len(listener.names | names) > MAX_NAMES:
        return {"error": {"code": 2, "msg": "Too many streams"}, "id": number}
    change(listener.names, names)
    return {"result": None, "id": number}
