"""The live page's socket: the whole picture first, then what changes, each message numbered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from ops.desk import preferences
from positions.live_feed import TROUBLE, Feed, reads, the_feed
from tradingbot.people import why_not_watch
from tradingbot.sockets import DispatchedAtOnce

logger = logging.getLogger(__name__)

MOST_WAITING = 20  # messages of a page that does not take them: five seconds' worth
Message = tuple[str, str]  # its kind and a JSON object


class LiveConsumer(DispatchedAtOnce, AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """Hands on what the feed says, in its own time."""

    async def connect(self) -> None:
        self.seq = 0
        self.waiting: asyncio.Queue[Message | int] = asyncio.Queue()
        self.feed: Feed | None = None
        await self.accept()
        if code := await reads.run(why_not_watch, self.scope.get("user")):
            await self.close(code=code)
            return
        self.decimals = await reads.run(_decimals_of, self.scope.get("user"))
        self.pump = asyncio.create_task(self._run())
        self.feed = the_feed()
        self.feed.join(self)

    async def disconnect(self, code: int) -> None:
        if self.feed is not None:
            self.pump.cancel()
            await self.feed.leave(self)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        if self.feed is not None and isinstance(content, dict) and content.get("type") == "snapshot":
            self.feed.want_picture(self)

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        with contextlib.suppress(ValueError, RecursionError):
            return await super().decode_json(text_data)

    def tell(self, kind: str, content: str) -> None:
        if self.waiting.qsize() < MOST_WAITING:
            self.waiting.put_nowait((kind, content))
        elif self.feed is not None:
            self.waiting = asyncio.Queue()
            self.feed.want_picture(self)

    def end(self, code: int = TROUBLE) -> None:
        self.waiting.put_nowait(code)

    @property
    def session_key(self) -> str | None:
        return getattr(self.scope.get("session"), "session_key", None)

    async def _run(self) -> None:
        try:
            while not isinstance(message := await self.waiting.get(), int):
                await self._hand_on(*message)
            await self.close(code=message)
        except OSError:
            logger.debug("a browser left amid a message")
        except Exception:
            logger.exception("A live connection ends; its browser will come back")
            await self.close(code=TROUBLE)

    async def _hand_on(self, kind: str, content: str) -> None:
        self.seq += 1
        kind = "hello" if self.seq == 1 else kind
        rest = f", {content[1:]}" if content != "{}" else "}"
        await self.send(text_data=f'{{"type": "{kind}", "seq": {self.seq}{rest}')


def _decimals_of(user: Any) -> int:
    return preferences.of_user(user).money_decimals
