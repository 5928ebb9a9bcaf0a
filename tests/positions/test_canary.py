"""Prices that nothing reaches, the smallest size, and what a run proves."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from exchanges.types import InstrumentSpec, OrderType
from positions.canary import (
    CanaryVerdict,
    Outcome,
    ProbeState,
    amended_price,
    is_far,
    limit_at,
    quantity_for,
    terms_for,
    verdict_of,
)

SPEC = InstrumentSpec("BTC/USDT:USDT", "BTCUSDT", D("0.1"), D("0.001"), D("0.001"), None, D(100))
KINDS = [OrderType.LIMIT, OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET, OrderType.TRAILING_STOP_MARKET]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mark", [D("97250.4"), D("0.0123"), D(3)])
def test_every_price_is_far_on_the_grid_and_above_zero(kind: OrderType, mark: D) -> None:
    step = D("0.0001") if mark < 1 else D("0.1")
    terms = terms_for(kind, mark, step)
    price = terms.price or terms.trigger_price or terms.activation_price
    assert price is not None
    assert price % step == 0
    assert price > 0
    assert is_far(terms, mark)
    assert (price > mark) is (kind is OrderType.STOP_MARKET), "a buying stop waits above, all else below"


def test_a_limit_stays_within_the_venue_s_five_percent() -> None:
    assert terms_for(OrderType.LIMIT, D(100), D("0.1")).price == D(96)
    assert amended_price(D(100), D("0.1")) == D("95.5")


def test_near_is_not_far() -> None:
    assert not is_far(limit_at(D(98)), D(100))
    assert is_far(limit_at(D(97)), D(100))


def test_the_smallest_size_is_enough_at_the_lowest_price() -> None:
    quantity = quantity_for(SPEC, D(50_000))
    assert quantity == D("0.003")
    assert quantity * D(45_000) >= SPEC.min_notional


def test_a_contract_whose_smallest_order_is_dear_is_left_out() -> None:
    assert quantity_for(SPEC, D(300_000)) is None


STOP = OrderType.STOP_MARKET


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([], CanaryVerdict.UNCLEAR),
        ([Outcome(STOP, ProbeState.WORKED)], CanaryVerdict.PASSED),
        ([Outcome(STOP, ProbeState.WORKED), Outcome(STOP, ProbeState.NOT_SENT)], CanaryVerdict.UNCLEAR),
        ([Outcome(STOP, ProbeState.REFUSED)], CanaryVerdict.UNCLEAR),
        ([Outcome(STOP, ProbeState.REFUSED, kind_refused=True)], CanaryVerdict.REFUSED),
        (
            [Outcome(STOP, ProbeState.REFUSED, kind_refused=True), Outcome(STOP, ProbeState.CLOSED)],
            CanaryVerdict.FILLED,
        ),
    ],
)
def test_what_a_run_proves(outcomes: list[Outcome], verdict: CanaryVerdict) -> None:
    assert verdict_of(outcomes) is verdict
