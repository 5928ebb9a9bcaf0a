"""Orders whose time is over, and cancels that meet a fill on their way. After each: position, stop and books."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges.errors import OutcomeUnknown
from exchanges.types import OrderType
from positions.lifecycle import CloseReason, OrderPurpose
from positions.models import Order, Position
from positions.services import lookups, orders
from positions.services.closing import request_close
from positions.services.expiring import expire_due, take_back
from positions.services.placing import place_order
from positions.terms import Terms
from tests.positions.services.conftest import Desk
from tests.positions.services.test_orders import Trouble
from tests.positions.services.test_placing import limit, opened, state
from trailing import services as trailing

BTC = "BTCUSDT"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.engine.set_price(BTC, D(100_000), 0)
    desk.engine.depth_notional = D(400)  # a resting order gets 0.004 per price
    return desk


@pytest.fixture
def trouble(desk: Desk) -> Trouble:
    return Trouble(desk)


def in_five_minutes() -> datetime:
    return timezone.now() + timedelta(minutes=5)


def later() -> datetime:
    return timezone.now() + timedelta(minutes=6)


def resting_entry(desk: Desk) -> tuple[Position, Order]:
    position = opened(desk, limit("99000", expires_at=in_five_minutes()))
    entry = desk.submit(position, "entry")
    assert entry.status == "accepted"
    return position, entry


def held_with_target(desk: Desk) -> tuple[Position, Order]:
    """0.010 held, a take-profit for 0.006 waits at 101000."""
    desk.engine.depth_notional = None
    position = desk.filled()
    desk.engine.depth_notional = D(400)
    order = Order.objects.get(
        pk=place_order(position.pk, OrderPurpose.TAKE_PROFIT, D("0.006"), limit("101000"))
    )
    orders.submit(order.pk)
    return position, order


def check_books(desk: Desk, position: Position) -> None:
    position.refresh_from_db()
    assert desk.held() == position.quantity
    assert not desk.engine.open_orders(desk.paper_name)


def protected_quantity(desk: Desk, position: Position) -> D:
    trailing.protect(position.pk)
    for order in Order.objects.filter(position=position, purpose="protect", status="initialized"):
        orders.submit(order.pk)
    for order in Order.objects.filter(position=position, purpose="protect", status="pending_cancel"):
        lookups.cancel(order.pk)
    return sum((algo.quantity or D(0) for algo in desk.engine.open_algos(desk.paper_name)), D(0))


# expiry


def test_what_is_not_over_is_left_alone(desk: Desk) -> None:
    _, entry = resting_entry(desk)
    assert expire_due(timezone.now()) == 0
    entry.refresh_from_db()
    assert entry.status == "accepted"


def test_an_entry_that_did_not_fill_in_time_opens_nothing(desk: Desk) -> None:
    position, entry = resting_entry(desk)
    assert expire_due(later()) == 1
    entry.refresh_from_db()
    assert (entry.status, entry.reason) == ("pending_cancel", "its time was over")
    lookups.cancel(entry.pk)
    entry.refresh_from_db()
    assert (entry.status, entry.reason) == ("canceled", "its time was over")
    assert (state(position), position.close_reason) == (("closed", 0), "never_opened")
    check_books(desk, position)


def test_an_entry_partly_filled_in_time_keeps_that_and_its_stop(desk: Desk) -> None:
    position, entry = resting_entry(desk)
    desk.engine.set_price(BTC, D(98_999), 0)
    lookups.resolve(entry.pk)
    expire_due(later())
    lookups.cancel(entry.pk)
    assert desk.order(position, "entry").status == "canceled"
    assert state(position) == ("open", D("0.004"))
    assert protected_quantity(desk, position) == D("0.004")
    check_books(desk, position)


def test_an_entry_that_was_never_sent_is_denied(desk: Desk) -> None:
    position = opened(desk, limit("99000", expires_at=in_five_minutes()))
    assert expire_due(later()) == 1
    assert desk.order(position, "entry").status == "denied"
    assert (state(position), position.close_reason) == (("closed", 0), "never_opened")


def test_what_is_over_when_its_turn_comes_is_not_sent(desk: Desk) -> None:
    position = opened(desk, limit("99000", expires_at=in_five_minutes()))
    Order.objects.update(expires_at=timezone.now())
    assert desk.submit(position, "entry").reason == "its time was over"
    check_books(desk, position)


def test_a_target_that_expires_leaves_the_position_open(desk: Desk) -> None:
    position, order = held_with_target(desk)
    Order.objects.filter(pk=order.pk).update(expires_at=in_five_minutes())
    expire_due(later())
    lookups.cancel(order.pk)
    assert desk.order(position, "take_profit").status == "canceled"
    assert state(position) == ("open", D("0.010"))
    check_books(desk, position)


def test_one_that_cannot_be_ended_does_not_stop_the_others(desk: Desk, caplog, monkeypatch) -> None:
    position, _ = resting_entry(desk)
    monkeypatch.setattr("positions.services.expiring.lock_position", lambda pk: 1 / 0)
    assert expire_due(later()) == 1
    assert "the next sweep tries again" in caplog.text
    assert state(position)[0] == "opening"


# by wish


def test_an_order_is_taken_back_by_wish(desk: Desk) -> None:
    position, order = held_with_target(desk)
    assert take_back(order.pk)
    lookups.cancel(order.pk)
    assert desk.order(position, "take_profit").status == "canceled"
    assert not take_back(order.pk), "it has ended"
    check_books(desk, position)


def test_stops_and_closes_are_not_taken_back(desk: Desk) -> None:
    desk.engine.depth_notional = None
    position = desk.filled()
    stop = desk.stop(position)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    assert not take_back(stop.pk)
    assert not take_back(desk.order(position, "close").pk)


def test_an_order_of_unknown_outcome_is_taken_back_when_it_turns_up(desk: Desk, trouble: Trouble) -> None:
    trouble.answer_with(OutcomeUnknown("lost"), after_the_work=True)
    position = opened(desk, limit("99000"))
    entry = desk.submit(position, "entry")
    trouble.over()
    assert take_back(entry.pk)
    entry.refresh_from_db()
    assert entry.status == "submitted", "maybe it never arrived"
    lookups.resolve(entry.pk)
    assert expire_due(timezone.now()) == 1
    lookups.cancel(entry.pk)
    assert (state(position), position.close_reason) == (("closed", 0), "never_opened")
    check_books(desk, position)


def test_an_order_of_unknown_outcome_that_filled_stays_filled(desk: Desk, trouble: Trouble) -> None:
    trouble.answer_with(OutcomeUnknown("lost"), after_the_work=True)
    position = opened(desk, limit("99000"))
    entry = desk.submit(position, "entry")
    trouble.over()
    take_back(entry.pk)
    for price in (98_999, 98_998, 98_997):
        desk.engine.set_price(BTC, D(price), 0)
    lookups.resolve(entry.pk)
    expire_due(timezone.now())
    assert state(position) == ("open", D("0.010"))
    assert protected_quantity(desk, position) == D("0.010")
    check_books(desk, position)


# cancels that race with fills: an entry


def test_an_entry_that_fills_before_its_cancel_arrives_is_held(desk: Desk) -> None:
    position, entry = resting_entry(desk)
    expire_due(later())
    for price in (98_999, 98_998, 98_997):
        desk.engine.set_price(BTC, D(price), 0)
    lookups.cancel(entry.pk)
    assert desk.order(position, "entry").status == "filled"
    assert state(position) == ("open", D("0.010"))
    assert protected_quantity(desk, position) == D("0.010")
    check_books(desk, position)


def test_a_part_that_fills_before_the_cancel_arrives_is_held_though_nobody_told(desk: Desk) -> None:
    position, entry = resting_entry(desk)
    expire_due(later())
    desk.engine.set_price(BTC, D(98_999), 0)
    lookups.cancel(entry.pk)
    entry.refresh_from_db()
    assert (entry.status, entry.filled_quantity) == ("canceled", D("0.004"))
    assert state(position) == ("open", D("0.004"))
    assert protected_quantity(desk, position) == D("0.004")
    check_books(desk, position)


@pytest.mark.parametrize("fills_first", [False, True])
def test_the_answer_to_a_cancel_is_lost(desk: Desk, trouble: Trouble, fills_first: bool) -> None:
    position, entry = resting_entry(desk)
    expire_due(later())
    if fills_first:
        desk.engine.set_price(BTC, D(98_999), 0)
    trouble.answer_with(OutcomeUnknown("lost"), method="cancel_order", after_the_work=True)
    lookups.cancel(entry.pk)
    entry.refresh_from_db()
    assert entry.status == "pending_cancel"
    vars(trouble.client()).pop("cancel_order")
    lookups.cancel(entry.pk)
    assert desk.order(position, "entry").status == "pending_cancel", "it is repeated after some seconds only"
    Order.objects.update(cancel_sent_at=timezone.now() - timedelta(seconds=6))
    lookups.resolve_unknown(timezone.now())
    assert desk.order(position, "entry").status == "canceled"
    assert state(position) == (("open", D("0.004")) if fills_first else ("closed", 0))
    check_books(desk, position)


def test_a_fill_told_after_the_cancel_is_held(desk: Desk) -> None:
    """The venue's answer did not know of it yet."""
    position, entry = resting_entry(desk)
    desk.engine.set_price(BTC, D(98_999), 0)
    lookups.resolve(entry.pk)
    expire_due(later())
    desk.engine.set_price(BTC, D(98_998), 0)
    Order.objects.filter(pk=entry.pk).update(status="canceled")
    lookups.resolve(entry.pk)
    assert state(position) == ("open", D("0.008"))
    assert protected_quantity(desk, position) == D("0.008")


# ... an entry whose position is being closed


def test_a_close_before_anything_filled_takes_the_entry_back(desk: Desk) -> None:
    position, entry = resting_entry(desk)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    lookups.cancel(entry.pk)
    assert (state(position), position.close_reason) == (("closed", 0), "never_opened")
    check_books(desk, position)


def test_what_fills_before_that_cancel_arrives_is_closed_at_market(desk: Desk) -> None:
    position, entry = resting_entry(desk)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    desk.engine.set_price(BTC, D(98_999), 0)
    lookups.cancel(entry.pk)
    assert state(position) == ("closing", D("0.004"))
    desk.submit(position, "close")
    assert (state(position), position.close_reason) == (("closed", 0), "manual")
    check_books(desk, position)


def test_an_entry_on_its_way_when_the_close_was_asked_for_is_taken_back(desk: Desk, trouble: Trouble) -> None:
    trouble.answer_with(OutcomeUnknown("lost"), after_the_work=True)
    position = opened(desk, limit("99000"))
    entry = desk.submit(position, "entry")
    trouble.over()
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    lookups.resolve(entry.pk)
    entry.refresh_from_db()
    assert entry.status == "pending_cancel"
    lookups.cancel(entry.pk)
    assert state(position) == ("closed", 0)
    check_books(desk, position)


def test_a_stop_that_fires_while_the_entry_still_buys_waits_for_its_end(desk: Desk) -> None:
    """Flat, but not over: what the rest of the entry buys before its cancel arrives must not be left alone."""
    position, entry = resting_entry(desk)
    desk.engine.set_price(BTC, D(98_999), 0)
    lookups.resolve(entry.pk)
    assert protected_quantity(desk, position) == D("0.004")
    stop = desk.order(position, "protect")
    desk.engine.cancel(desk.paper_name, BTC, client_order_id=entry.client_order_id, now_ms=0)
    desk.engine.set_price(BTC, D(97_000), 0)
    lookups.resolve(stop.pk)
    assert (state(position), position.close_reason) == (("closing", 0), "stop_loss")
    entry.refresh_from_db()
    assert entry.status == "pending_cancel"
    lookups.cancel(entry.pk)
    assert (state(position), position.close_reason) == (("closed", 0), "stop_loss")
    check_books(desk, position)


def test_what_the_entry_still_bought_after_the_stop_fired_is_sold(desk: Desk) -> None:
    position, entry = resting_entry(desk)
    desk.engine.set_price(BTC, D(98_999), 0)
    lookups.resolve(entry.pk)
    protected_quantity(desk, position)
    stop = desk.order(position, "protect")
    desk.engine.set_price(BTC, D(97_000), 0)  # one more part of the entry, then the stop
    lookups.resolve(stop.pk)
    assert state(position) == ("closing", 0)
    lookups.cancel(entry.pk)
    assert state(position) == ("closing", D("0.004"))
    desk.engine.depth_notional = None
    desk.submit(position, "close")
    assert (state(position), position.close_reason) == (("closed", 0), "stop_loss")
    check_books(desk, position)


# ... a take-profit, in either book


def test_a_target_that_fills_before_its_cancel_arrives_has_sold(desk: Desk) -> None:
    position, order = held_with_target(desk)
    take_back(order.pk)
    for price in (101_001, 101_002):
        desk.engine.set_price(BTC, D(price), 0)
    lookups.cancel(order.pk)
    assert desk.order(position, "take_profit").status == "filled"
    assert state(position) == ("open", D("0.004"))
    assert protected_quantity(desk, position) == D("0.004")
    check_books(desk, position)


def test_a_target_half_filled_before_its_cancel_arrives(desk: Desk) -> None:
    position, order = held_with_target(desk)
    take_back(order.pk)
    desk.engine.set_price(BTC, D(101_001), 0)
    lookups.cancel(order.pk)
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("canceled", D("0.003"))
    assert state(position) == ("open", D("0.007"))
    assert protected_quantity(desk, position) == D("0.007")
    check_books(desk, position)


def conditional_target(desk: Desk, position: Position | None = None) -> tuple[Position, Order]:
    desk.engine.depth_notional = None
    position = position or desk.filled()
    terms = Terms(OrderType.TAKE_PROFIT_MARKET, trigger_price=D(101_000))
    order = Order.objects.get(pk=place_order(position.pk, OrderPurpose.TAKE_PROFIT, D("0.010"), terms))
    orders.submit(order.pk)
    return position, order


def test_a_conditional_target_that_fires_before_its_cancel_arrives(desk: Desk) -> None:
    position, order = conditional_target(desk)
    take_back(order.pk)
    desk.engine.set_price(BTC, D(101_000), 0)
    lookups.cancel(order.pk)
    assert desk.order(position, "take_profit").status == "filled"
    assert (state(position), position.close_reason) == (("closed", 0), "take_profit")
    check_books(desk, position)


def test_a_conditional_targets_cancel_whose_answer_is_lost(desk: Desk, trouble: Trouble) -> None:
    position, order = conditional_target(desk)
    take_back(order.pk)
    trouble.answer_with(OutcomeUnknown("lost"), method="cancel_order", after_the_work=True)
    lookups.cancel(order.pk)
    vars(trouble.client()).pop("cancel_order")
    Order.objects.filter(pk=order.pk).update(cancel_sent_at=timezone.now() - timedelta(seconds=6))
    lookups.cancel(order.pk)
    assert desk.order(position, "take_profit").status == "canceled"
    assert state(position) == ("open", D("0.010"))
    check_books(desk, position)


def test_a_conditional_target_of_unknown_outcome(desk: Desk, trouble: Trouble) -> None:
    desk.engine.depth_notional = None
    held = desk.filled()
    trouble.answer_with(OutcomeUnknown("lost"), after_the_work=True)
    position, order = conditional_target(desk, held)
    trouble.over()
    take_back(order.pk)
    lookups.resolve(order.pk)
    expire_due(timezone.now())
    lookups.cancel(order.pk)
    assert desk.order(position, "take_profit").status == "canceled"
    assert not desk.engine.open_algos(desk.paper_name)
