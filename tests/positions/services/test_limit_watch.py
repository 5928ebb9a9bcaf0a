"""What is lost is looked at without any opening; levels are told once, and what they switch ends as it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from exchanges.models import ExchangeAccount, StateChange
from exchanges.types import BalanceReport
from positions.book import track_of
from positions.models import LimitLevel, RiskEvent, RiskLimits
from positions.services import equity, halting
from positions.services.limit_watch import begin_anew, watch_limits
from positions.services.reconciliation import reconcile_account
from tests.builders import a_balance, a_fill, a_position, an_account, an_order
from tests.positions.services.conftest import Desk

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Watched:
    """An account of 1000, looked at every ten seconds and judged after each look."""

    def __init__(self, clock: Any, **limits: Any) -> None:
        self.clock = clock
        self.account = an_account()
        RiskLimits.objects.create(account=self.account, **limits)
        self.wallet, self.floating = D(1000), D(0)
        self.seen(1)

    def seen(self, times: int = 2) -> Watched:
        for _ in range(times):
            self.clock.shift(timedelta(seconds=10))
            now = datetime.now(UTC)
            equity.look(self.account.pk, BalanceReport(self.wallet, self.wallet + self.floating, D(0)), now)
            watch_limits(now)
        return self

    def float_at(self, amount: int) -> Watched:
        self.floating = D(amount)
        return self.seen()

    @property
    def state(self) -> str:
        return ExchangeAccount.objects.get(pk=self.account.pk).trading_state

    @property
    def reason(self) -> str:
        return ExchangeAccount.objects.get(pk=self.account.pk).state_reason


@pytest.fixture
def clock(db: None, time_machine: Any) -> Any:
    time_machine.move_to(NOON, tick=False)
    return time_machine


def told() -> list[tuple[str, str]]:
    events = RiskEvent.objects.filter(event_type="risk_level").order_by("pk")
    return [(event.details["level"], event.risk_level) for event in events]


def test_a_loss_of_the_day_warns_then_closes_the_door_then_halts(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10)
    assert watched.float_at(-59).state == "active"
    assert told() == []
    assert watched.float_at(-60).state == "active"
    assert told() == [("warn", "medium")]
    assert watched.float_at(-80).state == "reducing"
    assert watched.reason == (
        "the loss of the day is 8.00 % of equity, 80 % of the limit 10.00 %; it opens again at midnight UTC"
    )
    assert watched.float_at(-95).state == "halted"
    assert watched.reason.endswith("95 % of the limit 10.00 %; a person must resume it")
    assert told() == [("warn", "medium"), ("reduce", "high"), ("halt", "critical")]


def test_a_level_is_told_once_however_often_it_is_looked_at(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10).float_at(-80)
    watched.seen(10)
    watched.float_at(-79).float_at(-81)
    assert told() == [("reduce", "high")]
    assert StateChange.objects.filter(account=watched.account).count() == 1


def test_what_the_days_loss_closed_opens_with_the_next_day_and_not_before(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10).float_at(-80)
    assert watched.float_at(50).state == "reducing"
    clock.move_to(NOON.replace(hour=23, minute=59, second=59), tick=False)
    watch_limits(datetime.now(UTC))
    assert watched.state == "reducing"
    clock.shift(timedelta(seconds=2))
    watch_limits(datetime.now(UTC))
    assert watched.state == "active"
    assert watched.seen().state == "active"


def test_a_new_day_is_judged_by_itself_also_when_nobody_looked_at_midnight(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10).float_at(-80)
    clock.shift(timedelta(days=1))
    now = datetime.now(UTC)
    for at, floating in ((now, -80), (now + timedelta(seconds=5), -140), (now + timedelta(seconds=10), -140)):
        equity.look(watched.account.pk, BalanceReport(D(1000), D(1000 + floating), D(0)), at)
    watch_limits(now)
    assert watched.state == "active"
    assert told() == [("reduce", "high"), ("warn", "medium")]


def test_a_limit_that_is_taken_away_leaves_nothing_closed_for_ever(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10).float_at(-80)
    RiskLimits.objects.update(max_daily_loss=0)
    assert watched.seen().state == "reducing"
    clock.shift(timedelta(days=1))
    assert watched.seen().state == "active"


def test_a_process_that_died_after_it_switched_and_before_it_told_tells_now(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10).float_at(-80)
    LimitLevel.objects.all().delete()
    RiskEvent.objects.filter(event_type="risk_level").delete()
    assert watched.seen().state == "reducing"
    assert told() == [("reduce", "high")]
    assert StateChange.objects.filter(account=watched.account).count() == 1


def test_killed_after_the_switch_and_then_the_figure_moved_it_still_opens_at_midnight(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10).float_at(-80)
    LimitLevel.objects.all().delete()
    assert watched.float_at(-81).state == "reducing"
    clock.shift(timedelta(days=1))
    assert watched.seen().state == "active"


def test_killed_after_the_switch_and_started_after_midnight_it_opens(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10).float_at(-80)
    LimitLevel.objects.all().delete()
    clock.shift(timedelta(days=1))
    assert watched.seen().state == "active"


def test_who_accepts_the_losses_opens_what_limits_closed_and_nothing_else(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10).float_at(-80)
    begin_anew(watched.account.pk, by="ada")
    assert watched.state == "active"
    assert watched.seen(3).state == "active"
    halting.reduce(watched.account.pk, "I am away", by="ada")
    begin_anew(watched.account.pk, by="ada")
    assert (watched.state, watched.reason) == ("reducing", "I am away")


def test_accepted_losses_do_not_end_a_halt(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10).float_at(-95)
    begin_anew(watched.account.pk, by="ada")
    assert watched.state == "halted"


def test_where_the_drawdown_closes_it_too_nobody_is_told_of_midnight(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10, max_drawdown=12).float_at(-80)
    assert watched.reason.endswith("it opens again at midnight UTC")
    watched.float_at(-94)
    clock.shift(timedelta(days=1))
    watched.float_at(-97)
    assert watched.state == "reducing"
    assert watched.reason.startswith("the drawdown is")
    assert watched.reason.endswith("a person must resume it")


def test_two_comparisons_before_an_execution_is_told_are_no_gain(clock: Any) -> None:
    watched = Watched(clock, max_drawdown=20).float_at(-100)
    begin_anew(watched.account.pk, by="ada")
    watched.seen(2)
    fired = datetime.now(UTC)
    watched.floating, watched.wallet = D(0), watched.wallet - 100
    for _ in range(2):
        clock.shift(timedelta(milliseconds=700))
        told_now = BalanceReport(watched.wallet, watched.wallet, D(0))
        equity.look(watched.account.pk, told_now, datetime.now(UTC))
    order = an_order(a_position(account=watched.account), status="filled")
    a_fill(order, realized_pnl=D(-100), fee=D(0), executed_at=fired)
    watched.seen(3)
    track = track_of(watched.account.pk)
    assert track is not None
    assert track.drawdown == 0


def test_a_halt_does_not_end_with_the_day(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10).float_at(-95)
    clock.shift(timedelta(days=1))
    assert watched.seen().state == "halted"


def test_a_person_who_resumes_is_not_overruled_at_the_next_look(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10).float_at(-80)
    halting.activate(watched.account.pk, "I know", by="ada")
    assert watched.seen(3).state == "active"
    assert watched.float_at(-95).state == "halted"


def test_what_a_person_closed_is_not_opened_by_a_new_day(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10).float_at(-80)
    halting.reduce(watched.account.pk, "and I am away", by="ada")
    clock.shift(timedelta(days=1))
    assert watched.seen().state == "reducing"


def test_a_drawdown_stays_until_a_person_resumes_and_then_is_counted_anew(clock: Any) -> None:
    watched = Watched(clock, max_drawdown=20).float_at(500).float_at(260)
    assert (watched.state, told()) == ("reducing", [("reduce", "high")])  # 16 of 20 percent of the peak
    clock.shift(timedelta(days=2))
    assert watched.seen().state == "reducing"
    begin_anew(watched.account.pk, by="ada")
    halting.activate(watched.account.pk, "accepted", by="ada")
    assert watched.seen(3).state == "active"
    track = track_of(watched.account.pk)
    assert track is not None
    assert track.drawdown == 0


def test_a_new_day_does_not_open_what_the_drawdown_would_close(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10, max_drawdown=10).float_at(-80)
    clock.shift(timedelta(days=1))
    assert watched.seen().state == "reducing"


def test_a_level_of_zero_never_comes(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10, warn_at=0, reduce_at=0, halt_at=0)
    assert watched.float_at(-500).state == "active"
    assert told() == []


def test_the_stricter_of_two_rows_decides(clock: Any) -> None:
    RiskLimits.objects.create(max_daily_loss=5)
    watched = Watched(clock, max_daily_loss=50)
    assert watched.float_at(-40).state == "reducing"


def test_money_paid_in_or_out_changes_nothing(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10, max_drawdown=20)
    watched.wallet = D(100)
    assert watched.seen().state == "active"
    watched.wallet = D(5000)
    assert watched.seen().state == "active"
    assert told() == []


def test_what_is_booked_counts_after_fees(clock: Any) -> None:
    watched = Watched(clock, max_daily_loss=10)
    order = an_order(a_position(account=watched.account), status="filled")
    a_fill(order, realized_pnl=D(-78), fee=D(2), executed_at=datetime.now(UTC))
    watched.wallet -= 80
    assert watched.seen().state == "reducing"


def test_margin_in_use_is_told_and_switches_nothing(clock: Any) -> None:
    account = an_account()
    RiskLimits.objects.create(account=account, max_utilisation=80)
    a_balance(account, equity=D(200))
    a_position(account=account)  # 778 at leverage 5: 156 of margin, 78 %
    for _ in range(3):
        watch_limits(datetime.now(UTC))
    assert told() == [("warn", "medium")]
    account.refresh_from_db()
    assert account.trading_state == "active"


def test_after_a_comparison_the_account_is_tracked(desk: Desk, time_machine: Any) -> None:
    time_machine.move_to(datetime.now(UTC), tick=False)
    desk.filled()
    reconcile_account(desk.account.pk)
    track = track_of(desk.account.pk)
    assert track is not None
    assert track.equity == desk.account.balance.equity
    symbol = "BTCUSDT"
    desk.engine.set_price(symbol, desk.engine.prices[symbol] * D("0.9"), 0)
    for _ in range(2):
        time_machine.shift(timedelta(seconds=5))
        reconcile_account(desk.account.pk)
    assert track_of(desk.account.pk).daily_loss > 0


def test_one_account_that_cannot_be_judged_holds_up_no_other(clock: Any) -> None:
    broken = an_account(name="a-broken")
    RiskLimits.objects.create(account=broken, notional_tiers="not a list", max_daily_loss=1)
    watched = Watched(clock, max_daily_loss=10)
    assert watched.float_at(-80).state == "reducing"
    assert not LimitLevel.objects.filter(account=broken).exists()
