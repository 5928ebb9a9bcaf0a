"""What a market must be like for an entry, and what counts where it is not known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from exchanges.types import Candle, PositionSide
from signals_app.market_filters import (
    Fact,
    Filter,
    MarketFacts,
    MarketFilters,
    WhenUnknown,
    hour_volume,
    move_percent,
    objection,
    spread_percent,
)

D = Decimal
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ALL = MarketFilters(Filter(D(1_000_000)), Filter(D(50_000)), Filter(D(4)), Filter(D("0.5")))
FIT = MarketFacts(D(1_000_000), D(50_000), D(4), D("0.5"))


def test_off_by_default() -> None:
    assert objection(MarketFilters(), MarketFacts(), LONG) is None
    assert MarketFilters().needs == frozenset()


def test_only_what_is_judged_is_asked_for() -> None:
    assert MarketFilters(max_spread_percent=Filter(D(1))).needs == {Fact.BOOK}
    assert MarketFilters(min_hour_volume=Filter(D(1)), max_move_percent=Filter(D(1))).needs == {Fact.CANDLES}
    assert ALL.needs == set(Fact)


def test_on_the_limit_is_fit() -> None:
    assert objection(ALL, FIT, LONG) is None


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (MarketFacts(D(999_999), D(50_000), D(0), D(0)), "open interest 999999 USDT, at least 1000000 wanted"),
        (MarketFacts(D(10**7), D(49_999), D(0), D(0)), "volume of the last hour 49999 USDT, at least 50000 wanted"),
        (MarketFacts(D(10**7), D(10**6), D("4.01"), D(0)),
         "move towards a long in five minutes 4.010 %, at most 4 allowed"),
        (MarketFacts(D(10**7), D(10**6), D(0), D("0.51")), "spread 0.510 %, at most 0.5 allowed"),
    ],
)  # fmt: skip
def test_each_filter_says_its_numbers(facts: MarketFacts, said: str) -> None:
    assert objection(ALL, facts, LONG).reason == said


@pytest.mark.parametrize(
    ("side", "move", "is_refused"),
    [
        (LONG, "4.1", True),
        (LONG, "-9", False),
        (SHORT, "-4.1", True),
        (SHORT, "9", False),
        (SHORT, "-4", False),
    ],
)
def test_a_move_is_chased_on_its_own_side_only(side: PositionSide, move: str, is_refused: bool) -> None:
    filters = MarketFilters(max_move_percent=Filter(D(4)))
    assert (objection(filters, MarketFacts(move_percent=D(move)), side) is not None) is is_refused


@pytest.mark.parametrize(
    "name", ["min_open_interest", "min_hour_volume", "max_move_percent", "max_spread_percent"]
)
def test_what_is_not_known_refuses_or_passes_as_each_filter_says(name: str) -> None:
    closed = MarketFilters(**{name: Filter(D(1))})
    told = objection(closed, MarketFacts(), LONG)
    assert told is not None
    assert told.reason.endswith("is not known")
    assert objection(MarketFilters(**{name: Filter(D(1), WhenUnknown.PASS)}), MarketFacts(), LONG) is None


# from what a venue tells


def minutes(count: int, price: str = "100", newest: datetime = NOW - timedelta(seconds=30)) -> list[Candle]:
    p = D(price)
    return [Candle(newest - (count - 1 - n) * MINUTE, p, p, p, p, D(2)) for n in range(count)]


def test_the_move_is_from_five_whole_minutes_before_the_newest_candle() -> None:
    rows = minutes(61)
    rows[-1] = Candle(rows[-1].at, D(100), D(105), D(100), D(105), D(1))
    rows[-7] = Candle(rows[-7].at, D(50), D(50), D(50), D(50), D(1))
    assert move_percent(rows, NOW) == 5


def test_the_volume_is_of_sixty_finished_candles() -> None:
    assert hour_volume(minutes(61), D(1), NOW) == 60 * 2 * 100
    assert hour_volume(minutes(100), D("0.1"), NOW) == 60 * 2 * 10


@pytest.mark.parametrize("rows", [[], minutes(5), minutes(61, newest=NOW - timedelta(minutes=10))])
def test_old_or_too_few_candles_say_nothing(rows: list[Candle]) -> None:
    assert move_percent(rows, NOW) is None
    assert hour_volume(rows, D(1), NOW) is None


def test_a_missing_minute_leaves_the_volume_unknown() -> None:
    rows = minutes(62)
    del rows[30]
    assert hour_volume(rows, D(1), NOW) is None
    assert move_percent(rows, NOW) == 0


@pytest.mark.parametrize(
    ("bid", "ask", "spread"),
    [("99.5", "100.5", D(1)), ("100", "100", D(0)), ("101", "100", None), ("0", "1", None)],
)
def test_the_spread_is_of_the_price_between_both_sides(bid: str, ask: str, spread: Decimal | None) -> None:
    assert spread_percent(D(bid), D(ask)) == spread
