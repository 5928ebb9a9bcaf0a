"""The WebSocket side of the Binance dialect: public streams by subscription, the private one by listenKey."""

from __future__ import annotations

import json
from collections.abc import Iterator

from aiohttp import web

from exchanges.paper import binance_words as words
from exchanges.paper.binance_channels import Channels
from exchanges.paper.book import AccountEvent, AlgoEvent
from exchanges.paper.listener import Listener
from exchanges.paper.signing import listen_key
from exchanges.paper.speaker import MAX_NAMES, Json, TellableEvent
from exchanges.paper.venue import PaperVenue


class BinanceSpeaker:
    private_paths: tuple[str, ...] = ("/private/ws",)
    public_paths: tuple[str, ...] = (
        "/public/ws", "/public/ws/{number}", "/market/ws", "/market/ws/{number}",
    )  # fmt: skip

    def __init__(self, venue: PaperVenue) -> None:
        self._venue, self._channels = venue, Channels(venue)

    def private(self, socket: web.WebSocketResponse, request: web.Request) -> Listener | None:
        account = self._account_of(request.query.get("listenKey", ""))
        return None if account is None else Listener(socket, request, account)

    def _account_of(self, key: str) -> str | None:
        for account in self._venue.engine.accounts:
            if listen_key(account) == key and account not in self._venue.expired_sessions:
                return account
        return None

    def hear_private(self, listener: Listener, text: str) -> list[Json]:
        return [_subscribe(listener, text)]

    def hear_public(self, listener: Listener, text: str) -> list[Json]:
        return [_subscribe(listener, text)]

    def private_words(self, event: TellableEvent, at: int) -> Iterator[tuple[str, Json]]:
        told = self._words(event, at)
        yield told["e"], told

    def _words(self, event: TellableEvent, at: int) -> Json:
        if isinstance(event, AlgoEvent):
            orders = self._venue.engine.account(event.account).orders
            return words.algo_update(event, at, orders.get(event.algo.actual_order_id or 0))
        if isinstance(event, AccountEvent):
            return words.account_update(event, at, self._venue.engine.prices)
        return words.order_update(event, at)

    def last_word(self, account: str, at: int) -> Json | None:
        return {"e": "listenKeyExpired", "E": at, "listenKey": listen_key(account)}

    def advance(self) -> None:
        self._channels.advance()

    def public_message(self, name: str) -> str:
        return self._channels.message(name)


def _subscribe(listener: Listener, text: str) -> Json:
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
