"""One paper exchange: engine, prices, clock, journal, and who listens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TypeVar
from zlib import crc32

from exchanges.key_rights import KeyPermissions
from exchanges.paper import persistence
from exchanges.paper.book import Event, VenueRefusal
from exchanges.paper.candles import CANDLE_MS, Candle
from exchanges.paper.demo import DEMO_PRICES, DEMO_RULES
from exchanges.paper.journal import Journal
from exchanges.paper.matching import Engine
from exchanges.paper.prices import PriceProcess
from exchanges.paper.rate_limits import Limits, RateLimits
from exchanges.paper.venue_rules import BINANCE, VenueRules

HISTORY_MINUTES = 300
PRICES_SAVED_EVERY = 5.0
KEPT_DONE = 2000
Result = TypeVar("Result")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class PaperVenue:
    """`speed` is simulated seconds per real second. Every change goes through act() or step()."""

    def __init__(
        self,
        *,
        seed: int = 7,
        speed: float = 20.0,
        regime: str = "mixed",
        balance: Decimal = Decimal(10_000),
        state: Path | None = None,
        history_minutes: int = HISTORY_MINUTES,
    ) -> None:
        self.engine = Engine(DEMO_RULES, depth_notional=Decimal(20_000))
        self.process = PriceProcess(DEMO_PRICES, self.engine.rules, seed, regime)
        self.speed, self.balance, self._history_minutes = speed, balance, history_minutes
        self.rate_limits = RateLimits(Limits())
        self.is_paused = False
        self.clock_offset_ms = 0
        self.matched_after = 0.0  # seconds from the acknowledgement, where there is one
        self.expired_sessions: set[str] = set()
        self.key_rights: dict[str, KeyPermissions] = {}
        self.private_listener: Callable[[Iterable[Event]], None] = lambda events: None
        self.session_ended: Callable[[str, bool], None] = lambda account, silently: None
        self.book_version = now_ms()  # grows over restarts too
        self._journal = Journal(state)
        self._prices_saved_at = time.monotonic()
        self._candles_saved_ms = 0

    def now_ms(self) -> int:
        """The exchange's own clock, which may be wrong."""
        return now_ms() + self.clock_offset_ms

    def rights_of(self, account: str) -> KeyPermissions:
        """What a careful owner gives a key, unless a hook said otherwise."""
        owner = str(crc32(account.encode()))
        careful = KeyPermissions(can_trade=True, can_withdraw=False, is_bound_to_addresses=True, owner=owner)
        return self.key_rights.get(account, careful)

    @contextmanager
    def skewed(self, milliseconds: int) -> Iterator[None]:
        self.clock_offset_ms += milliseconds
        try:
            yield
        finally:
            self.clock_offset_ms -= milliseconds

    def open(self) -> None:
        self._journal.open(self.engine)
        self.process.resume(self.engine.prices)
        if not any(self.engine.candles(symbol) for symbol in self.engine.rules):
            self._make_history()
        self.engine.stand_still(now_ms())
        self._set_prices(self.process.prices())
        self._save()

    def _make_history(self) -> None:
        """Made up, for a fresh exchange: nothing was traded at it, so nothing may fire or fill."""
        now = self.process.prices()
        for at_ms, prices in self.process.history(self._history_minutes, now_ms()):
            for symbol, price in prices.items():
                self.engine.minutes[symbol].take(price, at_ms, self.process.volume())
        self.process.resume(now)

    def close(self) -> None:
        self._save()
        self._journal.close()

    def act(self, change: Callable[[Engine], Result], account: str | None = None) -> Result:
        """Change something, write it down, tell the private streams, return the answer."""
        try:
            return change(self.engine)
        finally:
            self._settle(
                () if account is None else [persistence.account_record(self.engine.account(account))]
            )

    def open_account(self, name: str, rules: VenueRules = BINANCE) -> None:
        """Whoever asks first says on which exchange the account is."""
        if not self.engine.has_account(name):
            self.act(lambda engine: engine.open_account(name, self.balance, rules), name)
        elif self.engine.account(name).venue != rules:
            raise VenueRefusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)

    def match(self) -> None:
        self.act(lambda engine: engine.match_acknowledged(self.now_ms()))

    def step(self, seconds: float) -> dict[str, Decimal]:
        """Let real seconds pass at the market's speed."""
        prices = self.process.step(seconds * self.speed)
        self._set_prices(prices)
        if time.monotonic() - self._prices_saved_at > PRICES_SAVED_EVERY:
            self._prices_saved_at = time.monotonic()
            self._save()
            self.engine.trim(KEPT_DONE)
        return prices

    def _save(self) -> None:
        """Prices, and the candles since the last time; the newest is saved again, since it goes on."""
        candles = persistence.candle_records(self.engine, self._candles_saved_ms)
        self._journal.append([persistence.prices_record(self.engine), *candles])
        self._candles_saved_ms = self.now_ms() // CANDLE_MS * CANDLE_MS

    def set_price(self, symbol: str, price: Decimal, last: Decimal | None = None) -> None:
        """A last price apart from the mark price stands until the price changes."""
        self.process.resume({symbol: price})
        self.engine.set_price(symbol, price, self.now_ms(), last=last)
        self._settle([persistence.prices_record(self.engine)])

    def tell_candles(self, symbol: str, rows: Sequence[Candle]) -> None:
        """Instead of those it had from the first of them on. Nothing fires or fills by what was."""
        self.engine.tell_candles(symbol, rows)
        self._settle(persistence.candle_records(self.engine, rows[0].open_ms))

    def begin_session(self, account: str) -> None:
        self.expired_sessions.discard(account)

    def end_session(self, account: str, *, silently: bool = False) -> None:
        """Its listenKey is refused and its private sockets tell nothing more, until it asks for a key again."""
        self.expired_sessions.add(account)
        self.session_ended(account, silently)

    def _set_prices(self, prices: dict[str, Decimal]) -> None:
        for symbol, price in prices.items():
            is_still = self.engine.prices.get(symbol) == price
            last = self.engine.last_apart.get(symbol) if is_still else None
            self.engine.set_price(symbol, price, self.now_ms(), self.process.volume(), last)
        self._settle()

    def _settle(self, facts: Iterable[persistence.Record] = ()) -> None:
        """What happened is written with the prices it happened at, and told after that."""
        events = self.engine.drain_events()
        records = [*facts, *persistence.records_of(events)]
        if events:
            records.append(persistence.prices_record(self.engine))
        if records:
            self._journal.append(records)
        if events:
            self.private_listener(events)
