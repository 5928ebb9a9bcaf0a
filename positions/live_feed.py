"""What all live pages of one process are told: read, reckoned and written down once a frame, however many watch.

Each page has a queue of its own, so that a slow one holds up nobody: it loses its queue and gets a new picture."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextvars import Context
from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from positions import formats, queries
from positions.broadcast import GROUP
from positions.live_rights import why_they_end
from positions.live_rows import Held, position_row, position_tick
from positions.notices import notices
from tradingbot.own_threads import OwnThreads

logger = logging.getLogger(__name__)

FRAME = 0.25  # at most four messages a second, whatever the prices do
REST = 0.05  # of a feed whose reading takes longer than that
HEARTBEAT = 2.0
RESYNC = 15.0  # pub/sub can lose a message without anyone knowing
TROUBLE = 1011
PICTURE, UPDATE, BEAT = "snapshot", "update", "heartbeat"


reads = OwnThreads(1, "live")


class Watcher(Protocol):
    decimals: int  # of money, as its person wants it

    @property
    def session_key(self) -> str | None:
        """Whose rights are looked at again before each picture."""

    def tell(self, kind: str, content: str) -> None:
        """`content`: a JSON object. Must not wait."""

    def end(self, code: int = TROUBLE) -> None:
        """Nothing more comes."""


class Feed:
    """Handlers only note what happened; one task does all the reading."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self._wanting: set[Watcher] = set()
        self._held: dict[int, Held] = {}
        self._changed: dict[str, set[Any]] = defaultdict(set)
        self._prices: dict[tuple[str, str], str] = {}
        self._picture_due_at = 0.0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def join(self, watcher: Watcher) -> None:
        self._watchers.add(watcher)
        self.want_picture(watcher)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), context=Context())

    def want_picture(self, watcher: Watcher) -> None:
        self._wanting.add(watcher)
        self._wake.set()

    async def leave(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)
        self._wanting.discard(watcher)
        if not self._watchers and self._task is not None:
            _forget(self)
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            async with _heard(self._note) as listening:
                await self._tell_for_ever(listening)
        except Exception:
            logger.exception("The live pages are told no more; their browsers will come back")
            self._end_all()

    def _note(self, event: dict[str, Any]) -> None:
        if event["type"] == "live.changed":
            self._changed[event["kind"]].update(event["ids"])
        else:
            self._prices |= {(event["venue"], name): price for name, price in event["prices"].items()}
        self._wake.set()

    async def _tell_for_ever(self, listening: asyncio.Task[None]) -> None:
        """By the clock of frames that began: prices are published four times a second as well, and so are told when
        they come, instead of waiting here for another quarter of a second."""
        while True:
            if listening.done():
                listening.result()
            began = time.monotonic()
            await self._frame()
            await asyncio.sleep(max(began + FRAME - time.monotonic(), REST))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), HEARTBEAT - FRAME)

    async def _frame(self) -> None:
        self._wake.clear()
        if time.monotonic() >= self._picture_due_at:
            self._wanting |= self._watchers
        others = self._watchers - self._wanting
        if others:
            await self._tell_news(others)
        if self._wanting:
            await self._tell_everything(everybody=not others)

    async def _tell_everything(self, *, everybody: bool) -> None:
        wanting, self._wanting = self._wanting, set()
        if everybody:
            self._changed.clear()
            self._picture_due_at = time.monotonic() + RESYNC
        ends = await reads.run(why_they_end, {one.session_key for one in wanting})
        for decimals, those in _by_decimals(wanting).items():
            with formats.money_with(decimals):
                picture, held = await reads.run(_picture)
            self._held = {one.id: one for one in held}
            still = those & self._watchers
            _tell([one for one in still if one.session_key not in ends], PICTURE, {"snapshot": picture})
        for watcher in wanting & self._watchers:
            if code := ends.get(watcher.session_key):
                watcher.end(code)

    async def _tell_news(self, watchers: Iterable[Watcher]) -> None:
        changed, self._changed = self._changed, defaultdict(set)
        prices, self._prices = self._prices, {}
        for decimals, those in _by_decimals(watchers).items():
            with formats.money_with(decimals):
                news = await self._news(changed) if changed else {}
                news |= self._ticks(prices)
            _tell(those, UPDATE if news else BEAT, news)

    async def _news(self, changed: dict[str, set[Any]]) -> dict[str, Any]:
        news: dict[str, Any]
        news, held = await reads.run(_read_news, changed)
        gone = {one["id"] for one in news.get("gone", ())}
        self._held = {k: v for k, v in self._held.items() if k not in gone} | {one.id: one for one in held}
        if held or gone:
            figures = await reads.run(queries.figures, self._held.values(), timezone.now())
            news["figures"] = figures
        return news

    def _ticks(self, prices: Mapping[tuple[str, str], str]) -> dict[str, Any]:
        moved = [
            replace(held, mark_price=Decimal(prices[held.venue, held.exchange_symbol]))
            for held in self._held.values()
            if (held.venue, held.exchange_symbol) in prices
        ]
        if not moved:
            return {}
        self._held |= {one.id: one for one in moved}
        open_pnl = queries.open_pnl(self._held.values())
        return {"ticks": [position_tick(one) for one in moved], "open_pnl": open_pnl}

    def _end_all(self) -> None:
        _forget(self)
        for watcher in self._watchers:
            watcher.end()


def _by_decimals(watchers: Iterable[Watcher]) -> dict[int, set[Watcher]]:
    """Who is told the same text."""
    found: dict[int, set[Watcher]] = defaultdict(set)
    for one in watchers:
        found[one.decimals].add(one)
    return found


@contextlib.asynccontextmanager
async def _heard(note: Callable[[dict[str, Any]], None]) -> AsyncIterator[asyncio.Task[None]]:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    listening = asyncio.create_task(_listen(layer, channel, note))
    try:
        yield listening
    finally:
        listening.cancel()
        with contextlib.suppress(Exception):  # Redis may be what failed
            await layer.group_discard(GROUP, channel)


async def _listen(layer: Any, channel: str, note: Callable[[dict[str, Any]], None]) -> None:
    while True:
        note(await layer.receive(channel))


# an event loop is one process's; tests have several
_feeds: WeakKeyDictionary[asyncio.AbstractEventLoop, Feed] = WeakKeyDictionary()


def the_feed() -> Feed:
    loop = asyncio.get_running_loop()
    if loop not in _feeds:
        _feeds[loop] = Feed()
    return _feeds[loop]


def _forget(feed: Feed) -> None:
    """Who comes later begins another."""
    loop = asyncio.get_running_loop()
    if _feeds.get(loop) is feed:
        del _feeds[loop]


def _tell(watchers: Iterable[Watcher], kind: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, cls=DjangoJSONEncoder)
    for watcher in watchers:
        watcher.tell(kind, text)


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
        news["notices"] = notices()
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
