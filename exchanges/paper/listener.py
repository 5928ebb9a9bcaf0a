"""One WebSocket of a client, and what waits to be sent on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

MAX_WAITING = 10_000
Message = str | float | WSCloseCode


class Listener:
    """A client that does not read is cut off."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        request: web.Request,
        account: str = "",
        *,
        by_topic: bool = False,
    ) -> None:
        self.account, self.names = account, set[str]()
        self.is_deaf = False
        self.close_after_answer: WSCloseCode | None = None
        self._by_topic = by_topic
        self._socket, self._request = socket, request
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(MAX_WAITING)

    def send(self, message: Message) -> None:
        """A text, seconds to wait, or the code to close the socket with after what was sent before."""
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self.abort()

    def hears(self, name: str) -> bool:
        return not self._by_topic or name in self.names

    def abort(self) -> None:
        """As a broken line does: no closing handshake."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def flushed(self) -> None:
        await self._waiting.join()

    async def live(self, answer: Callable[[str], list[dict[str, Any]]]) -> None:
        writing = asyncio.create_task(self._write())
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self._say(answer(message.data))
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writing

    def _say(self, answers: list[dict[str, Any]]) -> None:
        for one in answers:
            self.send(json.dumps(one))
        if self.close_after_answer is not None:
            self.send(self.close_after_answer)

    async def _write(self) -> None:
        while not isinstance(message := await self._waiting.get(), WSCloseCode):
            if isinstance(message, str):
                await self._socket.send_str(message)
            else:
                await asyncio.sleep(message)
            self._waiting.task_done()
        await self._socket.close(code=message)
