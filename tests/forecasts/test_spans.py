"""Which candles are asked for, and what an answer proves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.types import Timeframe
from signals_app.forecasts.candle_rules import possible
from signals_app.forecasts.spans import (
    Page,
    absent_until,
    closed_until,
    joined,
    kept_since,
    missing,
    newest_needed,
    next_older,
    proven,
)
from signals_app.forecasts.terms import HISTORY
from tests.forecasts.candle_venue import NOON, NOW, QUARTER, at, candle


def test_spans_that_touch_or_overlap_are_one() -> None:
    spans = [(at(4), at(6)), (at(0), at(2)), (at(1), at(3)), (at(3), at(4)), (at(7), at(8))]
    assert joined(spans) == [(at(0), at(6)), (at(7), at(8))]


@given(
    spans=st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 5)), max_size=6),
    since=st.integers(-9, 9),
    length=st.integers(0, 12),
)
def test_missing_is_what_no_span_holds(spans: list[tuple[int, int]], since: int, length: int) -> None:
    known = [(at(begin), at(begin + long)) for begin, long in spans]
    gaps = missing(known, at(since), at(since + length))
    assert gaps == joined(gaps)
    for one in range(since, since + length):
        is_known = any(begin <= at(one) < end for begin, end in known)
        assert is_known != any(begin <= at(one) < end for begin, end in gaps)


def test_a_candle_is_over_a_moment_after_its_end() -> None:
    assert closed_until(QUARTER, NOW) == at(0)
    assert closed_until(QUARTER, NOON + timedelta(seconds=1)) == at(-1)


def test_at_first_all_that_a_forecast_needs_is_asked_for() -> None:
    assert newest_needed([], QUARTER, NOW) == Page(at(-HISTORY), HISTORY)


def test_then_the_newest_one_and_once_more_the_one_before() -> None:
    known = [(at(-300), at(-1))]
    assert newest_needed(known, QUARTER, NOW) == Page(at(-2), 2)
    assert newest_needed([*known, (at(-1), at(0))], QUARTER, NOW) is None


def test_what_was_missed_meanwhile_is_asked_for_newest_first() -> None:
    assert newest_needed([(at(-300), at(-20))], QUARTER, NOW) == Page(at(-20), 20)
    assert newest_needed([(at(-600), at(-400))], QUARTER, NOW) == Page(at(-HISTORY), HISTORY)
    two_gaps = [(at(-300), at(-50)), (at(-40), at(-8))]
    assert newest_needed(two_gaps, QUARTER, NOW) == Page(at(-8), 8)
    assert newest_needed([*two_gaps, (at(-8), at(0))], QUARTER, NOW) == Page(at(-50), 10)


def test_older_ones_come_page_by_page_from_the_newest_on() -> None:
    newest = (at(-HISTORY), at(0))
    assert next_older([newest], 30, QUARTER, NOW, 1000) == Page(at(-1200), 1000)
    assert next_older([(at(-2800), at(0))], 30, QUARTER, NOW, 1000) == Page(at(-2880), 80)
    assert next_older([(at(-2880), at(0))], 30, QUARTER, NOW, 1000) is None
    assert next_older([newest, (at(-2880), at(-210))], 30, QUARTER, NOW, 1000) == Page(at(-210), 10)


def test_less_than_a_forecast_needs_is_never_kept() -> None:
    assert kept_since(30, QUARTER, NOW) == at(-2880)
    assert kept_since(3, Timeframe.FOUR_HOURS, NOW) == NOON - HISTORY * timedelta(hours=4)


def test_a_short_answer_proves_nothing_of_what_comes_after_it() -> None:
    page = Page(at(-100), 50)
    told = [candle(one) for one in range(-100, -90)]
    assert proven(page, told, QUARTER, NOW) == (at(-100), at(-90))
    assert proven(page, [candle(-80)], QUARTER, NOW) == (at(-100), at(-79))


def test_an_empty_answer_proves_a_gap_unless_candles_may_be_late() -> None:
    assert proven(Page(at(-100), 50), [], QUARTER, NOW) == (at(-100), at(-50))
    assert proven(Page(at(-10), 10), [], QUARTER, NOW) == (at(-10), absent_until(QUARTER, NOW))
    assert proven(Page(at(-1), 1), [], QUARTER, NOW) is None


def test_the_candle_that_goes_on_is_not_part_of_it() -> None:
    assert proven(Page(at(-2), 3), [candle(-2), candle(-1), candle(0)], QUARTER, NOW) == (at(-2), at(0))
    assert proven(Page(at(-1), 2), [candle(0)], QUARTER, NOW) == (at(-1), at(0))


@given(held=st.sets(st.integers(-400, -1)), most=st.integers(1, 7), short=st.integers(1, 9))
def test_asking_ends_with_all_there_is(held: set[int], most: int, short: int) -> None:
    """Whatever is missing at a venue, and however few candles it gives at once."""
    known: list[tuple[datetime, datetime]] = []
    seen = set[int]()
    later = NOW + timedelta(hours=1)
    for _ in range(2000):
        page = next_older(known, 3, QUARTER, later, 40 * most)
        if page is None:
            break
        begin = round((page.since - NOON) / QUARTER.length)
        told = sorted(one for one in held if one >= begin)[: min(page.count, short)]
        seen |= set(told)
        span = proven(page, [candle(one) for one in told], QUARTER, later)
        known = joined([*known, span] if span else known)
    else:
        pytest.fail("it never ends")
    assert {one for one in held if one >= -284} <= seen


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"high": D(99)}, "do not enclose"),
        ({"low": D(1010)}, "do not enclose"),
        ({"low": D(0)}, "not above zero"),
        ({"low": D("0.0000000000001")}, "not above zero"),
        ({"volume": D(-1)}, "below"),
        ({"close": D("NaN")}, "no number"),
        ({"high": D("Infinity")}, "no number"),
        ({"high": D("1e15")}, "too large"),
        ({"at": at(-1.5)}, "does not begin"),
    ],
)
def test_what_cannot_be_is_refused_with_its_figures(changed: dict[str, object], why: str) -> None:
    good, refused = possible([candle(-3), replace(candle(-4), **changed)], QUARTER, at(0))  # type: ignore[arg-type]
    assert good == [candle(-3)]
    [sentence] = refused
    assert why in sentence
    assert "close" in sentence


def test_the_last_word_on_a_candle_counts() -> None:
    corrected = replace(candle(-2), volume=D(7))
    good, refused = possible([candle(-2), candle(-3), corrected, candle(0)], QUARTER, at(0))
    assert (good, refused) == ([candle(-3), corrected], [])
