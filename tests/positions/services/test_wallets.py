"""The wallet is judged at quiet moments, after all that happened before them was told; a day from its baseline on."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges.models import AccountBalance, AccountWatch, ExchangeAccount
from positions.invariants import WALLETS
from positions.models import FundingPayment, InvariantCheck, RiskEvent
from positions.services import monitoring
from positions.wallets import Booked, booked
from tests.builders import a_balance, a_fill, a_position, an_account, an_order

pytestmark = pytest.mark.django_db
TWO_MINUTES = timedelta(minutes=2)


def clock(hour: int, minute: int, second: int = 0) -> datetime:
    return (timezone.now() - timedelta(days=2)).replace(
        hour=hour, minute=minute, second=second, microsecond=0
    )


@pytest.fixture
def account() -> ExchangeAccount:
    made = an_account()
    a_balance(made)
    return made


def the_wallet_is(amount: int | D, at: datetime) -> bool | None:
    """The exchange tells it; a look of ours comes at once, another after a full comparison."""
    AccountBalance.objects.update(wallet_balance=amount, reported_at=at)
    monitoring.check_invariants(at)
    AccountWatch.objects.update(reconciled_at=at + TWO_MINUTES)
    return books_are_true(at + TWO_MINUTES)


def books_are_true(now: datetime) -> bool | None:
    monitoring.check_invariants(now)
    return InvariantCheck.objects.get(name=WALLETS).is_true


def alarms() -> int:
    return RiskEvent.objects.filter(details__sentence=WALLETS).count()


def funding(account: ExchangeAccount, amount: int, at: datetime) -> None:
    FundingPayment.objects.create(
        account=account, symbol="BTCUSDT", payment_id=f"{at}", amount=amount, currency="USDT", paid_at=at
    )


def a_fill_at(account: ExchangeAccount, at: datetime, *, profit: int = 0) -> None:
    order = an_order(a_position(account=account, status="closed"), status="filled")
    a_fill(order, executed_at=at, fee=0, realized_pnl=profit)


def test_funding_that_is_listed_late_is_no_alarm_though_trading_goes_on(account: ExchangeAccount) -> None:
    the_wallet_is(1000, clock(7, 30))
    the_wallet_is(999, clock(8, 7))
    assert AccountWatch.objects.get().wallet_differs_since == clock(8, 7)
    funding(account, -1, clock(8, 0))
    for minute in (15, 25):
        a_fill_at(account, clock(8, minute, 4))
        assert the_wallet_is(999, clock(8, minute))
    assert not alarms()


def test_a_second_late_payment_is_not_taken_for_the_first(account: ExchangeAccount) -> None:
    the_wallet_is(1000, clock(7, 30))
    the_wallet_is(999, clock(8, 7))
    funding(account, -1, clock(8, 0))
    assert the_wallet_is(998, clock(16, 7))
    assert AccountWatch.objects.get().wallet_differs_since == clock(16, 7)
    assert not alarms()


def test_money_that_nothing_explains_is_told_after_two_looks_and_some_patience(
    account: ExchangeAccount,
) -> None:
    the_wallet_is(1000, clock(7, 30))
    assert the_wallet_is(900, clock(8, 7))
    assert books_are_true(clock(8, 40))
    assert not the_wallet_is(900, clock(8, 41))
    (told,) = InvariantCheck.objects.get(name=WALLETS).findings
    assert "-100" in told
    assert the_wallet_is(1000, clock(8, 50))


def test_a_baseline_is_taken_when_nothing_was_executed_around_it(account: ExchangeAccount) -> None:
    a_fill_at(account, clock(7, 30, 3), profit=5)
    the_wallet_is(1005, clock(7, 30))
    assert AccountWatch.objects.get().baseline_at is None
    the_wallet_is(1005, clock(7, 40))
    watch = AccountWatch.objects.get()
    assert (watch.baseline_wallet, watch.baseline_at) == (D(1005), clock(7, 40))


@pytest.mark.parametrize("at", [(7, 59, 50), (8, 0, 0), (8, 4, 59)])
def test_no_moment_near_a_full_hour_is_judged(account: ExchangeAccount, at: tuple[int, int, int]) -> None:
    the_wallet_is(1000, clock(*at))
    assert AccountWatch.objects.get().baseline_at is None


def test_nothing_is_judged_before_a_comparison_that_came_later(account: ExchangeAccount) -> None:
    AccountBalance.objects.update(reported_at=clock(7, 30))
    for minute in (30, 31, 50):
        monitoring.check_invariants(clock(7, minute))
    assert AccountWatch.objects.get().baseline_at is None


def test_an_account_that_trades_all_the_time_is_judged_between_two_fills(account: ExchangeAccount) -> None:
    resting = a_position(account=account)
    an_order(resting, purpose="take_profit", status="partially_filled")
    the_wallet_is(1000, clock(7, 30))
    for second in range(0, 120, 30):
        a_fill_at(account, clock(8, 30) + timedelta(seconds=second), profit=1)
    the_wallet_is(1002, clock(8, 30, 40))
    watch = AccountWatch.objects.get()
    assert (watch.wallet_asked_at, watch.wallet_differs_since) == (clock(8, 30, 40), None)


def test_the_baseline_moves_on_after_a_day_when_the_books_are_true(account: ExchangeAccount) -> None:
    the_wallet_is(1000, clock(7, 30) - timedelta(days=1))
    a_fill_at(account, clock(6, 0), profit=7)
    the_wallet_is(1006, clock(7, 40))
    assert AccountWatch.objects.get().baseline_at == clock(7, 30) - timedelta(days=1)
    the_wallet_is(1007, clock(7, 50))
    watch = AccountWatch.objects.get()
    assert (watch.baseline_wallet, watch.baseline_at) == (D(1007), clock(7, 50))


def test_a_deposit_is_a_gap_until_the_owner_accepts_it_and_that_is_told(account: ExchangeAccount) -> None:
    the_wallet_is(1000, clock(7, 30))
    the_wallet_is(3000, clock(8, 10))
    assert not the_wallet_is(3000, clock(8, 40))
    monitoring.accept_wallet(account.pk)
    told = RiskEvent.objects.get(event_type="wallet_accepted", account=account)
    assert told.details["was"] == "2000.00000000"
    assert the_wallet_is(3000, clock(8, 50))
    watch = AccountWatch.objects.get()
    assert (watch.baseline_wallet, watch.wallet_differs_since) == (D(3000), None)
    assert the_wallet_is(3000, clock(9, 20))
    assert alarms() == 1


def test_what_an_older_bot_wrote_down_moves_no_wallet(account: ExchangeAccount) -> None:
    """The exchange lists the same execution, and that one counts."""
    order = an_order(a_position(account=account, status="closed"), status="filled")
    for trade_id in ("legacy-7", "7001"):
        a_fill(order, trade_id=trade_id, executed_at=clock(9, 40), fee=1)
    assert booked(account.pk, clock(9, 30), clock(10, 7)) == Booked(D(-1), 1)
