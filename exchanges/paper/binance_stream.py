"""The WebSocket side of the Binance dialect: public streams by subscription, the private one by listenKey."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from aiohttp import WSCloseCode, web

from exchanges.paper import binance_words as words
from exchanges.paper.binance_channels import Channels
from exchanges.paper.book import AccountEvent, AlgoEvent, BestPriceMoved, Event, OrderEvent
from exchanges.paper.event_faults import Delivery
from exchanges.paper.faults import Faults
from exchanges.paper.listener import Listener
from exchanges.paper.private_lines import PrivateLines
from exchanges.paper.signing import listen_key
from exchanges.paper.venue import PaperVenue

MAX_NAMES = 1024


class Streams:
    def __init__(self, venue: PaperVenue, faults: Faults) -> None:
        self._venue, self._channels, self.lines = venue, Channels(venue), PrivateLines()
        self._delivery = Delivery(venue, self.lines, faults)
        self._public: set[Listener] = set()
        venue.private_listener = self.tell
        venue.session_ended = self.fall_silent

    async def private(self, request: web.Request) -> web.StreamResponse:
        if self.lines.is_refusing:
            return web.Response(status=503)
        account = self._account_of(request.query.get("listenKey", ""))
        socket = web.WebSocketResponse(heartbeat=60)
        await socket.prepare(request)
        if account is None:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"invalid listenKey")
        else:
            await self._serve(Listener(socket, request, account), self.lines.sockets)
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
        at = self._venue.now_ms()
        for event in events:
            if not isinstance(event, BestPriceMoved) and self.lines.listening(event.account):
                told = self._private_words(event, at)
                self._delivery.carry(event.account, told["e"], json.dumps(told))

    def _private_words(self, event: OrderEvent | AlgoEvent | AccountEvent, at: int) -> dict[str, Any]:
        if isinstance(event, AlgoEvent):
            orders = self._venue.engine.account(event.account).orders
            return words.algo_update(event, at, orders.get(event.algo.actual_order_id or 0))
        if isinstance(event, AccountEvent):
            return words.account_update(event, at, self._venue.engine.prices)
        return words.order_update(event, at)

    def fall_silent(self, account: str, silently: bool) -> None:
        """As the venue does when a listenKey ends: one last event, and an open socket that says nothing more."""
        if not silently:
            last = {"e": "listenKeyExpired", "E": self._venue.now_ms(), "listenKey": listen_key(account)}
            self.lines.send(account, json.dumps(last))
        self.lines.silence(account)

    def go_away(self) -> None:
        """The server stops."""
        for listener in self._public | self.lines.sockets:
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
