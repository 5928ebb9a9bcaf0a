"""The door for senders that push signals over a WebSocket: a token first, then one answer for every frame.

Frames go through a short queue. While a commit runs the next ones gather there, and when it is full in the socket;
then they are committed together. Answers leave in the order of the frames.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from signals_app.answers import answer
from signals_app.doors import (
    UNKNOWN_TOKEN,
    UNRECORDED,
    address_of,
    bearer,
    failed,
    in_thread,
    meet_stranger,
    registry,
    without_token,
)
from signals_app.limits import ALL, NOT_SIGNED_IN, SLOWED_SECONDS, connections, senders, unknown_connections
from signals_app.reasons import ReasonCode
from signals_app.sender_lines import Place, lines
from signals_app.sender_rules import SenderRule
from signals_app.services.arrivals import Arrival, Verdict
from signals_app.services.counting import count_arrival
from signals_app.services.intake import receive_batch
from signals_app.services.refusals import refuse_for_rate
from signals_app.tokens import known_hash
from tradingbot.sockets import DispatchedAtOnce

logger = logging.getLogger(__name__)

AUTH_SECONDS = 5.0
SEND_SECONDS = 30.0  # a sender that does not read its answers for so long gets no more of them
WAITING_FRAMES = 200
STRANGERS_FRAMES = 4  # before a token
STRANGERS_BYTES = 64 * 1024
BATCH = 100
LONGEST_CONTROL = 500
REFUSED = 4401
TOO_MANY = 1008
TRY_AGAIN_LATER = 1013
IN_ADDRESS = "a token in the address would end up in logs; send it in a header or a first message"
TOO_MUCH = f"at most {STRANGERS_BYTES} bytes in a frame before a token"
CROWDED = "too many connections wait for their token here; connect again later"
SEND_AGAIN = "connect again and send once more, in their order, what was answered by an error or not at all"
Frame = tuple[str | bytes, datetime]


class SignalConsumer(DispatchedAtOnce, AsyncWebsocketConsumer):  # type: ignore[misc]
    async def connect(self) -> None:
        self.rule: SenderRule | None = None
        self._token = self._hash = ""
        self._place: Place | None = None
        self._address = address_of(self.scope)
        self._is_over = False  # we ended it: what comes after is not acted on
        self._is_gone = False  # nobody listens: what came before still counts
        self._held = ExitStack()
        self._deadline: asyncio.Task[None] | None = None
        self._waiting: asyncio.Queue[Frame | None] = asyncio.Queue(WAITING_FRAMES)
        self._may_send_more = asyncio.Event()
        self._held.enter_context(unknown_connections.holding(ALL))
        await self.accept()
        self._worker = asyncio.create_task(self._work())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        frame = text_data if text_data is not None else bytes_data or b""
        at = datetime.now(UTC)
        if self._place is None and not await self._is_bearable(frame):
            return
        if self._place is not None:
            self._place.has_more()
        await self._waiting.put((frame, at))

    async def _is_bearable(self, frame: str | bytes) -> bool:
        """Of somebody who has not signed in: little is kept, and nothing once it is over."""
        if len(frame) > STRANGERS_BYTES:
            await self._refuse(TOO_MUCH)
        elif self._waiting.qsize() >= STRANGERS_FRAMES and not self._is_over:
            await self._may_send_more.wait()
        return not self._is_over

    async def disconnect(self, code: int) -> None:
        """What was received before is still handled; there is nobody left to answer."""
        await self._waiting.put(None)
        await self._worker

    async def _work(self) -> None:
        try:
            await self._welcome()
            while frames := await self._gathered():
                for is_signal, run in groupby(frames, _is_signal):
                    await (self._signals if is_signal else self._controls)(list(run))
        except Exception:
            logger.exception("a connection of a sender ends")
            await self._end({"type": "error", "reason": "internal error; connect again"}, TRY_AGAIN_LATER)
            while await self._gathered():
                pass
        finally:
            self._stop_waiting()
            self._held.close()
            self._may_send_more.set()

    async def _gathered(self) -> list[Frame]:
        """All that came while the last ones were handled; empty when the connection is gone."""
        if self._place is not None and self._waiting.empty():
            self._place.has_nothing_left()
        frames = [await self._waiting.get()]
        while len(frames) < BATCH and frames[-1] is not None and not self._waiting.empty():
            frames.append(self._waiting.get_nowait())
        if frames[-1] is None and len(frames) > 1:
            self._waiting.put_nowait(None)
        return [frame for frame in frames if frame is not None]

    async def _welcome(self) -> None:
        token = bearer(self.scope)
        if self.scope.get("has_token_in_query"):
            await self._refuse(IN_ADDRESS)
        elif token is not None:
            await self._authenticate(token)
        elif _is_crowded():
            await self._end({"type": "error", "reason": CROWDED}, TRY_AGAIN_LATER)
        else:
            await self._say({"type": "auth_required"})
            self._deadline = asyncio.create_task(self._refuse_late())

    async def _refuse_late(self) -> None:
        await asyncio.sleep(AUTH_SECONDS)
        await self._refuse("no token came in time")

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

    async def _authenticate(self, token: str) -> None:
        self._stop_waiting()
        try:
            known = (await registry()).senders
        except Exception:
            logger.exception("the senders could not be read")
            await self._end({"type": "error", "reason": "not ready; connect again later"}, TRY_AGAIN_LATER)
            return
        found = known_hash(token, known)
        if found is None:
            await self._refuse_stranger()
        elif reason := _refusal(known[found], self._address):
            await self._refuse(reason)
        elif self.rule is None and connections.count(known[found].name) >= settings.MAX_SENDER_CONNECTIONS:
            await self._end({"type": "error", "reason": "too many connections of this sender"}, TOO_MANY)
        else:
            await self._let_in(token, found, known[found])

    async def _let_in(self, token: str, found: str, rule: SenderRule) -> None:
        self._held.close()
        self._held.enter_context(connections.holding(rule.name))
        self._place = self._held.enter_context(lines.joined(rule.name))
        self._token, self._hash, self.rule = token, found, rule
        self._may_send_more.set()
        await self._say({"type": "auth_success", "sender": rule.name})

    async def _refuse_stranger(self) -> None:
        if meet_stranger("WebSocket", self._address) and not _is_crowded():
            await asyncio.sleep(SLOWED_SECONDS)
        await self._refuse(UNKNOWN_TOKEN)

    async def _refuse(self, reason: str) -> None:
        await self._end({"type": "auth_failed", "reason": reason}, REFUSED)

    async def _end(self, last_words: dict[str, Any], code: int) -> None:
        if not self._is_over:
            self._is_over = True
            self._may_send_more.set()
            await self._say(last_words)
            await self._speak(self.close, code)

    async def _controls(self, frames: Sequence[Frame]) -> None:
        for frame, _ in frames:
            control = _control(frame) or {}
            if self._is_over:
                return
            if self.rule is None or control["type"] == "auth":
                await self._authenticate(str(control.get("token", "")))
            else:
                await self._say({"type": "pong"})

    async def _signals(self, frames: Sequence[Frame]) -> None:
        if self._is_over:
            return
        if self._place is None:
            await self._refuse_stranger()
            return
        async with self._place.turn():
            refusal, arrivals = await self._arrived(frames)
            verdicts = await in_thread(_judge, arrivals) if arrivals else []
        if refusal:
            await self._refuse(refusal)
        for verdict, arrival in zip(verdicts, arrivals, strict=True):
            await self._speak(self.send, _words(verdict, arrival.raw))
        if any(verdict.reason_code is ReasonCode.INTERNAL_ERROR for verdict in verdicts):
            # what follows would be taken before what has to be sent again
            await self._end({"type": "error", "reason": SEND_AGAIN}, TRY_AGAIN_LATER)

    async def _arrived(self, frames: Sequence[Frame]) -> tuple[str, list[Arrival]]:
        """By what the sender may do now; a reason where it may not send any more."""
        rule = (await registry()).senders.get(self._hash)
        if rule is None or (reason := _refusal(rule, self._address)):
            return "this token works no more" if rule is None else reason, []
        source, token = f"websocket:{rule.name}", self._token
        arrivals = [Arrival(without_token(raw, token), source, at, rule) for raw, at in frames]
        for arrival in arrivals:
            count_arrival(arrival.source, arrival.received_at)
        return "", arrivals

    async def _say(self, words: dict[str, Any]) -> None:
        await self._speak(self.send, json.dumps(words))

    async def _speak(self, act: Callable[[Any], Awaitable[None]], words: Any) -> None:
        """A sender that hung up, or does not read its answers, must not keep its frames from being handled."""
        if self._is_gone:
            return
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await act(words)
        except (OSError, TimeoutError):
            self._is_gone = True


def _judge(arrivals: Sequence[Arrival]) -> list[Verdict]:
    rule = arrivals[0].rule
    passing = senders.passing(rule.name, rule.rate, len(arrivals))
    return [*_received(arrivals[:passing]), *_refused(arrivals[passing:])]


def _received(arrivals: Sequence[Arrival]) -> list[Verdict]:
    try:
        return receive_batch(arrivals) if arrivals else []
    except Exception as error:
        return _not_received(arrivals, error)


def _not_received(arrivals: Sequence[Arrival], error: Exception) -> list[Verdict]:
    """Some of many may be in the ledger, and are repeats when they come again: so none is written twice here."""
    if len(arrivals) == 1:
        return [failed(arrivals[0], error)]
    logger.error("%d messages of %s could not be handled", len(arrivals), arrivals[0].source, exc_info=error)
    return [UNRECORDED] * len(arrivals)


def _refused(arrivals: Sequence[Arrival]) -> list[Verdict]:
    try:
        return refuse_for_rate(arrivals) if arrivals else []
    except Exception as error:
        return _not_received(arrivals, error)


def _words(verdict: Verdict, raw: str | bytes) -> str:
    entries = [asdict(entry) for entry in verdict.entries]
    return json.dumps({"type": "verdict", **answer(verdict, raw), "entries": entries})


def _is_crowded() -> bool:
    return unknown_connections.count(ALL) > NOT_SIGNED_IN


def _refusal(rule: SenderRule, address: str) -> str:
    if not rule.enabled:
        return "this sender was switched off"
    return "" if rule.is_heard_from(address) else "this sender may not send from this network"


def _is_signal(frame: Frame) -> bool:
    return _control(frame[0]) is None


def _control(frame: str | bytes) -> dict[str, Any] | None:
    """auth and ping are small objects with a type; everything else is meant as a signal."""
    word: Any = '"type"' if isinstance(frame, str) else b'"type"'
    if len(frame) > LONGEST_CONTROL or word not in frame:
        return None
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError):
        return None
    is_control = isinstance(value, dict) and value.get("type") in ("auth", "ping")
    return value if is_control else None
