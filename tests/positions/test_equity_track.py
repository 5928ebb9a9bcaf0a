from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from positions.equity_track import EquityTrack, Look, begin, day_began, followed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=1)


class Account:
    """An account at an exchange, looked at every ten seconds."""

    def __init__(self, wallet: int = 1000) -> None:
        self.wallet, self.unrealized, self.booked, self.at = D(wallet), D(0), D(0), NOON
        self.track: EquityTrack = begin(self.look(), LONG_AGO)

    def look(self) -> Look:
        return Look(self.at, self.wallet + self.unrealized, self.unrealized, self.booked)

    def book(self, amount: float) -> Account:
        self.wallet += D(str(amount))
        self.booked += D(str(amount))
        return self

    def pay_in(self, amount: float) -> Account:
        self.wallet += D(str(amount))
        return self

    def float_at(self, unrealized: float) -> Account:
        self.unrealized = D(str(unrealized))
        return self

    def seen(self, times: int = 2) -> Account:
        for _ in range(times):
            self.at += timedelta(seconds=10)
            self.track = followed(self.track, self.look())
        return self

    @property
    def losses(self) -> tuple[D, D]:
        return round(self.track.daily_loss, 6), round(self.track.drawdown, 6)


def test_what_is_booked_and_what_floats_count_alike() -> None:
    assert Account().book(-50).seen().losses == (5, 5)
    assert Account().float_at(-50).seen().losses == (5, 5)
    assert Account().float_at(-50).seen().book(-50).float_at(0).seen().losses == (5, 5)


def test_a_loss_has_to_be_seen_twice() -> None:
    """A close may show in the balance before its execution is told."""
    account = Account().float_at(100).seen()
    account.wallet, account.unrealized = account.wallet + 100, D(0)
    assert account.seen(1).losses == (0, 0)
    account.booked += 100
    assert account.seen(1).losses == (0, 0)
    assert account.seen(5).losses == (0, 0)


def test_the_drawdown_is_counted_from_the_best() -> None:
    account = Account().book(200).seen().book(-240).seen()
    assert account.losses == (4, 20)


@pytest.mark.parametrize("amount", [9000, -700])
def test_money_paid_in_or_out_is_no_profit_and_no_loss(amount: int) -> None:
    account = Account().book(-100).seen()
    assert account.pay_in(amount).seen().losses == (10, 10)


def test_what_is_lost_after_a_withdrawal_counts_of_what_is_left() -> None:
    account = Account().pay_in(-900).seen().book(-20).seen()
    assert account.losses == (20, 20)


def test_what_is_lost_after_a_deposit_counts_of_all_there_is() -> None:
    account = Account(wallet=10).pay_in(990).seen().book(-50).seen()
    assert account.losses == (5, 5)


def test_a_new_day_begins_without_a_loss_but_with_the_old_peak() -> None:
    account = Account().book(-100).seen().float_at(-90).seen()
    account.track = day_began(account.track, account.look(), NOON)
    assert account.losses == (0, 19)
    assert account.float_at(0).seen().losses == (0, 10)


def test_an_empty_account_is_no_loss_until_money_comes() -> None:
    account = Account(wallet=0).seen().pay_in(1000).seen()
    assert account.losses == (0, 0)
    assert account.book(-1000).seen().losses == (100, 100)


deposits = st.lists(st.integers(0, 5000), min_size=6, max_size=6)
results = st.lists(st.integers(-100, 100), min_size=6, max_size=6)


@given(results, deposits)
def test_deposits_alone_never_make_a_loss(earned: list[int], paid_in: list[int]) -> None:
    with_deposits, without = Account(), Account()
    for result, deposit in zip(earned, paid_in, strict=True):
        with_deposits.pay_in(deposit).seen().book(result).seen()
        without.book(result).seen()
    assert with_deposits.track.daily_loss <= without.track.daily_loss + D("0.000001") or any(
        result > 0 for result in earned
    )
    if all(result >= 0 for result in earned):
        assert with_deposits.losses == (0, 0)


@given(st.lists(st.integers(-400, 400), max_size=12))
def test_losses_stay_between_nothing_and_all(results: list[int]) -> None:
    account = Account()
    for result in results:
        account.book(result).seen(1)
        assert all(0 <= loss <= 100 for loss in account.losses)
