"""The market process: public prices of every venue and private streams of every account, on one event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from exchanges.client import ExchangeStream
from exchanges.credentials import Credentials
from exchanges.errors import AccountUnusable
from exchanges.models import KEYS, AccountWatch, ExchangeAccount
from exchanges.registry import credentials_of
from exchanges.secrets import SecretUnreadable
from exchanges.session import say_little
from exchanges.types import Reference
from positions.services import watch
from signals_app.forecasts.candle_watch import CandleWatch
from tradingbot import pulse
from trailing import watching
from trailing.bands import Contract, OpenBands, Watched
from trailing.listening import fresh, keep_listening, next_of, take
from trailing.services import cleanup_orphan_ts_states

logger = logging.getLogger(__name__)

BANDS_SECONDS = 1.0
ROSTER_SECONDS = 2.0
FLUSH_SECONDS = 0.25
HANDOVER_SECONDS = 5.0
FEEDS_SECONDS = 10.0
Result = TypeVar("Result")
Listed = tuple[ExchangeAccount, Credentials | None]


class MarketProcess:
    def __init__(self) -> None:
        self._desk = watching.PriceDesk()
        self._open_bands = OpenBands()
        self._candle_watch = CandleWatch()
        self._names: dict[Contract, str] = {}
        self._running: dict[object, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()
        self._database = ThreadPoolExecutor(4, thread_name_prefix="database")

    async def run(self, stopped: asyncio.Event) -> None:
        asyncio.get_running_loop().set_exception_handler(say_little)
        await self._in_thread(cleanup_orphan_ts_states)
        endless = self._roster, self._bands, self._flush, self._candles
        loops = [asyncio.create_task(loop()) for loop in endless]
        await stopped.wait()
        self._candle_watch.close()
        ending = [*loops, *self._running.values(), *self._leaving]
        for task in ending:
            task.cancel()
        await asyncio.wait(ending, timeout=2)
        self._desk.close()
        self._database.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[..., Result], *args: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._database, fresh(work), *args)

    # loops that never end; a database or Redis that is away is waited for

    async def _roster(self) -> None:
        """Accounts, contracts and tickers that come or go are noticed here."""
        while True:
            try:
                await self._take_roster(await self._in_thread(_load_accounts))
            except Exception:
                logger.exception("accounts and contracts could not be read; trying again")
            await asyncio.sleep(ROSTER_SECONDS if self._names else 1.0)

    async def _take_roster(self, accounts: list[Listed]) -> None:
        """Changed keys or a changed name make another stream."""
        wanted: dict[object, Callable[[], Any]] = {}
        for account, credentials in accounts:
            private = "private", account.pk, _missed_at(account), _reconnect_asked_at(account), credentials
            wanted[private] = partial(self._private, account)
        usable = [one for one, credentials in accounts if credentials is not None]
        for venue, account in {a.venue: a for a in reversed(usable)}.items():
            for reference, symbols in (await self._in_thread(watching.load_symbols, venue)).items():
                self._names |= {(venue, symbol): name for symbol, name in symbols.items()}
                if symbols:
                    asked = max(
                        (_reconnect_asked_at(one) for one in usable if one.venue == venue), default=""
                    )
                    key = "prices", venue, reference, frozenset(symbols), asked
                    wanted[key] = partial(self._prices, account, reference, sorted(symbols))
        self._replace(wanted)

    def _replace(self, wanted: dict[object, Callable[[], Any]]) -> None:
        self._forget_ended()
        for key in self._running.keys() - wanted.keys():
            self._end(key)
        for key in wanted.keys() - self._running.keys():
            self._running[key] = asyncio.create_task(wanted[key]())

    def _end(self, key: Any) -> None:
        """Prices are told until a stream for other contracts has opened: twice does no harm."""
        task = self._running.pop(key)
        if key[0] != "prices":
            task.cancel()
            return
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        asyncio.get_running_loop().call_later(HANDOVER_SECONDS, task.cancel)

    def _forget_ended(self) -> None:
        """No stream ends by itself: one that did begins anew."""
        for key, task in list(self._running.items()):
            if task.done():
                del self._running[key]
                why = "canceled" if task.cancelled() else type(task.exception()).__name__
                logger.error("%s ended by itself (%s) and begins anew", key, why)

    async def _bands(self) -> None:
        while True:
            self._moved.clear()
            try:
                self._desk.watch(await self._in_thread(self._load_bands))
            except Exception:
                logger.exception("open positions could not be read; the last known ones stay watched")
            try:
                await asyncio.wait_for(self._moved.wait(), BANDS_SECONDS)
                await asyncio.sleep(0.05)  # several events of one order come together
            except TimeoutError:
                pass

    def _load_bands(self) -> dict[int, Watched]:
        found = self._open_bands.load()
        pulse.tell("market")
        return found

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            fresh = self._desk.take_fresh()
            if not fresh:
                continue
            try:
                await self._in_thread(watching.publish, self._names, fresh)
            except Exception:
                logger.exception("prices could not be published; the next ones follow")

    async def _candles(self) -> None:
        while True:
            try:
                await self._in_thread(self._candle_watch.look)
            except Exception:
                logger.exception("feeds of forecasts could not be read; trying again")
            await asyncio.sleep(FEEDS_SECONDS)

    # streams

    async def _prices(self, account: ExchangeAccount, reference: Reference, symbols: list[str]) -> None:
        async def listen(stream: ExchangeStream, succeeded: Callable[[], None]) -> None:
            async with aclosing(stream.prices(symbols, reference)) as batches:  # type: ignore[type-var]
                async for ticks in batches:
                    succeeded()
                    self._desk.take(account.venue, ticks)

        await keep_listening(f"{reference} prices of {account.venue}", account, listen)

    async def _private(self, account: ExchangeAccount) -> None:
        in_order = ThreadPoolExecutor(1, thread_name_prefix=f"account-{account.pk}")

        async def listen(stream: ExchangeStream, succeeded: Callable[[], None]) -> None:
            async with aclosing(stream.private_events()) as events:  # type: ignore[type-var]
                while (event := await next_of(events)) is not None:
                    succeeded()
                    loop = asyncio.get_running_loop()
                    await loop.run_in_executor(in_order, fresh(take), account.pk, event)
                    self._moved.set()

        try:
            broke = partial(self._in_thread, watch.broke, account.pk)
            await keep_listening(f"private stream of {account.name}", account, listen, broke)
        finally:
            in_order.shutdown(wait=False)


def _load_accounts() -> list[Listed]:
    """Keys that cannot be opened keep their own account from being listened to, and no other."""
    listed: list[Listed] = []
    for account in ExchangeAccount.objects.select_related("watch").defer(*KEYS).order_by("pk"):
        try:
            account.refresh_from_db(fields=KEYS)
            listed.append((account, _credentials(account)))
        except SecretUnreadable as error:
            logger.error("account %s is not listened to: its keys cannot be read (%s)", account.name, error)
    return listed


def _credentials(account: ExchangeAccount) -> Credentials | None:
    """None for one that may not trade: its own stream says why."""
    try:
        return credentials_of(account)
    except AccountUnusable:
        return None


def _reconnect_asked_at(account: ExchangeAccount) -> str:
    """Another value makes another stream."""
    seen: AccountWatch | None = getattr(account, "watch", None)
    return seen.reconnect_asked_at.isoformat() if seen and seen.reconnect_asked_at else ""


def _missed_at(account: ExchangeAccount) -> datetime | None:
    """A stream that is open and deaf gets another value here, and so a successor."""
    seen: AccountWatch | None = getattr(account, "watch", None)
    return seen.stream_missed_at if seen else None
