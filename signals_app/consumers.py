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
from signals_app.services import Verdict, receive_signal
from signals_app.tokens import token_hash

logger = logging.getLogger(__name__)

AUTH_SECONDS = 5.0
REFUSED = 4401
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
        self.sender: str | None = None
        self.token = _bearer(self.scope["headers"])
        self._deadline: asyncio.TimerHandle | None = None
        await self.accept()
        if b"token=" in self.scope.get("query_string", b""):
            await self._refuse(
                "a token in the address would end up in logs; send it in a header or a first message"
            )
        elif self.token is not None:
            await self._authenticate(self.token)
        else:
            await self._ask_for_token()

    async def _ask_for_token(self) -> None:
        await self._say({"type": "auth_required"})
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(AUTH_SECONDS, lambda: loop.create_task(self._too_late()))

    async def _too_late(self) -> None:
        if self.sender is None:
            await self._refuse("no token came in time")

    async def _authenticate(self, token: str) -> None:
        self.token = token
        self.sender = await self._known_sender()
        if self.sender is None:
            await self._refuse("this token is not known")
            return
        if self._deadline is not None:
            self._deadline.cancel()
        await self._say({"type": "auth_success", "sender": self.sender})

    async def _known_sender(self) -> str | None:
        """Looked up by hash in a table in memory: a comparison that takes longer tells nothing about a token."""
        registry: Registry = await _in_thread(live.current)
        return registry.senders.get(token_hash(self.token or ""))

    async def _refuse(self, reason: str) -> None:
        self.sender = None
        await self._say({"type": "auth_failed", "reason": reason})
        await self.close(REFUSED)

    async def disconnect(self, code: int) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        frame = text_data if text_data is not None else bytes_data or b""
        control = _control(frame)
        if self.sender is None:
            await self._authenticate(str((control or {}).get("token", "")))
        elif control is not None and control["type"] == "ping":
            await self._say({"type": "pong"})
        elif await self._known_sender() is None:
            await self._refuse("this sender was switched off")
        else:
            await self._say(await self._judge(frame))

    async def _judge(self, frame: str | bytes) -> dict[str, Any]:
        received_at = datetime.now(UTC)
        try:
            verdict = await _in_thread(_receive, frame, f"websocket:{self.sender}", received_at)
        except Exception:
            logger.exception("a frame of %s could not be handled", self.sender)
            return {"type": "verdict", "status": "error", "reason": "internal error; send it again"}
        return {"type": "verdict", **asdict(verdict)}

    async def _say(self, answer: dict[str, Any]) -> None:
        await self.send(json.dumps(answer))


def _receive(frame: str | bytes, source: str, received_at: datetime) -> Verdict:
    return receive_signal(frame, source=source, received_at=received_at, registry=live.current())


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
