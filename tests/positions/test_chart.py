"""Which candles are asked for, and which stop is drawn when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from exchanges.types import PositionSide, Timeframe
from positions.chart import AFTER, BEFORE, MOST_CANDLES, Standing, stop_line, window_around

START = datetime(2026, 11, 21, 10, 0, 30, tzinfo=UTC)
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def after(minutes):
    return START + timedelta(minutes=minutes)


def stood(price, since, until):
    return Standing(D(price), after(since), after(until))


def drawn(side, *stops):
    """As (minute, price)."""
    return [((at - START) // timedelta(minutes=1), price) for at, price in stop_line(side, stops)]


@pytest.mark.parametrize(
    ("hours", "timeframe"),
    [(1, "1m"), (6, "1m"), (7, "5m"), (30, "5m"), (90, "15m"), (300, "1h"), (1000, "4h"), (20_000, "4h")],
)
def test_a_longer_life_is_drawn_with_longer_candles(hours, timeframe):
    window = window_around(START, after(hours * 60), after(hours * 60))
    assert window.timeframe == Timeframe(timeframe)
    assert window.candles <= MOST_CANDLES
    assert window.until > after(hours * 60)


def test_the_window_begins_before_the_entry_and_ends_after_the_exit_on_whole_candles():
    window = window_around(START, after(30), after(600))
    minute = timedelta(minutes=1)
    assert window.since == START.replace(second=0) - BEFORE * minute
    assert window.until == after(30).replace(second=0) + (AFTER + 1) * minute
    assert window.candles == BEFORE + 30 + AFTER + 1


def test_the_window_of_a_live_position_ends_with_the_candle_of_now():
    assert window_around(START, after(30), after(30)).until == after(31).replace(second=0)


def test_of_a_very_long_life_the_end_is_drawn():
    ended = START + timedelta(days=900)
    window = window_around(START, ended, ended)
    assert window.since > START
    assert (window.candles, window.until > ended) == (MOST_CANDLES, True)


def test_each_move_is_a_step_and_the_end_is_an_end():
    moves = [stood(100, 0, 5), stood(101, 4, 9), stood(103, 9, 12)]
    assert drawn(LONG, *moves) == [(0, D(100)), (4, D(101)), (9, D(103)), (12, None)]


def test_of_two_that_stand_the_more_protective_counts():
    both = [stood(100, 0, 10), stood(98, 2, 12)]
    assert drawn(LONG, *both) == [(0, D(100)), (10, D(98)), (12, None)]
    assert drawn(SHORT, *both) == [(0, D(100)), (2, D(98)), (12, None)]


def test_where_no_stop_stood_the_line_is_broken():
    assert drawn(LONG, stood(100, 0, 5), stood(101, 7, 9)) == [(0, D(100)), (5, None), (7, D(101)), (9, None)]


def test_a_new_quantity_at_the_same_price_is_no_move():
    assert drawn(LONG, stood(100, 0, 5), stood(100, 4, 9)) == [(0, D(100)), (9, None)]


def test_a_stop_that_ended_as_it_came_leaves_no_trace():
    assert drawn(LONG, stood(100, 3, 3)) == []
    assert drawn(LONG) == []
    assert drawn(LONG, stood(99, 0, 9), stood(100, 3, 3)) == [(0, D(99)), (9, None)]
