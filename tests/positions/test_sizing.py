from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.types import InstrumentSpec
from positions.sizing import Sized, SizingPlan, Skip, ceil_to, floor_to, size


def spec(**changes: object) -> InstrumentSpec:
    values = {
        "symbol": "BTC/USDT:USDT",
        "exchange_symbol": "BTCUSDT",
        "price_increment": D("0.1"),
        "size_increment": D("0.001"),
        "min_quantity": D("0.001"),
        "max_quantity": D(100),
        "min_notional": D(5),
    } | changes
    return InstrumentSpec(**values)  # type: ignore[arg-type]


def plan(notional: str = "200", risk: str | None = None, leverage: int = 5) -> SizingPlan:
    return SizingPlan(D(notional), leverage, D(2), D(risk) if risk else None)


def test_a_fixed_notional_is_rounded_down_to_the_step() -> None:
    assert size(plan("200"), spec(), D(30000), None) == Sized(D("0.006"), D("180.000"), D("36.000"))


def test_risk_sizing_loses_the_risked_money_at_the_stop() -> None:
    sized = size(plan("100000", risk="1"), spec(), D(1000), D(10000))
    assert isinstance(sized, Sized)
    assert sized.quantity * D(1000) * D(2) / 100 == D(100)  # 1 % of equity


def test_risk_sizing_takes_no_more_than_the_strategys_notional() -> None:
    assert size(plan("300", risk="5"), spec(), D(1000), D(10000)) == Sized(D("0.3"), D("300.0"), D("60.0"))


@pytest.mark.parametrize("equity", [None, D(0), D(-5)])
def test_risk_sizing_without_equity_is_skipped(equity: D | None) -> None:
    assert isinstance(size(plan(risk="1"), spec(), D(1000), equity), Skip)


def test_unknown_price_is_skipped() -> None:
    assert size(plan(), spec(), D(0), None) == Skip("no usable mark price")


def test_a_little_below_the_minimum_is_raised_to_it() -> None:
    assert size(plan("49"), spec(min_notional=D(50)), D(1000), None) == Sized(
        D("0.05"), D("50.00"), D("10.00")
    )


def test_far_below_the_minimum_is_skipped_with_the_figures() -> None:
    skipped = size(plan("20"), spec(min_notional=D(50)), D(1000), None)
    assert skipped == Skip("20.00 is below the exchange's minimum of 50.00")


def test_the_exchanges_maximum_caps_the_quantity() -> None:
    sized = size(plan("5000"), spec(max_quantity=D("1.0005")), D(1000), None)
    assert isinstance(sized, Sized)
    assert sized.quantity == D(1)


def test_no_maximum_is_no_limit() -> None:
    sized = size(plan("5000"), spec(max_quantity=None), D(1000), None)
    assert isinstance(sized, Sized)
    assert sized.quantity == D(5)


@given(
    notional=st.decimals("1", "100000", places=2),
    price=st.decimals("0.0001", "100000", places=4),
    step=st.sampled_from([D("0.001"), D("0.1"), D(1), D(10)]),
)
def test_a_sized_quantity_always_fits_the_instrument(notional: D, price: D, step: D) -> None:
    instrument = spec(size_increment=step, min_quantity=step, max_quantity=None)
    sized = size(plan(str(notional)), instrument, price, None)
    if isinstance(sized, Sized):
        assert sized.quantity % step == 0
        assert sized.quantity >= instrument.min_quantity
        assert sized.notional >= instrument.min_notional
        assert sized.notional <= max(notional, D(0)) * D("1.1")


def test_rounding_to_a_step() -> None:
    assert (floor_to(D("1.239"), D("0.01")), ceil_to(D("1.231"), D("0.01"))) == (D("1.23"), D("1.24"))
