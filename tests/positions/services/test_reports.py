"""Reports come twice, late, in any order; the rows say the same in the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse
from django.utils import timezone

import trailing.services
from exchanges.types import Book, FillReport, Forced, OrderReport, PositionSide, ReportStatus, Side
from ops.trail.queries import story_of
from positions.invariants import positions_equal_their_fills
from positions.lifecycle import CloseReason, IllegalTransition
from positions.models import Fill, Order, Position, RiskEvent
from positions.queries import ending
from positions.services import lookups, orders
from positions.services.closing import request_close
from positions.services.reports import apply_fill, apply_report
from tests.positions.services.conftest import Desk

BTC = "BTC/USDT:USDT"
NOW = datetime(2099, 1, 1, tzinfo=UTC)  # after every position of these stories was made


def report(order: Order, status: ReportStatus, filled: str = "0", **values: object) -> OrderReport:
    base = OrderReport(
        symbol=BTC,
        client_order_id=order.client_order_id,
        exchange_order_id="77",
        book=Book(order.book),
        status=status,
        filled_quantity=D(filled),
        average_price=D(97000) if D(filled) else None,
    )
    return replace(base, **values)  # type: ignore[arg-type]


def fill(order: Order | None, quantity: str, trade_id: str = "1", **values: object) -> FillReport:
    base = FillReport(
        symbol=BTC,
        trade_id=trade_id,
        exchange_order_id="77",
        side=Side.BUY,
        position_side=PositionSide.LONG,
        quantity=D(quantity),
        price=D(97000),
        fee=D("0.1"),
        fee_currency="USDT",
        realized_pnl=D(0),
        at=NOW,
        client_order_id=order.client_order_id if order else "",
    )
    return replace(base, **values)  # type: ignore[arg-type]


@pytest.fixture
def sent(desk: Desk) -> tuple[Desk, Position, Order]:
    position = desk.open()
    Order.objects.update(status="submitted")
    return desk, position, Order.objects.get()


def state(position: Position) -> tuple[str, D]:
    row = Position.objects.get(pk=position.pk)
    return row.status, row.quantity


def test_a_report_applied_twice_changes_nothing_more(sent) -> None:
    desk, position, order = sent
    for _ in range(2):
        apply_report(desk.account.pk, report(order, ReportStatus.FILLED, "0.010"))
    assert state(position) == ("open", D("0.010"))


def test_news_of_an_earlier_stage_is_dropped_but_its_ids_are_kept(sent) -> None:
    desk, position, order = sent
    apply_fill(desk.account.pk, fill(order, "0.010", exchange_order_id=""))
    apply_report(desk.account.pk, report(order, ReportStatus.OPEN, exchange_order_id="88"))
    order.refresh_from_db()
    assert (order.status, order.exchange_order_id) == ("filled", "88")
    assert state(position) == ("open", D("0.010"))


def test_a_fill_counts_once_by_its_trade_id(sent) -> None:
    desk, position, order = sent
    assert apply_fill(desk.account.pk, fill(order, "0.004"))
    assert not apply_fill(desk.account.pk, fill(order, "0.004"))
    assert state(position) == ("open", D("0.004"))
    assert Order.objects.get().status == "partially_filled"
    assert apply_fill(desk.account.pk, fill(order, "0.006", "2"))
    assert Order.objects.get().status == "filled"
    assert state(position) == ("open", D("0.010"))
    row = Position.objects.get()
    assert (row.fees, row.average_entry_price) == (D("0.2"), D(97000))


@pytest.mark.parametrize(("told", "counted"), [("0.006", "0.006"), ("0", "0.010")])
def test_filled_is_as_much_as_the_exchange_says_where_it_says_it(sent, told: str, counted: str) -> None:
    """A reducing order may have been cut there to what was held."""
    desk, position, order = sent
    apply_report(desk.account.pk, report(order, ReportStatus.FILLED, told))
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("filled", D(counted))
    assert state(position) == ("open", D(counted))


def test_the_answer_before_its_executions_counts_them_once(sent) -> None:
    desk, position, order = sent
    apply_report(desk.account.pk, report(order, ReportStatus.FILLED, "0.010"))
    apply_fill(desk.account.pk, fill(order, "0.010"))
    assert state(position) == ("open", D("0.010"))
    assert Fill.objects.get().order == order


def test_a_fill_known_only_by_the_exchanges_id_finds_its_order(sent) -> None:
    desk, _, order = sent
    apply_report(desk.account.pk, report(order, ReportStatus.FILLED, "0.010"))
    apply_fill(desk.account.pk, fill(None, "0.010"))
    assert Fill.objects.get().order == order


def test_an_impossible_report_raises_and_changes_nothing(sent) -> None:
    desk, _, order = sent
    apply_report(desk.account.pk, report(order, ReportStatus.FILLED, "0.010"))
    with pytest.raises(IllegalTransition):
        apply_report(desk.account.pk, report(order, ReportStatus.CANCELED))
    order.refresh_from_db()
    assert order.status == "filled"


def test_a_partial_entry_that_ended_stays_open_with_what_it_got(sent) -> None:
    desk, position, order = sent
    apply_report(desk.account.pk, report(order, ReportStatus.EXPIRED, "0.003"))
    assert state(position) == ("open", D("0.003"))


def test_a_fill_after_the_cancel_still_counts(sent) -> None:
    desk, position, order = sent
    apply_report(desk.account.pk, report(order, ReportStatus.PARTIALLY_FILLED, "0.003"))
    apply_report(desk.account.pk, report(order, ReportStatus.CANCELED, "0.003"))
    apply_fill(desk.account.pk, fill(order, "0.003"))
    apply_fill(desk.account.pk, fill(order, "0.002", "2"))
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("canceled", D("0.005"))
    assert state(position) == ("open", D("0.005"))


def test_the_child_of_a_stop_is_not_taken_for_the_stop(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    child = {"book": Book.PLAIN, "exchange_order_id": "9001"}
    apply_report(desk.account.pk, report(stop, ReportStatus.OPEN, **child))
    stop.refresh_from_db()
    assert (stop.status, stop.child_order_id) == ("triggered", "9001")
    apply_report(desk.account.pk, report(stop, ReportStatus.FILLED, "0.010", **child))
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "stop_loss")


def test_a_conditional_orders_own_filled_figure_is_not_believed(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    apply_report(desk.account.pk, report(stop, ReportStatus.TRIGGERED, "0.010", child_order_id="9001"))
    assert state(position) == ("open", D("0.010"))


def test_an_order_of_ours_without_a_row_is_an_alarm(desk: Desk) -> None:
    ghost = OrderReport(BTC, "tb-0000000000000000-e1", "5", Book.PLAIN, ReportStatus.OPEN)
    apply_report(desk.account.pk, ghost)
    assert RiskEvent.objects.get().event_type == "order_without_row"


def test_an_order_of_somebody_else_is_left_alone(desk: Desk) -> None:
    apply_report(desk.account.pk, OrderReport(BTC, "web_abc", "5", Book.PLAIN, ReportStatus.OPEN))
    assert not RiskEvent.objects.exists()


def test_a_close_by_hand_settles_as_manual(desk: Desk) -> None:
    position = desk.filled()
    by_hand = fill(None, "0.010", "99", side=Side.SELL, client_order_id="web_abc", exchange_order_id="500")
    assert apply_fill(desk.account.pk, by_hand)
    assert not apply_fill(desk.account.pk, by_hand)
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "manual")
    assert RiskEvent.objects.get(event_type="foreign_fill").position_id == str(position.pk)


def somebody_elses_exit() -> FillReport:
    return fill(None, "0.010", "99", side=Side.SELL, client_order_id="web_abc", exchange_order_id="500")


def test_a_stranger_who_gives_up_more_than_we_hold_had_some_before(desk: Desk) -> None:
    """The exchange knows one leg for all: what we held is gone, and our books do not go below zero."""
    position = desk.filled()
    for trade in desk.engine.account(desk.paper_name).trades:
        desk.tell(trade)
    apply_fill(desk.account.pk, replace(somebody_elses_exit(), quantity=D("0.015")))
    position.refresh_from_db()
    assert (position.status, position.quantity, position.unexplained_quantity) == ("closed", 0, D("0.005"))
    assert list(positions_equal_their_fills(timezone.now() + timedelta(minutes=10))) == []
    assert not RiskEvent.objects.filter(event_type="holdings_out_of_balance").exists()


def test_an_exit_before_our_entry_was_sent_is_somebody_elses(desk: Desk) -> None:
    position = desk.open()
    assert apply_fill(desk.account.pk, somebody_elses_exit())
    assert Fill.objects.get().position is None
    desk.submit(position, "entry")
    assert state(position) == ("open", D("0.010"))


def test_an_exit_beside_an_entry_that_never_filled_is_let_go(desk: Desk) -> None:
    """While it was under way nobody could know whose it was."""
    position = desk.open()
    Order.objects.update(status="submitted")
    assert apply_fill(desk.account.pk, somebody_elses_exit())
    assert Fill.objects.get().position == position
    apply_report(desk.account.pk, report(desk.order(position, "entry"), ReportStatus.EXPIRED, "0"))
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "never_opened")
    assert Fill.objects.get().position is None


def test_a_liquidation_is_told_apart(desk: Desk) -> None:
    position = desk.filled()
    forced = fill(
        None,
        "0.010",
        "99",
        side=Side.SELL,
        client_order_id="autoclose-1",
        exchange_order_id="5",
        forced=Forced.LIQUIDATION,
    )
    apply_fill(desk.account.pk, forced)
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "liquidation")


def test_a_part_sold_by_hand_leaves_the_rest(desk: Desk) -> None:
    position = desk.filled()
    apply_fill(
        desk.account.pk,
        fill(None, "0.004", "99", side=Side.SELL, client_order_id="web", exchange_order_id="5"),
    )
    assert state(position) == ("open", D("0.006"))


def test_a_fill_on_a_leg_we_do_not_hold_is_kept_and_told(desk: Desk) -> None:
    apply_fill(desk.account.pk, fill(None, "0.004", "99", client_order_id="web", exchange_order_id="5"))
    assert Fill.objects.get().position is None
    assert RiskEvent.objects.get().risk_level == "critical"


def test_an_entry_that_arrives_after_its_position_ended_is_an_alarm(sent) -> None:
    desk, position, order = sent
    apply_report(desk.account.pk, report(order, ReportStatus.EXPIRED))
    assert state(position) == ("closed", D(0))
    apply_report(desk.account.pk, report(order, ReportStatus.FILLED, "0.010"))
    assert state(position) == ("closed", D(0))
    assert RiskEvent.objects.get(event_type="holdings_out_of_balance").risk_level == "critical"


def test_a_stop_accepted_after_its_position_ended_is_canceled(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    Order.objects.filter(pk=stop.pk).update(status="submitted")
    apply_fill(
        desk.account.pk,
        fill(None, "0.010", "99", side=Side.SELL, client_order_id="web", exchange_order_id="5"),
    )
    apply_report(desk.account.pk, report(stop, ReportStatus.OPEN))
    stop.refresh_from_db()
    assert stop.status == "pending_cancel"


def test_the_late_executions_of_a_closed_position_complete_its_figures(desk: Desk) -> None:
    position = desk.filled()
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="x")
    close = desk.submit(position, "close")
    entry = desk.order(position, "entry")
    apply_fill(desk.account.pk, fill(entry, "0.010", "1", exchange_order_id=entry.exchange_order_id))
    apply_fill(
        desk.account.pk,
        fill(close, "0.010", "2", side=Side.SELL, price=D(98000), exchange_order_id=close.exchange_order_id),
    )
    position.refresh_from_db()
    assert (position.realized_pnl, position.fees, position.quantity) == (D(10), D("0.2"), D(0))


def test_what_was_taken_for_absent_may_be_told_to_have_ended_otherwise(
    sent: tuple[Desk, Position, Order],
) -> None:
    """It worked after all, and is canceled as a left-over."""
    desk, _, order = sent
    Order.objects.update(status="rejected", reason="proven absent")
    apply_report(desk.account.pk, report(order, ReportStatus.CANCELED))
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("rejected", 0)


@pytest.mark.parametrize(
    ("status", "filled"), [(ReportStatus.PARTIALLY_FILLED, "0.004"), (ReportStatus.TRIGGERED, "0")]
)
def test_a_report_that_adds_nothing_leaves_the_rows_at_rest(sent, status: ReportStatus, filled: str) -> None:
    desk, position, order = sent
    told = report(order, status, filled, average_price=D(97000) / 7 if D(filled) else None)
    apply_report(desk.account.pk, told)
    then = timezone.now() - timedelta(hours=1)
    Order.objects.update(updated_at=then)
    Position.objects.update(updated_at=then)
    apply_report(desk.account.pk, told)
    apply_report(desk.account.pk, report(order, ReportStatus.OPEN))
    order.refresh_from_db()
    position.refresh_from_db()
    assert (order.updated_at, position.updated_at) == (then, then)
    apply_report(desk.account.pk, replace(told, exchange_order_id="78"))
    order.refresh_from_db()
    assert (order.exchange_order_id, order.updated_at > then) == ("78", True)


def bought_by_hand(quantity: str = "0.004", trade_id: str = "99", **values: object) -> FillReport:
    return fill(None, quantity, trade_id, client_order_id="web_1", exchange_order_id="500", **values)


def test_what_a_stranger_buys_while_our_entry_waits_is_protected(sent) -> None:
    """And it outlives the entry that ends unfilled."""
    desk, position, order = sent
    apply_report(desk.account.pk, report(order, ReportStatus.OPEN))
    apply_fill(desk.account.pk, bought_by_hand())
    assert state(position) == ("open", D("0.004"))
    position.refresh_from_db()
    assert position.unprotected_since is not None
    trailing.services.protect(position.pk)
    assert desk.order(position, "protect").quantity == D("0.004")
    apply_report(desk.account.pk, report(order, ReportStatus.EXPIRED))
    assert state(position) == ("open", D("0.004"))


def test_our_entry_adds_to_what_a_stranger_bought_before(sent) -> None:
    desk, position, order = sent
    apply_fill(desk.account.pk, bought_by_hand())
    apply_report(desk.account.pk, report(order, ReportStatus.FILLED, "0.010"))
    assert state(position) == ("open", D("0.014"))


def test_a_fee_in_another_coin_is_no_amount_of_quote_currency(sent) -> None:
    desk, position, order = sent
    apply_fill(desk.account.pk, fill(order, "0.004", fee=D("0.0007"), fee_currency="BNB"))
    apply_fill(desk.account.pk, fill(order, "0.006", "2"))
    position.refresh_from_db()
    assert position.fees == D("0.1")


def test_an_exit_told_before_its_entry_is_valued_by_the_entrys_answer(desk: Desk) -> None:
    position = desk.filled()
    exit_fill = fill(None, "0.004", "99", side=Side.SELL, client_order_id="web", exchange_order_id="5")
    apply_fill(desk.account.pk, replace(exit_fill, price=position.average_entry_price + 100))
    position.refresh_from_db()
    assert position.realized_pnl == D("0.4")
    Order.objects.update(average_price=None)
    apply_fill(desk.account.pk, replace(exit_fill, trade_id="100", quantity=D("0.001")))
    position.refresh_from_db()
    assert position.realized_pnl == 0, "nobody knows at what price it was bought"


def test_what_was_paid_in_another_coin_is_said_apart(desk: Desk, admin_client) -> None:
    position = desk.filled()
    coin = {"fee": D("0.0007"), "fee_currency": "BNB"}
    apply_fill(desk.account.pk, fill(desk.order(position, "entry"), "0.010", **coin))
    sold = {"side": Side.SELL, "client_order_id": "web_1", "exchange_order_id": "5"}
    apply_fill(desk.account.pk, fill(None, "0.010", "99", **sold, **coin))
    assert ending(position.pk).endswith("USDT after fees, besides 0.0014 BNB of fees")
    page = admin_client.get(reverse("admin:positions_position_change", args=[position.pk]))
    assert "0.0014 BNB" in page.content.decode()
    told = story_of("position", str(position.pk))
    assert ", besides 0.0014 BNB of fees;" in told.sentences[-1].text


def test_the_child_of_a_fired_stop_is_found_by_its_number_when_its_name_is_not_ours(desk: Desk) -> None:
    position = desk.filled()
    stop = desk.stop(position)
    desk.engine.set_price("BTCUSDT", D(90_000), 0)
    for order in desk.engine.account(desk.paper_name).orders.values():
        if order.client_order_id == stop.client_order_id:
            order.client_order_id = "given-by-the-venue"
    lookups.resolve(stop.pk)
    stop.refresh_from_db()
    assert (stop.status, stop.filled_quantity, state(position)) == ("filled", D("0.010"), ("closed", D(0)))


def test_a_fill_of_an_order_that_was_denied_counts(desk: Desk) -> None:
    """The exchange had said 'not executed', we called the order off, and it had worked after all."""
    position = desk.filled()
    (stop,) = orders.request_stop(position.pk, trigger_price=D(90_000))
    Order.objects.filter(pk=stop.pk).update(status="denied")
    sold = {"side": Side.SELL, "exchange_order_id": "5"}
    apply_fill(desk.account.pk, fill(stop, "0.004", "1", **sold))
    stop.refresh_from_db()
    assert (stop.status, stop.filled_quantity, state(position)) == (
        "denied",
        D("0.004"),
        ("open", D("0.006")),
    )
    apply_fill(desk.account.pk, fill(stop, "0.006", "2", **sold))
    stop.refresh_from_db()
    assert (stop.status, state(position)) == ("filled", ("closed", D(0)))


@pytest.mark.parametrize("end", [ReportStatus.CANCELED, ReportStatus.EXPIRED, ReportStatus.REJECTED])
def test_an_order_held_for_not_sent_may_have_ended(desk: Desk, end: ReportStatus) -> None:
    position = desk.open()
    entry = desk.order(position, "entry")
    apply_report(desk.account.pk, report(entry, end))
    entry.refresh_from_db()
    assert (entry.status, state(position)) == (end.value, ("closed", D(0)))
