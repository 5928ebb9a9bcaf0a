"""The door for senders that push signals over a WebSocket: a token first, then one answer for every frame."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import sync_to_async
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import close_old_connections

from signals_app.registry import Registry, live
from signals_app.sender_rules import SenderRule
from signals_app.services.arrivals import Arrival, Verdict
from signals_app.services.intake import log_failure, receive_signal
from signals_app.tokens import known_hash

logger = logging.getLogger(__name__)

AUTH_SECONDS = 5.0
REFUSED = 4401
TRY_AGAIN_LATER = 1013
# commits of several senders run side by side; one sender's frames stay in order
_workers = ThreadPoolExecutor(8, thread_name_prefix="signals")


class SignalConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    async def dispatch(self, message: dict[str, Any]) -> None:
        """Without Channels' thread hop per message: nothing here touches a database connection on this thread."""
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"no handler for {message['type']}")
        await handler(message)

    async def connect(self) -> None:
        self.rule: SenderRule | None = None
        self._hash = ""
        self._is_over = False
        self._deadline: asyncio.Task[None] | None = None
        token = _bearer(self.scope["headers"])
        await self.accept()
        if b"token=" in self.scope.get("query_string", b""):
            await self._refuse(
                "a token in the address would end up in logs; send it in a header or a first message"
            )
        elif token is not None:
            await self._authenticate(token)
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
            senders = (await _registry()).senders
        except Exception:
            logger.exception("the senders could not be read")
            await self._end({"type": "error", "reason": "not ready; connect again later"}, TRY_AGAIN_LATER)
            return
        found = known_hash(token, senders)
        if found is None:
            await self._refuse("this token is not known")
            return
        self._hash, self.rule = found, senders[found]
        await self._say({"type": "auth_success", "sender": self.rule.name})

    async def _refuse(self, reason: str) -> None:
        await self._end({"type": "auth_failed", "reason": reason}, REFUSED)

    async def _end(self, answer: dict[str, Any], code: int) -> None:
        """Frames that were already under way are not acted on."""
        self._is_over = True
        await self._say(answer)
        await self.close(code)

    async def disconnect(self, code: int) -> None:
        self._stop_waiting()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._is_over:
            return
        frame = text_data if text_data is not None else bytes_data or b""
        control = _control(frame)
        if self.rule is None or (control and control["type"] == "auth"):
            await self._authenticate(str((control or {}).get("token", "")))
        elif control:
            await self._say({"type": "pong"})
        elif (rule := (await _registry()).senders.get(self._hash)) is None:
            await self._refuse("this sender was switched off")
        else:
            await self._say(await _judge(Arrival(frame, f"websocket:{rule.name}", datetime.now(UTC), rule)))

    async def _say(self, answer: dict[str, Any]) -> None:
        await self.send(json.dumps(answer))


async def _judge(arrival: Arrival) -> dict[str, Any]:
    try:
        verdict: Verdict = await _in_thread(receive_signal, arrival)
    except Exception as error:
        logger.exception("a frame of %s could not be handled", arrival.source)
        log_id = await _in_thread(_log_failure, arrival, error)
        reason = "internal error; send it again"
        return {"type": "verdict", "status": "error", "reason": reason, "log_id": log_id}
    return {"type": "verdict", **asdict(verdict)}


async def _registry() -> Registry:
    """From memory; the thread is needed for the very first time only."""
    return live.loaded or await _in_thread(live.current)


def _log_failure(arrival: Arrival, error: Exception) -> int | None:
    """The row's id, None where even that cannot be written."""
    try:
        return log_failure(arrival, error).log_id
    except Exception:
        logger.exception("nor could a row be written")
        return None


def _run_fresh(work: Callable[..., Any], *args: Any) -> Any:
    close_old_connections()
    return work(*args)


async def _in_thread(work: Callable[..., Any], *args: Any) -> Any:
    return await sync_to_async(_run_fresh, thread_sensitive=False, executor=_workers)(work, *args)


def _bearer(headers: list[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].decode("latin-1").strip()
    return None


def _control(frame: str | bytes) -> dict[str, Any] | None:
    """auth and ping are small objects with a type; everything else is meant as a signal."""
    if len(frame) > 500:
        return None
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError):
        return None
    is_control = isinstance(value, dict) and value.get("type") in ("auth", "ping")
    return value if is_control else None
