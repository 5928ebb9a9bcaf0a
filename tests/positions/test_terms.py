"""What is wrong with an order, said before it is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from exchanges.types import InstrumentSpec, OrderType, PositionSide, TimeInForce
from positions.terms import (
    MARKET,
    Leg,
    Terms,
    in_force_at,
    objection_to_entry,
    objection_to_exit,
    objection_to_target,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOON, LATE = NOW + timedelta(minutes=5), NOW + timedelta(hours=1)
SPEC = InstrumentSpec("BTC/USDT:USDT", "BTCUSDT", D("0.1"), D("0.001"), D("0.001"), D(10), D(5))
LONG = Leg(SPEC, PositionSide.LONG, D(50_000), NOW)
SHORT = Leg(SPEC, PositionSide.SHORT, D(50_000), NOW)
LIMIT, STOP, TARGET = OrderType.LIMIT, OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET
GTC, IOC, FOK, GTX, GTD = TimeInForce


def limit(price: str = "49000", **words: Any) -> Terms:
    return Terms(LIMIT, D(price), **words)


GOOD_ENTRIES = [
    MARKET,
    limit(),
    limit("52500"),  # takes, but not absurdly
    limit("0.1"),
    *(limit(time_in_force=force) for force in (GTC, IOC, FOK, GTX)),
    limit(expires_at=SOON),
    limit(time_in_force=GTX, expires_at=SOON),
    limit(time_in_force=GTD, expires_at=LATE),
]


@pytest.mark.parametrize("terms", GOOD_ENTRIES)
def test_entries_that_may_be_sent(terms: Terms) -> None:
    quantity = D(10) if terms.price and terms.price < 1 else D("0.001")
    few = Leg(
        InstrumentSpec(**{**_fields(SPEC), "min_notional": D(1)}), LONG.position_side, LONG.mark_price, NOW
    )
    assert objection_to_entry(terms, quantity, few) is None


def _fields(spec: InstrumentSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in InstrumentSpec.__slots__}


@pytest.mark.parametrize(
    ("terms", "quantity", "words"),
    [
        (MARKET, "0", "quantity must be above zero"),
        (MARKET, "-1", "quantity must be above zero"),
        (MARKET, "NaN", "quantity must be above zero"),
        (MARKET, "Infinity", "quantity must be above zero"),
        (MARKET, "0.0015", "quantity 0.0015 is not a multiple of 0.001"),
        (MARKET, "11", "above the exchange's maximum of 10"),
        (limit("49000.05"), "1", "price 49000.05 is not a multiple of 0.1"),
        (limit("0"), "1", "price must be above zero"),
        (limit("52500.1"), "1", "more than 5 % through the market"),
        (limit("100"), "0.001", "worth less than the exchange's minimum of 5"),
        (Terms(LIMIT), "1", "a limit order needs a price"),
        (Terms(price=D(1)), "1", "a market order has no price"),
        (Terms(trigger_price=D(1)), "1", "a market order has no trigger price"),
        (Terms(STOP, trigger_price=D(1)), "1", "an entry is a market or a limit order"),
        (Terms(time_in_force=GTX), "1", "only a limit order has a time in force"),
        (Terms(expires_at=LATE), "1", "ends at once has no later end"),
        (limit(time_in_force=IOC, expires_at=LATE), "1", "ends at once has no later end"),
        (limit(time_in_force=GTD), "1", "needs it"),
        (limit(expires_at=NOW), "1", "the order's end has passed"),
        (limit(expires_at=NOW.replace(tzinfo=None)), "1", "needs a time zone"),
    ],
)
def test_entries_that_make_no_row(terms: Terms, quantity: str, words: str) -> None:
    assert words in (objection_to_entry(terms, D(quantity), LONG) or "nothing")


def test_the_least_quantity_is_the_exchanges() -> None:
    coarse = InstrumentSpec(**{**_fields(SPEC), "min_quantity": D("0.01")})
    leg = Leg(coarse, PositionSide.LONG, D(50_000), NOW)
    assert "minimum of 0.01" in (objection_to_entry(MARKET, D("0.009"), leg) or "")


def test_a_short_sells_not_far_below_the_market() -> None:
    assert objection_to_entry(limit("47500"), D(1), SHORT) is None
    assert "through the market" in (objection_to_entry(limit("47499.9"), D(1), SHORT) or "")


def test_without_a_mark_price_the_exchange_judges() -> None:
    blind = Leg(SPEC, PositionSide.LONG, None, NOW)
    assert objection_to_entry(limit("900000"), D(1), blind) is None
    assert objection_to_target(limit("1"), blind) is None


def test_no_exit_sells_more_than_is_free() -> None:
    assert objection_to_exit(MARKET, D(1), D(1), LONG) is None
    assert objection_to_exit(MARKET, D("1.001"), D(1), LONG) == "only 1 can still be closed, not 1.001"
    assert objection_to_exit(limit("47500"), D(1), D(1), LONG) is None
    assert "through the market" in (objection_to_exit(limit("47499"), D(1), D(1), LONG) or "")


def test_what_closes_has_no_least_value() -> None:
    assert objection_to_exit(limit("49000"), D("0.001"), D(1), Leg(
        InstrumentSpec(**{**_fields(SPEC), "min_notional": D(100)}), PositionSide.LONG, D(50_000), NOW
    )) is None  # fmt: skip


@pytest.mark.parametrize(
    ("terms", "leg", "is_good"),
    [
        (limit("51000"), LONG, True),
        (limit("50000"), LONG, False),
        (limit("49000"), SHORT, True),
        (limit("51000"), SHORT, False),
        (Terms(TARGET, trigger_price=D(51_000)), LONG, True),
        (Terms(TARGET, trigger_price=D(49_000)), LONG, False),
        (Terms(STOP, trigger_price=D(49_000)), LONG, False),
        (MARKET, LONG, False),
    ],
)
def test_a_take_profit_waits_for_a_better_price(terms: Terms, leg: Leg, is_good: bool) -> None:
    assert (objection_to_target(terms, leg) is None) is is_good


@pytest.mark.parametrize(
    ("terms", "asked_for"),
    [
        (MARKET, None),
        (limit(), None),
        (limit(expires_at=LATE), GTD),
        (limit(expires_at=SOON), GTC),
        (limit(time_in_force=GTD, expires_at=SOON), GTC),
        (limit(time_in_force=GTD, expires_at=LATE), GTD),
        (limit(time_in_force=GTX, expires_at=LATE), GTX),
        (limit(time_in_force=GTC, expires_at=LATE), GTC),
        (Terms(TARGET, trigger_price=D(1), expires_at=LATE), None),
    ],
)
def test_the_exchange_ends_an_order_where_it_can(terms: Terms, asked_for: TimeInForce | None) -> None:
    assert in_force_at(terms, NOW) is asked_for
