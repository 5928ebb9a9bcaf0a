"""The WebSocket side: who listens, and what is told to whom. How it is said, a speaker knows."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from aiohttp import WSCloseCode, web

from exchanges.paper.binance_stream import BinanceSpeaker
from exchanges.paper.book import BestPriceMoved, Event
from exchanges.paper.bybit_stream import BybitSpeaker
from exchanges.paper.event_faults import Delivery
from exchanges.paper.faults import Faults
from exchanges.paper.listener import Listener
from exchanges.paper.private_lines import PrivateLines
from exchanges.paper.speaker import Json, Speaker
from exchanges.paper.venue import PaperVenue
from exchanges.paper.venue_rules import BINANCE, BYBIT

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Streams:
    def __init__(self, venue: PaperVenue, faults: Faults) -> None:
        self._venue, self.lines = venue, PrivateLines()
        self._speakers: dict[str, Speaker] = {
            BINANCE.name: BinanceSpeaker(venue),
            BYBIT.name: BybitSpeaker(venue),
        }
        self._delivery = Delivery(venue, self.lines, faults)
        self._public: dict[Listener, Speaker] = {}
        venue.private_listener = self.tell
        venue.session_ended = self.fall_silent

    def add_routes(self, app: web.Application) -> None:
        for speaker in self._speakers.values():
            for path in speaker.private_paths:
                app.router.add_get(path, self._private(speaker))
            for path in speaker.public_paths:
                app.router.add_get(path, self._to_public(speaker))

    def _private(self, speaker: Speaker) -> Handler:
        async def private(request: web.Request) -> web.StreamResponse:
            if self.lines.is_refusing:
                return web.Response(status=503)
            socket = web.WebSocketResponse(heartbeat=60)
            listener = speaker.private(socket, request)
            await socket.prepare(request)
            if listener is None:
                await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"invalid listenKey")
                return socket
            self.lines.sockets.add(listener)
            try:
                await _serve(listener, speaker.hear_private)
            finally:
                self.lines.sockets.discard(listener)
            return socket

        return private

    def _to_public(self, speaker: Speaker) -> Handler:
        async def public(request: web.Request) -> web.StreamResponse:
            socket = web.WebSocketResponse(heartbeat=60)
            await socket.prepare(request)
            listener = Listener(socket, request)
            self._public[listener] = speaker
            try:
                await _serve(listener, speaker.hear_public)
            finally:
                del self._public[listener]
            return socket

        return public

    def tell(self, events: Iterable[Event]) -> None:
        at = self._venue.now_ms()
        for event in events:
            if not isinstance(event, BestPriceMoved) and self.lines.listening(event.account):
                for name, told in self._speaker_of(event.account).private_words(event, at):
                    self._delivery.carry(event.account, name, json.dumps(told))

    def _speaker_of(self, account: str) -> Speaker:
        return self._speakers[self._venue.engine.account(account).venue.name]

    def fall_silent(self, account: str, silently: bool) -> None:
        """As the venue does when a session ends: one last event, and an open socket that says nothing more."""
        last = self._speaker_of(account).last_word(account, self._venue.now_ms())
        if last is not None and not silently:
            self.lines.send(account, json.dumps(last))
        self.lines.silence(account)

    def cut(self) -> int:
        """Every line, public and private, breaks."""
        listeners = self._public.keys() | self.lines.sockets
        for listener in listeners:
            listener.abort()
        return len(listeners)

    def go_away(self) -> None:
        """The server stops."""
        for listener in self._public.keys() | self.lines.sockets:
            listener.send(WSCloseCode.GOING_AWAY)

    def publish(self) -> None:
        """One message for each subscription; call it after every change of prices."""
        for speaker in self._speakers.values():
            speaker.advance()
        made: dict[str, str] = {}
        for listener, speaker in self._public.items():
            for name in listener.names:
                if name not in made:
                    made[name] = speaker.public_message(name)
                if made[name]:
                    listener.send(made[name])


async def _serve(listener: Listener, hear: Callable[[Listener, str], list[Json]]) -> None:
    with suppress(ConnectionError):
        await listener.live(lambda text: hear(listener, text))
