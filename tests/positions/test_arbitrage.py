"""Which quotes open and close a pair, to the last digit, and which decide nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest

from exchanges.types import FundingRate
from positions.arbitrage import (
    Cause,
    Close,
    Holding,
    Market,
    Markets,
    Open,
    Quote,
    Settings,
    Wait,
    closing_spread,
    decide_entry,
    decide_exit,
    payments,
    rests_until,
    result_now,
    spread_of,
)

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
SETTINGS = Settings(D("0.2"), D("0.02"), D(1), 4 * HOUR, 24 * HOUR, timedelta(seconds=2))


def a_market(name: str, bid: str, ask: str, fee: str = "0.05", funding: str = "0") -> Market:
    paid = FundingRate(D(funding), NOW + HOUR, 8 * HOUR)
    return Market((1, name), name, D(fee), Quote(D(bid), D(ask), NOW), paid)


BINANCE = a_market("binance", "97000.0", "97000.1", funding="0.01")
BYBIT = a_market("bybit", "97490.0", "97490.1", fee="0.055", funding="0.03")
APART = BINANCE, BYBIT
HELD = Holding(1, D("0.01"), D("97000.1"), D("97490.0"), D(0), NOW)
MET = (
    a_market("binance", "97200.0", "97200.1"),
    a_market("bybit", "97200.0", "97200.1", fee="0.055"),
)


def waits(decision: object) -> str:
    assert isinstance(decision, Wait), decision
    return decision.reason


def test_the_dearer_is_sold_and_the_cheaper_bought_whichever_comes_first() -> None:
    decision = decide_entry(APART, SETTINGS, NOW)
    assert isinstance(decision, Open)
    assert (decision.spread.short, decision.spread.sell_at, decision.spread.buy_at) == (
        1,
        D("97490.0"),
        D("97000.1"),
    )
    turned = decide_entry(APART[::-1], SETTINGS, NOW)  # type: ignore[arg-type]
    assert isinstance(turned, Open)
    assert (turned.spread.short, turned.spread.net) == (0, decision.spread.net)
    assert decision.reason.startswith("sell bybit at 97490.0, buy binance at 97000.1: 0.3145 % net")


def test_it_opens_at_its_threshold_and_not_a_digit_before_it() -> None:
    net = spread_of(APART, 1, SETTINGS.expected_holding, NOW).net  # type: ignore[union-attr]
    assert isinstance(decide_entry(APART, replace(SETTINGS, entry_percent=net), NOW), Open)
    above = replace(SETTINGS, entry_percent=net + D("1e-20"))
    assert "below" in waits(decide_entry(APART, above, NOW))


def test_fees_alone_may_eat_a_spread() -> None:
    dear = replace(BYBIT, taker_fee_percent=D("0.3"))
    assert "% of fees" in waits(decide_entry((BINANCE, dear), SETTINGS, NOW))


def test_funding_that_the_short_would_pay_counts_against_it() -> None:
    paying = replace(BYBIT, funding=FundingRate(D("-0.2"), NOW + HOUR, 8 * HOUR))
    spread = spread_of((BINANCE, paying), 1, SETTINGS.expected_holding, NOW)
    assert spread is not None
    assert spread.funding == D("-0.21")
    assert "below" in waits(decide_entry((BINANCE, paying), SETTINGS, NOW))


@pytest.mark.parametrize(
    ("next_in", "holding", "count"),
    [(1, 4, 1), (5, 4, 0), (4, 4, 1), (1, 17, 3), (1, 16, 2), (-1, 4, 1), (0, 8, 2)],
)
def test_payments_are_those_within_the_holding_time(next_in: int, holding: int, count: int) -> None:
    assert payments(FundingRate(D(1), NOW + next_in * HOUR, 8 * HOUR), holding * HOUR, NOW) == count


@pytest.mark.parametrize(
    ("quote", "reason"),
    [
        (None, "no prices of bybit"),
        (Quote(D(97490), D(97491), NOW - timedelta(seconds=3)), "more than 2 s away"),
        (Quote(D(97490), D(97491), NOW + timedelta(seconds=3)), "more than 2 s away"),
        (Quote(D(0), D(97491), NOW), "one side only"),
        (Quote(D(97490), D(0), NOW), "one side only"),
        (Quote(D("NaN"), D(97491), NOW), "one side only"),
        (Quote(D(97491), D(97490), NOW), "crossed: bid 97491, ask 97490"),
        (Quote(D(197490), D(197491), NOW), "more than can be true"),
    ],
)
def test_what_cannot_be_believed_opens_nothing_and_says_why(quote: Quote | None, reason: str) -> None:
    assert reason in waits(decide_entry((BINANCE, replace(BYBIT, quote=quote)), SETTINGS, NOW))


def test_unknown_funding_opens_nothing_and_does_not_keep_open() -> None:
    markets = BINANCE, replace(BYBIT, funding=None)
    assert "funding" in waits(decide_entry(markets, SETTINGS, NOW))
    met = (replace(MET[0], funding=None), MET[1])
    assert isinstance(decide_exit(HELD, met, SETTINGS, NOW), Close)


def test_quotes_on_the_edge_of_their_age_still_count() -> None:
    old = replace(BYBIT, quote=Quote(D("97490.0"), D("97490.1"), NOW - SETTINGS.max_quote_age))
    assert isinstance(decide_entry((BINANCE, old), SETTINGS, NOW), Open)


def test_nothing_happens_between_the_thresholds() -> None:
    """What has just opened a pair does not close it, and what closed it does not open it."""
    assert "is left of the spread" in waits(decide_exit(HELD, APART, SETTINGS, NOW))
    assert "below" in waits(decide_entry(MET, SETTINGS, NOW))


def test_a_spread_that_has_gone_closes() -> None:
    closed = decide_exit(HELD, MET, SETTINGS, NOW)
    assert isinstance(closed, Close)
    assert closed.cause is Cause.CONVERGED
    exact = replace(SETTINGS, exit_percent=closing_spread(HELD, MET))
    assert isinstance(decide_exit(HELD, MET, exact, NOW), Close)
    below = replace(exact, exit_percent=exact.exit_percent - D("1e-20"))
    assert isinstance(decide_exit(HELD, MET, below, NOW), Wait)


def test_time_closes_even_without_prices() -> None:
    blind: Markets = (replace(BINANCE, quote=None), BYBIT)
    old = replace(HELD, opened_at=NOW - SETTINGS.max_holding)
    closed = decide_exit(old, blind, SETTINGS, NOW)
    assert isinstance(closed, Close)
    assert closed.cause is Cause.HELD_TOO_LONG
    almost = replace(HELD, opened_at=NOW - SETTINGS.max_holding + timedelta(seconds=1))
    assert "no prices" in waits(decide_exit(almost, blind, SETTINGS, NOW))


def test_the_pair_has_a_stop_of_its_own_at_its_exact_loss() -> None:
    wider = (a_market("binance", "97000.0", "97000.1"), a_market("bybit", "98300.0", "98300.1", fee="0.055"))
    lost = -result_now(HELD, wider) / (HELD.quantity * HELD.bought_at) * 100
    closed = decide_exit(HELD, wider, replace(SETTINGS, stop_loss_percent=lost), NOW)
    assert isinstance(closed, Close)
    assert closed.cause is Cause.STOP_LOSS
    later = replace(SETTINGS, stop_loss_percent=lost + D("1e-20"))
    assert isinstance(decide_exit(HELD, wider, later, NOW), Wait)


def test_a_pair_rests_twice_as_long_after_each_failure_in_a_row() -> None:
    rests = [rests_until(NOW, HOUR, failures) - NOW for failures in (0, 1, 2, 6, 60)]
    assert rests == [HOUR, 2 * HOUR, 4 * HOUR, 64 * HOUR, 64 * HOUR]


def test_the_documented_example_is_true() -> None:
    text = (Path(__file__).parents[2] / "docs/arbitrage.md").read_text()
    spread = spread_of(APART, 1, SETTINGS.expected_holding, NOW)
    assert spread is not None
    for line in (
        f"= {spread.gross:.4f} %", f"= {spread.fees:.4f} %", f"= {spread.funding:.4f} %", f"net | {spread.net:.4f} %",
        f"{closing_spread(HELD, MET):.4f} %",
    ):  # fmt: skip
        assert line in text
    fees = [_fees("0.05", "97000.1", "97200.0"), _fees("0.055", "97490.0", "97200.1")]
    assert f"fees | {fees[0]:.4f} on Binance, {fees[1]:.4f} on Bybit" in text
    opening = D("0.0005") * D("970.001") + D("0.00055") * D("974.900")
    result = result_now(replace(HELD, booked=-opening), MET)
    assert f"result | {result:.4f} USDT" in text
    assert result == D("2.8990") + D("1.9990") - sum(fees)


def _fees(percent: str, entry: str, leave: str) -> D:
    return D(percent) / 100 * D("0.01") * (D(entry) + D(leave))
