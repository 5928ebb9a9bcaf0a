"""The live page's socket: the whole picture first, then what changes, each message numbered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from importlib import import_module
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings

from positions.live_feed import PICTURE, Feed, the_feed
from tradingbot.people import why_not_watch

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore
logger = logging.getLogger(__name__)

TROUBLE = 1011
MOST_WAITING = 20  # messages of a page that does not take them: five seconds' worth


class MayNotWatch(Exception):
    """Any more."""

    def __init__(self, code: int) -> None:
        self.code = code


class LiveConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """Hands on what the feed says, in its own time."""

    async def connect(self) -> None:
        self.seq = 0
        self.waiting: asyncio.Queue[tuple[str, str] | None] = asyncio.Queue()
        self.feed: Feed | None = None
        await self.accept()
        if code := await database_sync_to_async(why_not_watch)(self.scope.get("user")):
            await self.close(code=code)
            return
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

    def end(self) -> None:
        self.waiting.put_nowait(None)

    async def _run(self) -> None:
        try:
            while message := await self.waiting.get():
                await self._hand_on(*message)
            await self.close(code=TROUBLE)
        except MayNotWatch as reason:
            await self.close(code=reason.code)
        except OSError:
            logger.debug("a browser left amid a message")
        except Exception:
            logger.exception("A live connection ends; its browser will come back")
            await self.close(code=TROUBLE)

    async def _hand_on(self, kind: str, content: str) -> None:
        if kind == PICTURE:
            await self._check_session()
        self.seq += 1
        kind = "hello" if self.seq == 1 else kind
        rest = f", {content[1:]}" if content != "{}" else "}"
        await self.send(text_data=f'{{"type": "{kind}", "seq": {self.seq}{rest}')

    async def _check_session(self) -> None:
        """The session may have ended, or its user may have lost the right, since the socket was opened."""
        key = getattr(self.scope.get("session"), "session_key", None)
        user = await get_user({"session": SessionStore(key)})
        if code := await database_sync_to_async(why_not_watch)(user):
            raise MayNotWatch(code)
