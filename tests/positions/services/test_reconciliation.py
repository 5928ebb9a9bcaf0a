"""Differences are explained, and only a successful answer moves anything."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

from django.utils import timezone

import trailing.services
from exchanges import session
from exchanges.errors import OutcomeUnknown
from exchanges.models import AccountBalance, AccountWatch, ExchangeAccount, Instrument
from exchanges.paper.venue import now_ms
from positions.models import Fill, FillCursor, FundingPayment, Order, Position, RiskEvent
from positions.services import lookups
from positions.services.plans import kept
from positions.services.reconciliation import (
    _just_closed,
    collect_funding,
    get_health_status,
    reconcile_account,
    reconcile_all,
)
from tests.builders import a_fill, a_position, an_account, an_order
from tests.positions.services.conftest import Desk
from tests.positions.services.test_orders import Trouble
from trailing.models import TrailingStop
from trailing.plan import ProtectionPlan
from trailing.rules import AgeLimit


def reconcile(desk: Desk) -> None:
    """Rows must be older than the question."""
    past = timezone.now() - timedelta(seconds=1)
    Order.objects.update(updated_at=past)
    Position.objects.update(updated_at=past)
    reconcile_account(desk.account.pk)


def sell_outside(desk: Desk, quantity: str = "0.010", name: str = "by-hand") -> None:
    desk.engine.place(
        desk.paper_name, symbol="BTCUSDT", side="SELL", type="MARKET", quantity=D(quantity), position_side="LONG",
        client_order_id=name, now_ms=now_ms(),
    )  # fmt: skip


def test_a_quiet_account_gets_its_balance_and_executions(desk: Desk) -> None:
    position = desk.filled()
    desk.stop(position)
    reconcile(desk)
    assert AccountBalance.objects.get().wallet_balance < D(10000)
    fill = Fill.objects.get()
    assert (fill.order, fill.quantity) == (desk.order(position, "entry"), D("0.010"))
    position.refresh_from_db()
    assert position.fees == fill.fee > 0
    assert not RiskEvent.objects.exists()


def test_a_position_gone_is_closed_only_by_a_second_younger_answer(desk: Desk) -> None:
    position = desk.filled()
    desk.stop(position)
    reconcile(desk)
    sell_outside(desk)
    forget_executions(desk)
    reconcile(desk)
    position.refresh_from_db()
    assert position.status == "open"
    assert position.absent_since is not None
    reconcile(desk)
    position.refresh_from_db()
    assert position.status == "open", "the second answer is too young"
    Position.objects.update(absent_since=timezone.now() - timedelta(seconds=10))
    reconcile(desk)
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "external")
    assert desk.order(position, "protect").status == "pending_cancel"


def test_an_aged_position_that_is_gone_has_a_name_of_its_own(desk: Desk) -> None:
    """Nothing tells at what price it went: no profit is made up."""
    plan = ProtectionPlan(age=AgeLimit(max_age_hours=D(3)))
    position = desk.filled()
    began = timezone.now() - timedelta(hours=4)
    Position.objects.update(
        plan=kept(plan), opened_at=began, absent_since=timezone.now() - timedelta(minutes=1)
    )
    sell_outside(desk)
    forget_executions(desk)
    reconcile(desk)
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "PHANTOM_AGED")
    assert (position.realized_pnl, TrailingStop.objects.count()) == (0, 0)


def forget_executions(desk: Desk) -> None:
    """The exchange lists none any more, so nothing explains the absence."""
    desk.engine.account(desk.paper_name).trades.clear()


def test_a_position_closed_by_hand_is_explained_by_its_foreign_execution(desk: Desk) -> None:
    position = desk.filled()
    desk.stop(position)
    reconcile(desk)
    sell_outside(desk)
    reconcile(desk)
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "external")
    assert position.average_exit_price is not None
    assert Fill.objects.get(order=None).position == position


def test_a_position_seen_again_forgets_its_absence(desk: Desk) -> None:
    position = desk.filled()
    desk.stop(position)
    Position.objects.update(absent_since=timezone.now() - timedelta(seconds=60))
    reconcile(desk)
    position.refresh_from_db()
    assert (position.status, position.absent_since) == ("open", None)


def test_a_question_without_an_answer_says_nothing(desk: Desk) -> None:
    position = desk.filled()
    sell_outside(desk)
    Position.objects.update(absent_since=timezone.now() - timedelta(seconds=60))
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="positions")
    reconcile(desk)
    position.refresh_from_db()
    assert position.status == "open"


def test_a_stop_that_fired_unheard_is_found(desk: Desk) -> None:
    position = desk.filled()
    desk.stop(position)
    desk.engine.set_price("BTCUSDT", D(90000), now_ms())
    reconcile(desk)
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "stop_loss")
    reconcile(desk)
    assert {f.order.purpose for f in Fill.objects.all()} == {"entry", "protect"}
    position.refresh_from_db()
    assert position.realized_pnl < 0


def test_a_stop_the_exchange_lost_is_asked_for_and_given_up(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    del desk.engine.account(desk.paper_name).algos[int(stop.exchange_order_id)]
    missed_twice(desk)
    stop.refresh_from_db()
    position.refresh_from_db()
    assert stop.status == "expired"
    assert position.unprotected_since is not None


def told() -> list[str]:
    return list(RiskEvent.objects.order_by("id").values_list("event_type", flat=True))


def test_a_part_sold_by_hand_unheard_is_found_in_the_listing(desk: Desk) -> None:
    position = desk.filled()
    desk.stop(position)
    reconcile(desk)
    sell_outside(desk, "0.004")
    reconcile(desk)
    position.refresh_from_db()
    assert (position.quantity, position.unexplained_quantity) == (D("0.006"), D(0))
    assert told() == ["foreign_fill"]


def test_a_quantity_nothing_explains_is_taken_from_the_second_answer(desk: Desk) -> None:
    position = desk.filled()
    desk.stop(position)
    reconcile(desk)
    sell_outside(desk, "0.004")
    forget_executions(desk)
    reconcile(desk)
    position.refresh_from_db()
    assert (position.quantity, position.differs_since is not None) == (D("0.010"), True)
    Position.objects.update(differs_since=timezone.now() - timedelta(seconds=10))
    reconcile(desk)
    position.refresh_from_db()
    assert (position.quantity, position.unexplained_quantity) == (D("0.006"), D("-0.004"))
    assert position.realized_pnl == 0, "nobody knows at what price it went"
    assert RiskEvent.objects.get().risk_level == "critical"
    reconcile(desk)
    assert told() == ["quantity_differs"]


def open_outside(desk: Desk) -> None:
    desk.engine.place(
        desk.paper_name, symbol="ETHUSDT", side="SELL", type="MARKET", quantity=D(1), position_side="SHORT",
        now_ms=now_ms() - 60_000,
    )  # fmt: skip


def reconcile_later(desk: Desk) -> None:
    """A second answer that is young enough to prove something."""
    watch = AccountWatch.objects.get(account=desk.account)
    before = (timezone.now() - timedelta(seconds=10)).isoformat()
    watch.unknown_legs = dict.fromkeys(watch.unknown_legs, before)
    watch.lost_orders = dict.fromkeys(watch.lost_orders, before)
    watch.save(update_fields=["unknown_legs", "lost_orders"])
    reconcile(desk)


def missed_twice(desk: Desk) -> None:
    """An order that has long been known is in two listings not to be found."""
    Order.objects.update(answered_at=timezone.now() - timedelta(minutes=1))
    reconcile(desk)
    reconcile_later(desk)


def test_an_unknown_position_is_told_once_and_left_alone(desk: Desk) -> None:
    desk.engine.open_account(desk.paper_name, D(10_000))
    desk.engine.set_dual_side(desk.paper_name, True)
    open_outside(desk)
    reconcile(desk)
    assert told() == ["foreign_fill"], "who traded is known at once; that it stays is not"
    reconcile_later(desk)
    reconcile_later(desk)
    assert told() == ["foreign_fill", "unknown_position"]
    assert RiskEvent.objects.get(event_type="unknown_position").details["leg"] == "ETH/USDT:USDT short 1"
    assert not Position.objects.exists()


def test_an_unknown_position_is_adopted_and_protected_when_the_account_says_so(desk: Desk) -> None:
    ExchangeAccount.objects.update(unknown_positions="adopt", adopted_stop_percent=3)
    desk.engine.open_account(desk.paper_name, D(10_000))
    desk.engine.set_dual_side(desk.paper_name, True)
    desk.engine.set_leverage(desk.paper_name, "ETHUSDT", 7)
    Instrument.objects.update(contract_size=D("0.1"))
    open_outside(desk)
    reconcile(desk)
    reconcile_later(desk)
    position = Position.objects.get()
    assert (position.status, position.position_idx, position.quantity) == ("open", 2, D(1))
    assert (position.signal_id, position.strategy, position.unexplained_quantity) == (None, None, D(1))
    assert (position.leverage, position.planned_notional) == (7, position.average_entry_price / 10)
    trailing.services.protect(position.pk)
    stop = desk.submit(position, "protect")
    assert (stop.status, stop.quantity) == ("accepted", D(1))
    assert stop.trigger_price > position.average_entry_price * D("1.029")
    reconcile(desk)
    assert told() == ["foreign_fill", "position_adopted"]


def test_an_adopted_position_closed_by_its_stop_has_its_profit(desk: Desk) -> None:
    test_an_unknown_position_is_adopted_and_protected_when_the_account_says_so(desk)
    stop = Order.objects.get(purpose="protect")
    desk.engine.set_price("ETHUSDT", stop.trigger_price + 1, now_ms())
    reconcile(desk)
    position = Position.objects.get()
    assert (position.status, position.close_reason) == ("closed", "stop_loss")
    trade = desk.engine.account(desk.paper_name).trades[-1]
    assert position.realized_pnl == trade.realized_pnl < 0


def test_an_order_that_ended_and_still_works_is_canceled(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    Order.objects.filter(pk=stop.pk).update(status="canceled")
    reconcile(desk)
    assert desk.engine.open_algos(desk.paper_name) == []
    assert told() == ["order_left_over"]


def test_what_ended_a_position_outside_is_told_apart(desk: Desk) -> None:
    for name, reason in (("web_1", "manual"), ("adl_autoclose", "adl"), ("autoclose-1", "liquidation")):
        position = desk.filled()
        stop = desk.stop(position)
        reconcile(desk)
        sell_outside(desk, name=name)
        reconcile(desk)
        lookups.cancel(stop.pk)
        position.refresh_from_db()
        assert (position.status, position.close_reason) == ("closed", reason)
        assert position.average_exit_price is not None


def test_health_says_what_was_measured_and_nothing_else(desk: Desk) -> None:
    assert get_health_status()["accounts"][desk.account.name]["differences_open"] is None
    position = desk.filled()
    desk.stop(position)
    reconcile(desk)
    health = get_health_status()
    figures = health["accounts"][desk.account.name]
    assert health["differences_open"] == 0
    assert 0 <= health["age_seconds"] < 5
    assert (figures["positions_live"], figures["positions_proven_protected"]) == (1, 1)
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="positions")
    reconcile(desk)
    figures = get_health_status()["accounts"][desk.account.name]
    assert (figures["last_error"], figures["last_success"]) == ("no answer", health["last_success"])


def test_a_working_order_with_our_prefix_and_no_row_is_told(desk: Desk) -> None:
    position = desk.filled()
    desk.engine.place_algo(
        desk.paper_name, symbol="BTCUSDT", side="SELL", type="STOP_MARKET", quantity=D("0.010"),
        position_side="LONG", trigger_price=D(80000), client_algo_id="tb-ffffffffffffffff-p9", now_ms=now_ms(),
    )  # fmt: skip
    desk.stop(position)
    reconcile(desk)
    assert RiskEvent.objects.get().event_type == "order_nobody_asked_for"


def test_positions_with_orders_under_way_are_not_judged(desk: Desk) -> None:
    position = desk.filled()
    Order.objects.update(status="submitted")
    sell_outside(desk)
    reconcile(desk)
    position.refresh_from_db()
    assert position.absent_since is None


def test_one_account_that_fails_does_not_stop_the_others(desk: Desk, caplog) -> None:
    Trouble(desk).answer_with(RuntimeError("bug"), method="balance")
    reconcile_all()
    assert f"account {desk.account.pk} could not be compared" in caplog.text


def test_executions_that_cannot_be_listed_come_with_the_next_run(desk: Desk) -> None:
    position = desk.filled()
    desk.stop(position)
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="fills")
    reconcile(desk)
    assert not Fill.objects.exists()
    del session.call(desk.account, _client_of).fills
    reconcile(desk)
    assert Fill.objects.count() == 1


async def _client_of(client: object) -> object:
    return client


def test_unknown_orders_are_asked_for_by_the_sweep_and_cancels_repeated(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    Order.objects.filter(pk=stop.pk).update(status="submitted")
    later = timezone.now() + timedelta(seconds=3)
    assert lookups.resolve_unknown(later) == 1
    stop.refresh_from_db()
    assert stop.status == "accepted"
    Order.objects.filter(pk=stop.pk).update(status="pending_cancel")
    assert lookups.resolve_unknown(timezone.now() + timedelta(seconds=3)) == 1
    stop.refresh_from_db()
    assert stop.status == "canceled"


def test_a_cancel_that_finds_the_order_filled_says_so(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    Order.objects.filter(pk=stop.pk).update(status="pending_cancel")
    desk.engine.set_price("BTCUSDT", D(90000), now_ms())
    lookups.cancel(stop.pk)
    stop.refresh_from_db()
    position.refresh_from_db()
    assert (stop.status, position.status) == ("filled", "closed")


def test_a_cancel_without_an_answer_is_repeated_later(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    Order.objects.filter(pk=stop.pk).update(status="pending_cancel")
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="cancel_order")
    lookups.cancel(stop.pk)
    lookups.cancel(stop.pk)
    stop.refresh_from_db()
    assert stop.status == "pending_cancel"


def test_a_look_up_without_an_answer_changes_nothing(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="find_order")
    lookups.resolve(stop.pk, gone=None)
    stop.refresh_from_db()
    assert stop.status == "accepted"


def test_a_difference_that_cannot_be_settled_holds_up_no_other(desk: Desk, caplog) -> None:
    """An order that our rows ended and the exchange still works is canceled, although the first one breaks."""
    position, other = desk.filled(), desk.filled("ETHUSDT")
    desk.stop(other)
    stop = desk.stop(position)
    sell_outside(desk)
    forget_executions(desk)
    Order.objects.filter(pk=stop.pk).update(status="canceled")
    Trouble(desk).answer_with(RuntimeError("bug"), method="fills")
    FillCursor.objects.create(account=desk.account, symbol="BTCUSDT", trade_id="", read_at=timezone.now())
    FillCursor.objects.create(account=desk.account, symbol="ETHUSDT", trade_id="", read_at=timezone.now())
    tell_executions(desk)
    reconcile(desk)
    assert "could not be settled" in caplog.text
    assert [algo.symbol for algo in desk.engine.open_algos(desk.paper_name)] == ["ETHUSDT"]
    assert AccountWatch.objects.get().reconciled_at is not None


def tell_executions(desk: Desk) -> None:
    """Nothing is missing, so no listing is read before the comparison."""
    for order in Order.objects.filter(purpose="entry"):
        a_fill(order, account=desk.account)


def test_one_account_whose_keys_cannot_be_read_does_not_stop_the_funding_of_the_others(
    desk: Desk, caplog
) -> None:
    desk.filled()
    desk.engine.charge_funding("BTCUSDT", D("0.001"), now_ms())
    odd = an_account(pk=desk.account.pk - 1)
    a_fill(an_order(a_position(account=odd)))
    Trouble(desk, odd).answer_with(RuntimeError("key"), method="funding")
    collect_funding()
    assert "could not be collected" in caplog.text
    assert FundingPayment.objects.count() == 1


def test_a_leg_that_holds_something_while_our_entry_waits_is_compared(desk: Desk) -> None:
    position = desk.open()
    Order.objects.update(status="accepted", order_type="limit", price=D(90000))
    desk.engine.open_account(desk.paper_name, D(10_000))
    desk.engine.set_dual_side(desk.paper_name, True)
    desk.engine.place(
        desk.paper_name, symbol="BTCUSDT", side="BUY", type="LIMIT", quantity=D("0.010"), price=D(90000),
        position_side="LONG", client_order_id=desk.order(position, "entry").client_order_id, now_ms=now_ms(),
    )  # fmt: skip
    reconcile(desk)
    position.refresh_from_db()
    assert (position.status, position.differs_since) == ("opening", None)
    buy_outside(desk)
    forget_executions(desk)
    reconcile(desk)
    Position.objects.update(differs_since=timezone.now() - timedelta(seconds=10))
    reconcile(desk)
    position.refresh_from_db()
    assert (position.status, position.quantity, position.unexplained_quantity) == (
        "open",
        D("0.004"),
        D("0.004"),
    )
    assert position.opened_at is not None


def buy_outside(desk: Desk) -> None:
    desk.engine.place(
        desk.paper_name, symbol="BTCUSDT", side="BUY", type="MARKET", quantity=D("0.004"), position_side="LONG",
        client_order_id="web_1", now_ms=now_ms(),
    )  # fmt: skip


def test_a_close_recorded_while_we_asked_for_long_explains_the_old_answer(desk: Desk) -> None:
    """The question hung: its answer is as old as the question."""
    position = a_position(
        account=desk.account, status="closed", quantity=0, closed_at=timezone.now() - timedelta(seconds=15)
    )
    asked_at = timezone.now() - timedelta(seconds=20)
    assert (position.instrument.symbol, "long") in _just_closed(desk.account, asked_at)
    assert not _just_closed(desk.account, timezone.now())
