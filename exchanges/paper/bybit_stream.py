"""The WebSocket side of Bybit: one private socket that says who it is, topics by subscription, a ping now and then."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from aiohttp import WSCloseCode, web

from exchanges.paper.book import VenueRefusal
from exchanges.paper.bybit_channels import Channels
from exchanges.paper.bybit_private import rows_of
from exchanges.paper.listener import Listener
from exchanges.paper.security import KEY_PREFIX, WELL_FORMED
from exchanges.paper.signing import paper_secret
from exchanges.paper.speaker import MAX_NAMES, Json, TellableEvent
from exchanges.paper.venue import PaperVenue
from exchanges.paper.venue_rules import BYBIT

PRIVATE_TOPICS = frozenset({"order", "execution", "position", "wallet"})


class BybitSpeaker:
    private_paths: tuple[str, ...] = ("/v5/private",)
    public_paths: tuple[str, ...] = ("/v5/public/linear",)

    def __init__(self, venue: PaperVenue) -> None:
        self._venue, self._channels = venue, Channels(venue)

    def private(self, socket: web.WebSocketResponse, request: web.Request) -> Listener | None:
        return Listener(socket, request, by_topic=True)

    # what a client says

    def hear_private(self, listener: Listener, text: str) -> list[Json]:
        asked = _read(text)
        match asked.get("op"):
            case "auth":
                return [self._authenticate(listener, asked)]
            case "ping":
                return [{"op": "pong", "args": [str(self._venue.now_ms())], **_about(asked)}]
            case "subscribe" | "unsubscribe" if not listener.account:
                return [_answer(asked, "Request not authorized")]
            case "subscribe" | "unsubscribe":
                return [_subscribe(listener, asked, PRIVATE_TOPICS.issuperset)]
        return [_answer(asked, "unknown op")]

    def hear_public(self, listener: Listener, text: str) -> list[Json]:
        asked = _read(text)
        match asked.get("op"):
            case "ping":
                return [_answer(asked, "pong", success=True)]
            case "subscribe" | "unsubscribe":
                answer = _subscribe(listener, asked, lambda names: all(map(self._channels.knows, names)))
                begins = answer["success"] and asked["op"] == "subscribe"
                wholes = map(self._channels.whole, _names(asked)) if begins else ()
                return [answer, *filter(None, wholes)]
        return [_answer(asked, "unknown op")]

    def _authenticate(self, listener: Listener, asked: Json) -> Json:
        key, expires, signature = (*map(str, asked.get("args") or ()), "", "", "")[:3]
        if not WELL_FORMED.fullmatch(key) or not key.startswith(KEY_PREFIX):
            return self._sent_away(listener, asked, "API key is invalid.")
        expected = hmac.new(paper_secret(key).encode(), f"GET/realtime{expires}".encode(), sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            return self._sent_away(listener, asked, "error sign!")
        if not expires.isdecimal() or len(expires) > 19 or int(expires) <= self._venue.now_ms():
            return self._sent_away(listener, asked, "request expired")
        try:
            self._venue.open_account(key, BYBIT)
        except VenueRefusal:
            return self._sent_away(listener, asked, "API key is invalid.")
        self._venue.begin_session(key)
        listener.account = key
        return _answer(asked, "", success=True)

    def _sent_away(self, listener: Listener, asked: Json, why: str) -> Json:
        listener.close_after_answer = WSCloseCode.POLICY_VIOLATION
        return _answer(asked, why)

    # what the exchange says

    def private_words(self, event: TellableEvent, at: int) -> Iterator[tuple[str, Json]]:
        for topic, row in rows_of(self._venue.engine, event):
            yield topic, {"id": f"{event.account}{at}", "topic": topic, "creationTime": at, "data": [row]}

    def last_word(self, account: str, at: int) -> Json | None:
        return None

    def advance(self) -> None:
        self._channels.advance()

    def public_message(self, name: str) -> str:
        found = self._channels.change(name)
        return json.dumps(found) if found else ""


def _read(text: str) -> Json:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _about(asked: Json) -> Json:
    return {"conn_id": "paper", **({"req_id": asked["req_id"]} if "req_id" in asked else {})}


def _answer(asked: Json, message: str, *, success: bool = False) -> Json:
    return {"success": success, "ret_msg": message, "op": asked.get("op", ""), **_about(asked)}


def _names(asked: Json) -> set[str]:
    return {name for name in asked.get("args") or () if isinstance(name, str)}


def _subscribe(listener: Listener, asked: Json, are_known: Any) -> Json:
    names = _names(asked)
    if not are_known(names):
        return _answer(asked, f"error:handler not found,topic:{min(names)}")
    if asked["op"] == "subscribe" and len(listener.names | names) > MAX_NAMES:
        return _answer(asked, "error:too many topics")
    change = set.update if asked["op"] == "subscribe" else set.difference_update
    change(listener.names, names)
    return _answer(asked, "", success=True)
