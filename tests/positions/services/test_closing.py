"""The door: asking and recording, each safe to call twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D

import pytest
from asgiref.sync import sync_to_async
from django.db import IntegrityError, connection, connections, transaction

from exchanges.errors import NotSent, OutcomeUnknown
from exchanges.models import ExchangeAccount
from exchanges.types import Book, OrderReport, PositionSide, ReportStatus
from positions.lifecycle import CloseReason
from positions.models import Order, Position, RiskEvent
from positions.services import consequences, lookups, orders
from positions.services.closing import close_what_is_free, lock_position, request_close, settle_close
from positions.services.reports import apply_report
from tests.positions.services.conftest import Desk
from tests.positions.services.test_orders import Trouble
from trailing.models import TrailingStop
from trailing.services import cleanup_orphan_ts_states, count_orphan_ts_states


def meanwhile(desk: Desk, act: Callable[[], object], *, then: Exception) -> None:
    """The next order is claimed; something happens; then its request ends like this."""

    def elsewhere() -> None:
        act()
        connections.close_all()

    async def troubled(request: object) -> object:
        await sync_to_async(elsewhere)()
        raise then

    Trouble(desk).client().create_order = troubled  # type: ignore[method-assign]


def ask(position: Position, reason: CloseReason = CloseReason.MANUAL) -> object:
    return request_close(position.pk, reason=reason, requested_by="owner")


def test_a_close_is_asked_executed_and_recorded(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    assert ask(position) is not None
    position.refresh_from_db()
    stop.refresh_from_db()
    assert (position.status, position.close_requested_by) == ("closing", "owner")
    assert stop.status == "accepted", "the stop stands until the position is flat"
    assert desk.submit(position, "close").status == "filled"
    position.refresh_from_db()
    assert (position.status, position.close_reason, position.quantity) == ("closed", "manual", D(0))
    assert position.closed_at is not None
    assert not TrailingStop.objects.exists()
    assert desk.held() == 0


def test_the_leftover_stop_is_canceled_on_the_exchange(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    ask(position)
    desk.submit(position, "close")
    stop.refresh_from_db()
    assert stop.status == "pending_cancel"
    lookups.cancel(stop.pk)
    stop.refresh_from_db()
    assert stop.status == "canceled"
    assert not desk.engine.open_algos(desk.paper_name)


def test_asking_twice_makes_one_order(desk: Desk) -> None:
    position = desk.filled()
    assert ask(position) is not None
    assert ask(position, CloseReason.SIGNAL) is None
    assert Order.objects.filter(purpose="close").count() == 1
    position.refresh_from_db()
    assert position.close_reason == "manual"


@pytest.mark.django_db(transaction=True)
def test_ten_closers_at_once_make_one_order(desk: Desk) -> None:
    position = desk.filled()

    def close(_: int) -> object:
        try:
            return ask(position)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        made = [order for order in pool.map(close, range(10)) if order]
    assert len(made) == Order.objects.filter(purpose="close").count() == 1


def test_the_database_refuses_a_second_pending_close(desk: Desk) -> None:
    position = desk.filled()
    ask(position)
    position.refresh_from_db()
    with pytest.raises(IntegrityError, match="one_pending_close_per_position"), transaction.atomic():
        close_what_is_free(position)


def test_closing_before_anything_was_sent_sends_nothing(desk: Desk) -> None:
    position = desk.open()
    assert ask(position) is None
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "never_opened")
    assert desk.submit(position, "entry").status == "denied"
    assert desk.held() == 0


def test_an_entry_under_way_is_closed_as_soon_as_it_filled(desk: Desk) -> None:
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), after_the_work=True)
    position = desk.open()
    entry = desk.submit(position, "entry")
    Trouble(desk).over()
    assert ask(position) is None
    position.refresh_from_db()
    assert position.status == "closing"
    lookups.resolve(entry.pk)
    position.refresh_from_db()
    assert (position.status, position.quantity) == ("closing", D("0.010"))
    desk.submit(position, "close")
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "manual")


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_was_not_sent_after_all_does_not_follow_its_close(desk: Desk) -> None:
    position = desk.open()
    meanwhile(desk, lambda: ask(position), then=NotSent("429", retry_after=0))
    assert desk.submit(position, "entry").status == "initialized"
    Trouble(desk).over()
    entry = desk.submit(position, "entry")
    assert (entry.status, entry.reason) == ("rejected", "position is being closed")
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "never_opened")
    assert desk.held() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", ["halted", "reducing"])
def test_an_entry_that_was_not_sent_after_all_does_not_follow_the_halt(desk: Desk, state: str) -> None:
    position = desk.open()

    def stop_trading() -> None:
        ExchangeAccount.objects.update(trading_state=state, state_reason="enough for today")

    meanwhile(desk, stop_trading, then=NotSent("429", retry_after=0))
    desk.submit(position, "entry")
    Trouble(desk).over()
    entry = desk.submit(position, "entry")
    assert (entry.status, entry.reason) == ("rejected", f"the account is {state}: enough for today")
    assert desk.held() == 0


@pytest.mark.django_db(transaction=True)
def test_a_stop_that_was_not_sent_does_not_follow_its_position(desk: Desk) -> None:
    """On that leg it would sell what somebody else holds."""
    position = desk.filled()

    def end() -> None:
        with transaction.atomic():
            settle_close(lock_position(position.pk), reason=CloseReason.EXTERNAL)

    meanwhile(desk, end, then=NotSent("429", retry_after=0))
    assert desk.stop(position).status == "initialized"
    Trouble(desk).over()
    stop = desk.submit(position, "protect")
    assert (stop.status, stop.reason) == ("rejected", "position is closed")
    assert not desk.engine.open_algos(desk.paper_name)


def test_settling_twice_changes_nothing(desk: Desk) -> None:
    position = desk.filled()
    ask(position)
    desk.submit(position, "close")
    position.refresh_from_db()
    with transaction.atomic():
        settle_close(lock_position(position.pk), reason=CloseReason.EXTERNAL)
    again = Position.objects.get(pk=position.pk)
    assert (again.close_reason, again.closed_at) == ("manual", position.closed_at)


def test_the_exchanges_own_stop_closes_the_position(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    desk.engine.set_price("BTCUSDT", D(90000), 0)
    lookups.resolve(stop.pk)
    position.refresh_from_db()
    stop.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "stop_loss")
    assert (stop.status, stop.filled_quantity) == ("filled", D("0.010"))
    assert stop.child_order_id


def test_a_stop_that_trailed_says_so(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    TrailingStop.objects.update(stop_reason="trailing")
    desk.engine.set_price("BTCUSDT", D(90000), 0)
    lookups.resolve(stop.pk)
    position.refresh_from_db()
    assert position.close_reason == "trailing_stop"


def test_a_new_stop_is_confirmed_before_the_old_one_is_canceled(desk: Desk) -> None:
    position = desk.filled()
    first = desk.stop(position, 5)
    position.refresh_from_db()
    assert position.unprotected_since is None
    (second,) = orders.request_stop(position.pk, trigger_price=D(95000))
    first.refresh_from_db()
    assert first.status == "accepted", "the old one stands while the new one is on its way"
    orders.submit(second.pk)
    first.refresh_from_db()
    assert first.status == "pending_cancel"
    assert len(desk.engine.open_algos(desk.paper_name)) == 2
    lookups.cancel(first.pk)
    assert [a.client_algo_id for a in desk.engine.open_algos(desk.paper_name)] == [second.client_order_id]


def test_an_older_stop_confirmed_late_is_called_off(desk: Desk) -> None:
    position = desk.filled()
    first = desk.stop(position, 5)
    Order.objects.filter(pk=first.pk).update(status="submitted")
    second = desk.order(position, "protect")
    Order.objects.filter(pk=first.pk).update(status="canceled")
    (second,) = orders.request_stop(position.pk, trigger_price=D(95000))
    orders.submit(second.pk)
    Order.objects.filter(pk=first.pk).update(status="submitted")
    lookups.resolve(first.pk)
    first.refresh_from_db()
    assert first.status == "pending_cancel"


def test_a_stop_canceled_by_somebody_leaves_the_position_marked_unprotected(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    desk.engine.cancel_algo(desk.paper_name, client_algo_id=stop.client_order_id, now_ms=0)
    lookups.resolve(stop.pk)
    position.refresh_from_db()
    assert desk.order(position, "protect").status == "canceled"
    assert position.unprotected_since is not None


def test_a_position_that_closes_cannot_leave_its_trailing_row(desk: Desk) -> None:
    position = desk.filled()
    with pytest.raises(IntegrityError, match="trailing_only_on_live_position"), transaction.atomic():
        Position.objects.filter(pk=position.pk).update(
            status="closed", close_reason="manual", closed_at=position.opened_at, quantity=0
        )


def test_a_closed_position_must_be_explained(desk: Desk) -> None:
    position = desk.filled()
    TrailingStop.objects.all().delete()
    with pytest.raises(IntegrityError, match="closed_position_is_explained"), transaction.atomic():
        Position.objects.filter(pk=position.pk).update(status="closed", quantity=0)


def test_a_short_closes_by_buying(desk: Desk) -> None:
    position = desk.filled(side=PositionSide.SHORT)
    ask(position)
    order = desk.submit(position, "close")
    assert (order.side, order.position_idx, order.reduce_only) == ("buy", 2, True)
    assert desk.held() == 0


@pytest.mark.parametrize("end", [ReportStatus.EXPIRED, ReportStatus.CANCELED])
def test_what_a_thin_book_gave_back_is_closed_next(desk: Desk, end: ReportStatus) -> None:
    position = desk.filled()
    ask(position)
    Order.objects.filter(purpose="close").update(status="submitted")
    first = desk.order(position, "close")
    sold = OrderReport(
        "BTC/USDT:USDT", first.client_order_id, "9001", Book.PLAIN, end, filled_quantity=D("0.004")
    )
    apply_report(desk.account.pk, sold)
    rest = desk.order(position, "close")
    position.refresh_from_db()
    assert (rest.generation, rest.status, rest.quantity) == (2, "initialized", D("0.006"))
    assert (position.status, position.close_reason) == ("closing", "manual")


def test_a_close_proven_absent_is_asked_again_a_few_times(desk: Desk) -> None:
    position = desk.filled()
    ask(position)
    for generation in range(1, consequences.MAX_CLOSES + 1):
        order = desk.order(position, "close")
        assert order.generation == generation
        Order.objects.filter(pk=order.pk).update(status="submitted", submitted_at=position.created_at)
        Order.objects.filter(pk=order.pk).update(submitted_at=position.created_at.replace(year=2020))
        lookups.resolve(order.pk)
    position.refresh_from_db()
    assert position.status == "open", "after five the owner is told and the sweeps decide"


def test_a_trailing_state_that_cannot_be_removed_is_told_and_swept_later(desk: Desk, caplog) -> None:
    """Only a database without its guard lets the close stand then."""
    position = desk.filled()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE trailing_stop_state DROP CONSTRAINT trailing_only_on_live_position")
        cursor.execute(
            "CREATE TRIGGER stuck BEFORE DELETE ON trailing_stop_state EXECUTE FUNCTION refuse_change()"
        )
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    desk.submit(position, "close")
    position.refresh_from_db()
    assert (position.status, count_orphan_ts_states()) == ("closed", 1)
    event = RiskEvent.objects.get(event_type="trailing_state_not_removed")
    assert (event.risk_level, event.position_id) == ("warning", str(position.pk))
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER stuck ON trailing_stop_state")
    assert (cleanup_orphan_ts_states(), count_orphan_ts_states()) == (1, 0)


def test_the_guard_lets_no_close_stand_beside_its_trailing_state(desk: Desk) -> None:
    position = desk.filled()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "CREATE TRIGGER stuck BEFORE DELETE ON trailing_stop_state EXECUTE FUNCTION refuse_change()"
        )
    with pytest.raises(IntegrityError, match="trailing_only_on_live_position"), transaction.atomic():
        settle_close(lock_position(position.pk), reason=CloseReason.MANUAL)
    position.refresh_from_db()
    assert (position.status, TrailingStop.objects.count()) == ("open", 1)
