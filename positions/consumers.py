"""The live page's socket: the whole picture first, then what changes, each message numbered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from importlib import import_module
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.utils import timezone

from positions import queries
from positions.broadcast import GROUP
from positions.live_rows import Held, position_row, position_tick
from tradingbot.people import why_not_watch

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore
logger = logging.getLogger(__name__)

TROUBLE = 1011
FRAME = 0.25  # at most four messages a second, whatever the prices do
HEARTBEAT = 2.0
RESYNC = 15.0  # pub/sub can lose a message without anyone knowing


class MayNotWatch(Exception):
    """Any more."""

    def __init__(self, code: int) -> None:
        self.code = code


class LiveConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """Handlers only note what happened; one pump task does all the reading and all the sending."""

    async def connect(self) -> None:
        self.seq = 0
        self.held: dict[int, Held] = {}
        self.changed: dict[str, set[Any]] = defaultdict(set)
        self.prices: dict[tuple[str, str], str] = {}
        self.picture_due_at = 0.0
        self.wake = asyncio.Event()
        self.pump: asyncio.Task[None] | None = None
        await self.accept()
        if code := await database_sync_to_async(why_not_watch)(self.scope.get("user")):
            await self.close(code=code)
            return
        await self.channel_layer.group_add(GROUP, self.channel_name)
        self.pump = asyncio.create_task(self._run())

    async def disconnect(self, code: int) -> None:
        if self.pump is not None:
            self.pump.cancel()
            await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        if isinstance(content, dict) and content.get("type") == "snapshot":
            self.picture_due_at = 0.0
            self.wake.set()

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        with contextlib.suppress(ValueError, RecursionError):
            return await super().decode_json(text_data)

    async def live_changed(self, event: dict[str, Any]) -> None:
        self.changed[event["kind"]].update(event["ids"])
        self.wake.set()

    async def live_prices(self, event: dict[str, Any]) -> None:
        self.prices |= {(event["venue"], symbol): price for symbol, price in event["prices"].items()}
        self.wake.set()

    async def _run(self) -> None:
        try:
            while True:
                await self._tell()
                await asyncio.sleep(FRAME)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), HEARTBEAT - FRAME)
        except MayNotWatch as reason:
            await self.close(code=reason.code)
        except Exception:
            logger.exception("A live connection ends; its browser will come back")
            await self.close(code=TROUBLE)

    async def _tell(self) -> None:
        self.wake.clear()
        if time.monotonic() >= self.picture_due_at:
            await self._tell_everything()
        else:
            changed, self.changed = self.changed, defaultdict(set)
            news = await self._news(changed) if changed else {}
            news |= self._ticks()
            await self._number_and_send("update" if news else "heartbeat", news)

    async def _tell_everything(self) -> None:
        await self._check_session()
        self.changed.clear()
        picture, held = await database_sync_to_async(_picture)()
        self.held = {one.id: one for one in held}
        self.picture_due_at = time.monotonic() + RESYNC
        await self._number_and_send("snapshot" if self.seq else "hello", {"snapshot": picture})

    async def _news(self, changed: dict[str, set[Any]]) -> dict[str, Any]:
        news: dict[str, Any]
        news, held = await database_sync_to_async(_read_news)(changed)
        gone = {one["id"] for one in news.get("gone", ())}
        self.held = {k: v for k, v in self.held.items() if k not in gone} | {one.id: one for one in held}
        if held or gone:
            figures = await database_sync_to_async(queries.figures)(self.held.values(), timezone.now())
            news["figures"] = figures
        return news

    def _ticks(self) -> dict[str, Any]:
        prices, self.prices = self.prices, {}
        moved = [
            replace(held, mark_price=Decimal(prices[held.venue, held.exchange_symbol]))
            for held in self.held.values()
            if (held.venue, held.exchange_symbol) in prices
        ]
        if not moved:
            return {}
        self.held |= {one.id: one for one in moved}
        open_pnl = queries.open_pnl(self.held.values())
        return {"ticks": [position_tick(one) for one in moved], "open_pnl": open_pnl}

    async def _number_and_send(self, kind: str, content: dict[str, Any]) -> None:
        self.seq += 1
        await self.send_json({"type": kind, "seq": self.seq, **content})

    async def _check_session(self) -> None:
        """The session may have ended, or its user may have lost the right, since the socket was opened."""
        key = getattr(self.scope.get("session"), "session_key", None)
        user = await get_user({"session": SessionStore(key)})
        if code := await database_sync_to_async(why_not_watch)(user):
            raise MayNotWatch(code)


def _picture() -> tuple[dict[str, Any], list[Held]]:
    now = timezone.now()
    held = queries.held_positions(now=now)
    return queries.snapshot(now, held), held


def _read_news(changed: dict[str, set[Any]]) -> tuple[dict[str, Any], list[Held]]:
    now = timezone.now()
    news: dict[str, Any] = {}
    if changed["order"]:
        news["orders"] = queries.order_rows(changed["order"], now=now)
    if changed["notices"]:
        news["notices"] = queries.notices()
    if changed["signal"]:
        news["signals"] = queries.signal_rows(changed["signal"], now=now)
    # a stop that moved changes the row of its position as well
    touched = changed["position"] | {row["position_id"] for row in news.get("orders", ())}
    held = queries.held_positions(touched, now=now) if touched else []
    if held:
        news["positions"] = [position_row(one, now) for one in held]
    if gone := sorted(touched - {one.id for one in held}):
        news["gone"] = [{"id": pk, "sentence": queries.ending(pk)} for pk in gone]
    return news, held
