"""Whether a market is fit for an entry now. Pure: what could be learned of it comes in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from exchanges.types import Candle, PositionSide, Timeframe
from signals_app.reasons import ReasonCode

HUNDRED = Decimal(100)
CHASED = timedelta(minutes=5)
AN_HOUR = 60  # candles
CANDLES_NEEDED = AN_HOUR + 1
# the newest candle of a contract that trades at all
NEWEST = 2 * Timeframe.MINUTE.length


class WhenUnknown(StrEnum):
    REFUSE = "refuse"
    PASS = "pass"  # noqa: S105


class Fact(StrEnum):
    """What has to be asked for."""

    OPEN_INTEREST = "open interest"
    CANDLES = "candles"
    BOOK = "book"


@dataclass(frozen=True, slots=True)
class Filter:
    limit: Decimal
    when_unknown: WhenUnknown = WhenUnknown.REFUSE


@dataclass(frozen=True, slots=True)
class MarketFilters:
    """None: off. The first two in quote currency."""

    min_open_interest: Filter | None = None
    min_hour_volume: Filter | None = None
    max_move_percent: Filter | None = None
    max_spread_percent: Filter | None = None

    @property
    def needs(self) -> frozenset[Fact]:
        wanted = {
            Fact.OPEN_INTEREST: self.min_open_interest,
            Fact.CANDLES: self.min_hour_volume or self.max_move_percent,
            Fact.BOOK: self.max_spread_percent,
        }
        return frozenset(fact for fact, rule in wanted.items() if rule is not None)


NO_FILTERS = MarketFilters()


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """None: not known. The first two in quote currency; `move_percent` is the last five minutes', signed."""

    open_interest: Decimal | None = None
    hour_volume: Decimal | None = None
    move_percent: Decimal | None = None
    spread_percent: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Unfit:
    reason: str
    code: ReasonCode


def objection(filters: MarketFilters, facts: MarketFacts, side: PositionSide) -> Unfit | None:
    """The first reason not to open on this side."""
    if text := next(_objections(filters, facts, side), None):
        return Unfit(text, ReasonCode.MARKET)
    text = next(_too_much("spread", facts.spread_percent, filters.max_spread_percent), None)
    return Unfit(text, ReasonCode.WIDE_SPREAD) if text else None


def _objections(filters: MarketFilters, facts: MarketFacts, side: PositionSide) -> Iterator[str]:
    move = None if facts.move_percent is None else facts.move_percent * side.sign
    yield from _too_little("open interest", facts.open_interest, filters.min_open_interest)
    yield from _too_little("volume of the last hour", facts.hour_volume, filters.min_hour_volume)
    yield from _too_much(f"move towards a {side} in five minutes", move, filters.max_move_percent)


def _too_little(what: str, value: Decimal | None, rule: Filter | None) -> Iterator[str]:
    if rule is None:
        return
    if value is None:
        yield from _unknown(what, rule)
    elif value < rule.limit:
        yield f"{what} {value:.0f} USDT, at least {rule.limit:.0f} wanted"


def _too_much(what: str, value: Decimal | None, rule: Filter | None) -> Iterator[str]:
    if rule is None:
        return
    if value is None:
        yield from _unknown(what, rule)
    elif value > rule.limit:
        yield f"{what} {value:.3f} %, at most {rule.limit.normalize():f} allowed"


def _unknown(what: str, rule: Filter) -> Iterator[str]:
    if rule.when_unknown is WhenUnknown.REFUSE:
        yield f"{what} is not known"


# from what a venue tells


def spread_percent(bid: Decimal, ask: Decimal) -> Decimal | None:
    """Of the price between both. A book whose sides cross or are missing says nothing."""
    if bid <= 0 or ask < bid:
        return None
    return (ask - bid) / ((ask + bid) / 2) * HUNDRED


def move_percent(minutes: Sequence[Candle], now: datetime) -> Decimal | None:
    """From what was paid five whole minutes before the newest candle began."""
    if not _is_young(minutes, now):
        return None
    began = {row.at: row.open for row in minutes}
    before = began.get(minutes[-1].at - CHASED)
    return (minutes[-1].close / before - 1) * HUNDRED if before else None


def hour_volume(minutes: Sequence[Candle], contract_size: Decimal, now: datetime) -> Decimal | None:
    """Of the sixty finished candles before the newest; with one missing it is not known."""
    finished = minutes[-CANDLES_NEEDED:-1]
    if not _is_young(minutes, now) or len(finished) < AN_HOUR:
        return None
    if minutes[-1].at - finished[0].at != AN_HOUR * Timeframe.MINUTE.length:
        return None
    return sum((row.volume * row.close for row in finished), Decimal(0)) * contract_size


def _is_young(minutes: Sequence[Candle], now: datetime) -> bool:
    return bool(minutes) and now - minutes[-1].at <= NEWEST
