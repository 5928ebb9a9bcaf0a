"""Wilder's average true range, against a second computation of its definition in fractions."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal as D
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.types import Candle, Timeframe
from trailing.volatility import average_true_range, candles_needed, last_close

NOON = datetime.fromisoformat("2026-03-01T12:00:00+00:00")


def candles(*figures: tuple[object, object, object]) -> list[Candle]:
    """(high, low, close) of each minute."""
    return [
        Candle(NOON + timedelta(minutes=n), D(str(close)), D(str(high)), D(str(low)), D(str(close)), D(1))
        for n, (high, low, close) in enumerate(figures)
    ]


def by_definition(rows: list[Candle], period: int) -> Fraction:
    """Written out as one weighted sum instead of step by step."""
    ranges = []
    for before, row in pairwise(rows):
        high, low, close = Fraction(row.high), Fraction(row.low), Fraction(before.close)
        ranges.append(max(high - low, abs(high - close), abs(low - close)))
    fading = 1 - Fraction(1, period)
    later = ranges[period:]
    total = sum(ranges[:period]) / period * fading ** len(later)
    for age, one in enumerate(reversed(later)):
        total += one / period * fading**age
    return total


def test_the_range_of_one_candle_reaches_back_to_the_close_before() -> None:
    inside, gap_up, gap_down = (12, 9, 10), (20, 18, 19), (8, 6, 7)
    assert average_true_range(candles((11, 9, 10), inside, inside), 2) == 3
    assert average_true_range(candles((11, 9, 10), gap_up, gap_up), 2) == D(12) / 2  # 20 - 10, then 20 - 18
    assert average_true_range(candles((11, 9, 10), gap_down, gap_down), 2) == 3  # 10 - 6, then 8 - 6


def test_a_later_candle_enters_with_its_share() -> None:
    rows = candles((11, 9, 10), (12, 10, 11), (13, 9, 10), (20, 10, 15))
    assert average_true_range(rows[:3], 2) == 3
    assert average_true_range(rows, 2) == D("6.5")  # (3 * 1 + 10) / 2


def test_the_range_of_the_cheapest_coin_keeps_its_digits() -> None:
    rows = candles(*[("0.00003001", "0.00003000", "0.00003")] * 3, ("0.00003003", "0.00003", "0.00003"))
    assert average_true_range(rows, 2) == D("0.00000002")
    assert average_true_range(rows, 3) == D("0.0000000166666667")


@pytest.mark.parametrize(
    "rows", [candles(), candles((11, 9, 10), (11, 9, 10)), candles((10, 10, 10), (10, 10, 10), (10, 10, 10))]
)
def test_too_few_candles_or_no_movement_at_all_tell_nothing(rows: list[Candle]) -> None:
    assert average_true_range(rows, 2) is None


figure = st.integers(1, 10**9)
walks = st.lists(st.tuples(figure, figure, figure).map(sorted), min_size=6, max_size=40)


@given(walks, st.integers(2, 5))
def test_it_is_what_the_definition_says(walk: list[list[int]], period: int) -> None:
    rows = candles(*((high, low, close) for low, close, high in walk))
    expected = by_definition(rows, period)
    found = average_true_range(rows, period)
    if found is None:
        assert expected < Fraction(1, 10**16)
    else:
        assert abs(Fraction(found) - expected) < Fraction(1, 10**15)


def test_the_first_mean_has_faded_by_the_candles_that_are_asked_for() -> None:
    """A wild start changes the result by less than two percent of it."""
    calm = [(11, 9, 10)] * (candles_needed(14) - 1)
    wild = [(11, 9, 10), *[(19, 9, 10)] * 14, *calm[15:]]
    seen = average_true_range(candles(*wild), 14)
    assert seen is not None
    assert 2 < seen < D("2.16")  # five times the range at the start
    assert candles_needed(14) == 72


@pytest.mark.parametrize(
    ("timeframe", "closed"),
    [("1m", "12:34"), ("5m", "12:30"), ("15m", "12:30"), ("1h", "12:00"), ("4h", "12:00")],
)
def test_candles_end_at_round_times(timeframe: str, closed: str) -> None:
    at = datetime.fromisoformat("2026-03-01T12:34:56.789+00:00")
    assert f"{last_close(Timeframe(timeframe), at):%H:%M:%S.%f}" == f"{closed}:00.000000"
