from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.types import PositionSide, Side
from positions.accounting import Accounts, Execution, account_for, signed

BUY, SELL, LONG, SHORT = Side.BUY, Side.SELL, PositionSide.LONG, PositionSide.SHORT


def test_nothing_traded_has_no_averages() -> None:
    assert account_for(LONG, []) == Accounts()


def test_recorded_short_opened_and_closed() -> None:
    """Sample from a recorded account: realised -0.00325 and fees of both sides."""
    accounts = account_for(
        SHORT,
        [
            Execution(SELL, D("0.005"), D("2778.35"), D("0.00555670")),
            Execution(BUY, D("0.005"), D("2779"), D("0.00555800")),
        ],
    )
    assert accounts.realized_pnl == D("-0.00325")
    assert accounts.fees == D("0.0111147")
    assert (accounts.quantity, accounts.average_entry_price, accounts.average_exit_price) == (
        D(0),
        D("2778.35"),
        D("2779"),
    )


def test_entries_at_two_prices_and_a_partial_exit() -> None:
    accounts = account_for(
        LONG, [Execution(BUY, D(1), D(100)), Execution(BUY, D(3), D(104)), Execution(SELL, D(2), D(110))]
    )
    assert accounts == Accounts(D(2), D(103), D(110), D(14), D(0))


def test_an_exit_is_valued_with_the_average_held_when_it_happened() -> None:
    accounts = account_for(
        LONG, [Execution(BUY, D(1), D(100)), Execution(SELL, D(1), D(90)), Execution(BUY, D(1), D(50))]
    )
    assert accounts.realized_pnl == D(-10)
    assert accounts.quantity == D(1)


@pytest.mark.parametrize(
    ("leg", "side", "expected"), [(LONG, BUY, 2), (LONG, SELL, -2), (SHORT, SELL, 2), (SHORT, BUY, -2)]
)
def test_sign_of_a_fill_follows_the_leg(leg: PositionSide, side: Side, expected: int) -> None:
    assert signed(leg, side, D(2)) == expected


fills = st.lists(
    st.tuples(st.decimals("0.001", "10", places=3), st.decimals("1", "1000", places=2)),
    min_size=1,
    max_size=8,
)


@given(entries=fills, exit_price=st.decimals("1", "1000", places=2), leg=st.sampled_from([LONG, SHORT]))
def test_a_round_trip_earns_what_the_money_says(
    entries: list[tuple[D, D]], exit_price: D, leg: PositionSide
) -> None:
    bought = [Execution(leg.entry_side, quantity, price) for quantity, price in entries]
    total = sum((e.quantity for e in bought), D(0))
    accounts = account_for(leg, [*bought, Execution(leg.exit_side, total, exit_price)])
    paid = sum((e.quantity * e.price for e in bought), D(0))
    assert accounts.quantity == 0
    assert abs(accounts.realized_pnl - (total * exit_price - paid) * leg.sign) < D("1e-18")
