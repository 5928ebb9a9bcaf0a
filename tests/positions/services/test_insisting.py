"""A wish to close holds until the position is closed, whatever the exchange refuses meanwhile."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges.errors import NothingToReduce, Refused
from exchanges.models import Instrument
from exchanges.types import Book, OrderReport, ReportStatus
from positions.lifecycle import CloseReason, OrderPurpose
from positions.models import Order, Position, RiskEvent
from positions.services import lookups, orders
from positions.services.closing import request_close
from positions.services.insisting import close_again
from positions.services.ladder import check_ladders, check_partial_tp
from positions.services.placing import OrderRefused, place_order
from positions.services.reconciliation import reconcile_account
from positions.services.reports import apply_report
from tests.builders import an_order
from tests.positions.services.conftest import Desk
from tests.positions.services.test_covering import a_person, later, protected
from tests.positions.services.test_ladder import THREE, follow, levels_of, send, settle, statuses
from tests.positions.services.test_orders import Trouble
from trailing import services as trailing

__all__ = ["protected"]

BAND = Refused("The counterparty's best price does not meet the PERCENT_PRICE filter limit.", code="-4131")
NOTHING = NothingToReduce("ReduceOnly Order is rejected.", code="-2022")


def ask(position: Position, reason: CloseReason = CloseReason.MANUAL, by: str = "owner") -> object:
    return request_close(position.pk, reason=reason, requested_by=by)


def sell(position: Position) -> tuple[str, str]:
    for order in Order.objects.filter(position=position, purpose="close", status="initialized"):
        orders.submit(order.pk)
    return state(position)


def state(position: Position) -> tuple[str, str]:
    position.refresh_from_db()
    return position.status, position.close_reason


def closes(position: Position) -> list[tuple[D, str]]:
    made = Order.objects.filter(position=position, purpose="close").order_by("generation")
    return list(made.values_list("quantity", "status"))


def after_its_pause(position: Position) -> timedelta:
    """The sweep comes again when the pause is over; returns how long it was."""
    position.refresh_from_db()
    assert position.close_again_at is not None
    pause = position.close_again_at - position.updated_at  # as it was written
    Position.objects.filter(pk=position.pk).update(close_again_at=timezone.now())
    close_again(timezone.now())
    return pause


def lengthen_its_pause(position: Position) -> None:
    """However slow this machine is."""
    Position.objects.filter(pk=position.pk).update(close_again_at=timezone.now() + timedelta(minutes=5))


def told() -> list[tuple[str, str]]:
    events = RiskEvent.objects.filter(event_type="close_refused").order_by("pk")
    return list(events.values_list("risk_level", "details__refused"))


def test_a_refused_close_is_asked_again_until_it_is_done(desk: Desk, protected: Position) -> None:
    Trouble(desk).answer_with(BAND)
    ask(protected)
    assert sell(protected) == ("open", "manual")
    assert desk.order(protected, "protect").status == "accepted"
    lengthen_its_pause(protected)
    close_again(timezone.now())
    assert closes(protected) == [(D("0.010"), "rejected")], "not before its pause is over"
    Trouble(desk).over()
    after_its_pause(protected)
    assert state(protected) == ("closing", "manual")
    assert sell(protected) == ("closed", "manual")
    assert (protected.close_requested_by, desk.held()) == ("owner", 0)


def test_the_pause_doubles_and_the_owner_reads_of_it(desk: Desk, protected: Position) -> None:
    Trouble(desk).answer_with(BAND)
    ask(protected)
    pauses = []
    for _ in range(10):
        assert sell(protected) == ("open", "manual")
        pauses.append(round(after_its_pause(protected).total_seconds()))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert told() == [("high", "1"), ("critical", "5"), ("critical", "10")]


def test_nobody_asks_during_the_pause_and_the_first_wish_is_remembered(
    desk: Desk, protected: Position
) -> None:
    Trouble(desk).answer_with(BAND)
    ask(protected, CloseReason.SIGNAL, "signal 7")
    sell(protected)
    lengthen_its_pause(protected)
    Order.objects.filter(position=protected, purpose="protect").update(status="expired")
    for _ in range(6):
        trailing.advance(protected.pk, D(90_000), timezone.now())
        assert ask(protected) is None
    assert (state(protected), len(closes(protected))) == (("open", "signal"), 1)
    Trouble(desk).over()
    after_its_pause(protected)
    assert sell(protected) == ("closed", "signal")


def test_a_close_for_more_than_is_left_follows_the_comparison(desk: Desk, protected: Position) -> None:
    a_person(desk, "SELL", "0.004", told=False)
    ask(protected, CloseReason.SIGNAL, "signal 7")
    assert sell(protected) == ("open", "signal")
    reconcile_account(desk.account.pk)
    after_its_pause(protected)
    assert sell(protected) == ("closed", "signal")
    assert (closes(protected)[-1], desk.held()) == ((D("0.006"), "filled"), 0)


def test_a_close_of_what_is_gone_ends_with_the_comparison(desk: Desk, protected: Position) -> None:
    a_person(desk, "SELL", "0.010", told=False)
    ask(protected, CloseReason.SIGNAL, "signal 7")
    assert sell(protected)[0] == "open"
    reconcile_account(desk.account.pk)
    assert state(protected)[0] == "closed"
    close_again(timezone.now() + timedelta(hours=1))
    assert len(closes(protected)) == 1


def test_what_a_thin_book_gives_back_time_and_again_is_no_refusal(desk: Desk, protected: Position) -> None:
    ask(protected)
    for n in range(1, 8):
        close = desk.order(protected, "close")
        assert close.generation == n
        Order.objects.filter(pk=close.pk).update(status="submitted")
        sold = OrderReport(
            "BTC/USDT:USDT", close.client_order_id, f"9{n}", Book.PLAIN, ReportStatus.EXPIRED,
            filled_quantity=D("0.001"),
        )  # fmt: skip
        apply_report(desk.account.pk, sold)
        assert state(protected)[0] == "closing"
    assert (protected.quantity, protected.close_refusals, told()) == (D("0.003"), 0, [])


def test_while_it_is_to_be_closed_nothing_else_is_placed(desk: Desk, protected: Position) -> None:
    follow(desk, THREE)
    position = desk.filled("ETHUSDT")
    check_partial_tp(position.pk)
    send(position)
    ask(position)
    for order in levels_of(position):
        lookups.cancel(order.pk)
    Trouble(desk).answer_with(BAND)
    assert sell(position) == ("open", "manual")
    check_ladders(timezone.now())
    check_partial_tp(position.pk)
    with pytest.raises(OrderRefused, match="to be closed"):
        place_order(position.pk, OrderPurpose.REDUCE, D("0.001"))
    assert not [o for o in levels_of(position) if o.status not in ("canceled", "denied")]
    Trouble(desk).over()
    after_its_pause(position)
    assert sell(position) == ("closed", "manual")
    assert statuses(position) == ["canceled"] * 3


def with_a_full_ladder(desk: Desk) -> Position:
    follow(desk, THREE)
    position = desk.filled()
    check_partial_tp(position.pk)
    send(position)
    return position


def test_what_the_ladder_held_is_closed_by_one_order(desk: Desk) -> None:
    position = with_a_full_ladder(desk)
    ask(position)
    later(position, seconds=-60)  # a slow machine does not make the cancels late
    made = []
    for order in levels_of(position):
        lookups.cancel(order.pk)
        made.append(closes(position))
    assert made == [[], [], [(D("0.010"), "initialized")]]


def test_a_cancel_without_an_answer_does_not_keep_the_rest_from_being_closed(desk: Desk) -> None:
    position = with_a_full_ladder(desk)
    ask(position)
    later(position, seconds=-60)  # a slow machine does not make the cancels late
    first, *others = levels_of(position)
    for order in others:
        lookups.cancel(order.pk)
    close_again(timezone.now())
    assert closes(position) == []
    later(position, seconds=66)
    close_again(timezone.now())
    assert closes(position) == [(D("0.007"), "initialized")]
    settle(position)
    settle(position)
    assert (state(position), desk.held()) == (("closed", "manual"), 0)
    first.refresh_from_db()
    assert first.status == "canceled"


def test_what_is_more_than_one_order_may_sell_is_closed_in_turn(desk: Desk, protected: Position) -> None:
    Instrument.objects.filter(exchange_symbol="BTCUSDT").update(max_quantity=D("0.0045"))
    ask(protected)
    for _ in range(3):
        sell(protected)
    assert closes(protected) == [(D("0.004"), "filled"), (D("0.004"), "filled"), (D("0.002"), "filled")]
    assert (state(protected), desk.held()) == (("closed", "manual"), 0)


def test_a_position_may_have_as_many_stops_as_it_needs(protected: Position) -> None:
    an_order(protected, purpose="protect", generation=32767, status="rejected", trigger_price=D(98_000))
    Order.objects.filter(position=protected, purpose="protect", status="accepted").update(status="expired")
    later(protected, minutes=2)
    trailing.protect(protected.pk)
    assert Order.objects.filter(position=protected, generation=32768, status="initialized").exists()
