from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.types import InstrumentSpec
from positions.matched_quantity import Matched, Place, common_step, matched_quantity, most_notional
from positions.sizing import Skip


def a_spec(step: str, size: str = "1", least: str | None = None, **values: object) -> InstrumentSpec:
    usual = {
        "min_quantity": D(least or step),
        "max_quantity": None,
        "min_notional": D(5),
        "contract_size": D(size),
    }
    return InstrumentSpec("BTC/USDT:USDT", "BTCUSDT", D("0.1"), D(step), **usual | values)  # type: ignore[arg-type]


def a_place(spec: InstrumentSpec, price: str = "100", most: str = "1000", name: str = "one") -> Place:
    return Place(name, spec, D(price), D(most))


def test_the_smaller_side_decides_and_the_coarser_step() -> None:
    matched = matched_quantity((a_place(a_spec("0.001")), a_place(a_spec("0.02"), "101", "555.4")))
    assert matched == Matched(D("5.48"), (D("5.48"), D("5.48")))


def test_contracts_of_different_size_hold_the_same_base_units() -> None:
    matched = matched_quantity((a_place(a_spec("0.001")), a_place(a_spec("1", size="0.01"))))
    assert matched == Matched(D(10), (D(10), D(1000)))


def test_steps_that_do_not_divide_each_other_meet_at_their_common_multiple() -> None:
    assert common_step(D("0.02"), D("0.03")) == D("0.06")
    matched = matched_quantity((a_place(a_spec("0.02"), most="10"), a_place(a_spec("0.03"), most="10")))
    assert matched == Matched(D("0.06"), (D("0.06"), D("0.06")))


@pytest.mark.parametrize(
    ("spec", "least"), [(a_spec("0.001", least="11"), "11"), (a_spec("0.001", min_notional=D(1001)), "10.01")]
)
def test_below_the_minimum_of_one_side_nothing_is_held(spec: InstrumentSpec, least: str) -> None:
    refused = matched_quantity((a_place(a_spec("0.001")), a_place(spec, name="two")))
    assert isinstance(refused, Skip)
    assert refused.reason == f"10 is all that both may hold, two takes {least} or more"


def test_exactly_the_minimum_is_enough() -> None:
    assert isinstance(
        matched_quantity((a_place(a_spec("0.001")), a_place(a_spec("0.001", least="10")))), Matched
    )


def test_the_most_of_one_order_counts() -> None:
    most = a_spec("0.001", max_quantity=D("0.5"))
    assert matched_quantity((a_place(a_spec("0.001")), a_place(most))) == Matched(
        D("0.5"), (D("0.5"), D("0.5"))
    )


def test_no_room_is_a_no() -> None:
    refused = matched_quantity((a_place(a_spec("0.001")), a_place(a_spec("0.001"), most="-3")))
    assert isinstance(refused, Skip)


def test_an_account_puts_in_what_is_wanted_and_its_balance_leaves() -> None:
    assert most_notional(D(1000), None, 5, D("0.05")) == D(1000)
    assert most_notional(D(1000), D(201), 5, D("0.25")) == D(201) / D("0.205")
    assert most_notional(D(1000), D(9000), 5, D("0.05")) == D(1000)


steps = st.integers(1, 400).map(lambda n: D(n) / 1000)


@given(steps, steps, st.sampled_from([D(1), D("0.01"), D(10)]), st.integers(1, 10**6).map(D))
def test_whatever_the_steps_both_sides_hold_alike_and_within_their_means(
    one: D, two: D, size: D, money: D
) -> None:
    first, second = a_spec(str(one)), replace(a_spec(str(two)), contract_size=size)
    matched = matched_quantity((Place("a", first, D(100), money), Place("b", second, D(103), money)))
    if isinstance(matched, Skip):
        return
    for contracts, spec, price in zip(matched.contracts, (first, second), (100, 103), strict=True):
        assert contracts % spec.size_increment == 0
        assert contracts * spec.contract_size == matched.base
        assert contracts >= spec.min_quantity
        assert 5 <= matched.base * price <= money
