"""Figures of trades against plain re-tellings of what they mean, and against cases worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from positions.reports.figures import (
    Trade,
    by_day,
    by_strategy,
    daily_results,
    exposure,
    held_within,
    max_drawdown,
    running_results,
    statistics,
)

START = datetime(2026, 3, 1, tzinfo=UTC)


def a_trade(number: int = 1, **values) -> Trade:
    defaults = {
        "position_id": number, "account": "one", "venue": "binance", "symbol": "BTC/USDT:USDT", "strategy": "trend",
        "position_side": "long", "bought": D(2), "entry_price": D(100), "exit_price": D(110), "first_stop": D(95),
        "opened_at": START + timedelta(hours=number), "closed_at": START + timedelta(hours=number + 1),
        "close_reason": "signal", "profit": D(20), "fees": D(1), "funding": D("-0.5"),
    }  # fmt: skip
    return Trade(**defaults | values)


money = st.decimals(-1000, 1000, places=2)
moments = st.integers(0, 60 * 24 * 5).map(lambda minutes: START + timedelta(minutes=minutes))


@st.composite
def trades(draw) -> Trade:
    opened, closed = sorted([draw(moments), draw(moments)])
    return a_trade(
        draw(st.integers(1, 10_000)),
        profit=draw(money), fees=draw(st.decimals(0, 10, places=2)), funding=draw(st.decimals(-5, 5, places=2)),
        strategy=draw(st.sampled_from(["", "trend", "scalper"])), opened_at=opened, closed_at=closed,
        first_stop=draw(st.sampled_from([None, D(95), D(100), D(90)])),
    )  # fmt: skip


many = st.lists(trades(), max_size=12, unique_by=lambda one: one.position_id)


def test_a_hand_computed_week() -> None:
    """Results 18.5, -12, 0, 7.5: two of four won, 26 against 12, deepest fall 12."""
    week = [
        a_trade(1),
        a_trade(2, profit=D(-10), fees=D(2), funding=D(0)),
        a_trade(3, profit=D(1), fees=D(1), funding=D(0)),
        a_trade(4, profit=D(8), fees=D("0.5"), funding=D(0), first_stop=None),
    ]
    found = statistics(week)
    assert (found.count, found.wins, found.losses) == (4, 2, 1)
    assert found.result == D(14)
    assert found.win_rate == D(50)
    assert found.profit_factor == D(26) / D(12)
    assert found.expectancy == D("3.5")
    assert found.max_drawdown == D(12)
    # each risked 10: 1.85, -1.2 and 0; the fourth never had a stop
    assert (found.sum_r, found.with_r) == (D("0.65"), 3)
    assert found.average_r == D("0.65") / 3
    assert (found.profit, found.fees, found.funding) == (D(19), D("4.5"), D("-0.5"))
    assert found.exposure == timedelta(hours=4)


def test_of_nothing_everything_that_divides_is_unknown() -> None:
    found = statistics([])
    assert (found.win_rate, found.profit_factor, found.expectancy, found.average_r) == (None,) * 4
    assert (found.result, found.max_drawdown, found.exposure) == (D(0), D(0), timedelta(0))


def test_a_factor_without_a_loss_is_unknown_not_endless() -> None:
    assert statistics([a_trade()]).profit_factor is None


@settings(max_examples=40, deadline=None)
@given(many)
def test_counts_rates_and_sums_are_those_of_the_rows(rows: list[Trade]) -> None:
    found = statistics(rows)
    results = [one.profit - one.fees + one.funding for one in rows]
    assert found.result == sum(results)
    assert found.wins == len([1 for one in results if one > 0])
    assert found.losses == len([1 for one in results if one < 0])
    if rows:
        assert found.win_rate == D(found.wins) * 100 / len(rows)
        assert found.expectancy == sum(results) / D(len(rows))
    gain, loss = sum(r for r in results if r > 0), -sum(r for r in results if r < 0)
    assert found.profit_factor == (gain / loss if loss else None)


@settings(max_examples=40, deadline=None)
@given(many)
def test_multiples_are_the_results_in_units_of_the_first_risk(rows: list[Trade]) -> None:
    known = [
        (one.profit - one.fees + one.funding) / (abs(one.entry_price - one.first_stop) * one.bought)
        for one in rows
        if one.first_stop is not None and one.first_stop != one.entry_price
    ]
    found = statistics(rows)
    assert found.with_r == len(known)
    assert abs(found.sum_r - sum(known, D(0))) < D("1e-15")


@settings(max_examples=40, deadline=None)
@given(st.lists(money, max_size=25))
def test_the_drawdown_is_the_worst_of_all_falls(results: list[D]) -> None:
    sums = [sum(results[:end], D(0)) for end in range(len(results) + 1)]
    falls = [before - after for i, before in enumerate(sums) for after in sums[i:]]
    assert max_drawdown(results) == max(falls)


@settings(max_examples=40, deadline=None)
@given(many)
def test_the_drawdown_goes_by_the_order_of_closing(rows: list[Trade]) -> None:
    assert statistics(rows) == statistics(rows[::-1])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(moments, moments).map(sorted).map(tuple), max_size=8))
def test_exposure_counts_each_minute_once(spans: list[tuple[datetime, datetime]]) -> None:
    minute = timedelta(minutes=1)
    held = {start + n * minute for start, end in spans for n in range((end - start) // minute)}
    assert exposure(spans) == len(held) * minute


@settings(max_examples=40, deadline=None)
@given(many)
def test_groups_are_a_partition(rows: list[Trade]) -> None:
    for groups in (by_day(rows), by_strategy(rows)):
        assert sum(one.count for one in groups.values()) == len(rows)
        assert sum((one.result for one in groups.values()), D(0)) == statistics(rows).result
    for day, one in by_day(rows).items():
        assert one == statistics([row for row in rows if row.closed_at.date() == day])


@settings(max_examples=40, deadline=None)
@given(many)
def test_bars_and_curve_end_at_the_sum(rows: list[Trade]) -> None:
    days = list(daily_results(rows, START.date(), START.date() + timedelta(days=5)))
    assert [day for day, _ in days] == [START.date() + timedelta(days=n) for n in range(6)]
    assert sum((value for _, value in days), D(0)) == statistics(rows).result
    if rows:
        assert running_results(rows)[-1][1] == statistics(rows).result


def test_a_day_ends_at_midnight_utc() -> None:
    late = a_trade(1, closed_at=datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC))
    early = a_trade(2, closed_at=datetime(2026, 3, 2, tzinfo=UTC))
    assert list(by_day([late, early])) == [date(2026, 3, 2), date(2026, 3, 1)]


@pytest.mark.parametrize(
    ("symbol", "currency"), [("BTC/USDT:USDT", "USDT"), ("BTC/USDC", "USDC"), ("BTC/USD:BTC", "BTC")]
)
def test_the_currency_is_what_the_contract_is_settled_in(symbol: str, currency: str) -> None:
    assert a_trade(symbol=symbol).quote_currency == currency


def test_a_share_of_the_time_looked_at_is_never_more_than_all_of_it() -> None:
    """Held for ten days and closed today: of today's filter that is today, not ten days."""
    long = a_trade(opened_at=START - timedelta(days=10), closed_at=START + timedelta(hours=6))
    assert held_within([long], START, START + timedelta(hours=24)) == 25
    assert held_within([long], START, START + timedelta(hours=6)) == 100
    assert held_within([], START, START + timedelta(hours=6)) == 0
