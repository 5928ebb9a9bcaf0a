"""Candles an engine keeps of the prices it was given."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from exchanges.paper.book import VenueRefusal
from exchanges.paper.candles import CANDLE_MS, KEPT_CANDLES, Candle, joined
from exchanges.paper.demo import DEMO_RULES
from exchanges.paper.matching import Engine

BTC = "BTCUSDT"
NINE = 9 * 3_600_000


def engine_with(*prices: tuple[int, str]) -> Engine:
    engine = Engine(DEMO_RULES)
    for at_ms, price in prices:
        engine.set_price(BTC, D(price), NINE + at_ms, D(2))
    return engine


def figures(row: Candle) -> tuple[int, int, int, int, int, int]:
    return (row.open_ms - NINE, *map(int, (row.open, row.high, row.low, row.close, row.volume)))


def test_a_minute_keeps_its_first_highest_lowest_and_last_price() -> None:
    engine = engine_with((0, "100"), (10, "105"), (59_999, "98"), (60_000, "99"))
    assert [figures(row) for row in engine.candles(BTC)] == [
        (0, 100, 105, 98, 98, 6),
        (60_000, 99, 99, 99, 99, 2),
    ]


def test_a_price_told_late_belongs_to_the_newest_minute() -> None:
    engine = engine_with((60_000, "100"), (59_000, "90"))
    assert [figures(row) for row in engine.candles(BTC)] == [(60_000, 100, 100, 90, 90, 4)]


def test_minutes_make_longer_candles_at_round_times() -> None:
    engine = engine_with(*((minute * CANDLE_MS, str(100 + minute)) for minute in range(4, 12)))
    assert [figures(row) for row in joined(engine.candles(BTC), "5m")] == [
        (0, 104, 104, 104, 104, 2),
        (300_000, 105, 109, 105, 109, 10),
        (600_000, 110, 111, 110, 111, 4),
    ]
    with pytest.raises(VenueRefusal, match="-1120"):
        joined(engine.candles(BTC), "7m")


def test_what_is_told_of_a_minute_replaces_it_and_those_after_it() -> None:
    engine = engine_with((0, "100"), (60_000, "105"), (120_000, "98"))
    engine.set_price(BTC, D(97), NINE + 120_001, last=D(96))  # from here on a mark price apart
    told = Candle(NINE + 60_000, D(101), D(103), D(99), D(102), D(0))
    engine.tell_candles(BTC, [told])
    for of_mark in (False, True):
        first, second = engine.candles(BTC, of_mark=of_mark)
        assert (figures(first)[0], second) == (0, told)
    engine.set_price(BTC, D(104), NINE + 180_000)
    assert figures(engine.candles(BTC)[-1]) == (180_000, 104, 104, 104, 104, 0)


def test_only_so_many_are_kept() -> None:
    engine = engine_with(*((minute * CANDLE_MS, "100") for minute in range(KEPT_CANDLES + 5)))
    assert len(engine.candles(BTC)) == KEPT_CANDLES
    assert engine.candles(BTC)[0].open_ms == NINE + 5 * CANDLE_MS


def test_nothing_moved_while_it_was_off() -> None:
    engine = engine_with((0, "100"), (CANDLE_MS, "101"))
    engine.stand_still(NINE + 4 * CANDLE_MS + 5)
    rows = [figures(row) for row in engine.candles(BTC)]
    assert rows[2:] == [(minute * CANDLE_MS, 101, 101, 101, 101, 0) for minute in (2, 3)]
    engine.stand_still(NINE + 4 * CANDLE_MS + 5)
    assert len(engine.candles(BTC)) == 4


def test_a_market_that_was_never_told_a_price_has_no_candles() -> None:
    engine = engine_with()
    engine.stand_still(NINE)
    assert engine.candles(BTC) == []
