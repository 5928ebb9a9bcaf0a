"""What the exchange told us about orders and executions becomes rows; every report may come twice or late."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import Book, FillReport, OrderReport, PositionSide, ReportStatus, Side
from positions import broadcast
from positions.lifecycle import OrderEvent, OrderStatus, is_stale, next_order_status
from positions.models import Fill, Order, Position
from positions.services import consequences, events, holdings, stop_refusals
from positions.services.closing import lock_position
from positions.services.outbox import PREFIX

EVENTS = {
    ReportStatus.OPEN: OrderEvent.ACCEPTED,
    ReportStatus.TRIGGERED: OrderEvent.TRIGGERED,
    ReportStatus.PARTIALLY_FILLED: OrderEvent.PARTIALLY_FILLED,
    ReportStatus.FILLED: OrderEvent.FILLED,
    ReportStatus.CANCELED: OrderEvent.CANCELED,
    ReportStatus.EXPIRED: OrderEvent.EXPIRED,
    ReportStatus.REJECTED: OrderEvent.REJECTED,
}

# of an order that the exchange works or has worked, unless it only acknowledges it
STANDS = (ReportStatus.OPEN, ReportStatus.TRIGGERED, ReportStatus.PARTIALLY_FILLED, ReportStatus.FILLED)


def apply_report(account_id: int, report: OrderReport) -> None:
    with transaction.atomic():
        judged = _apply(account_id, report)
    if judged is not None:
        stop_refusals.told(judged)


def _apply(account_id: int, report: OrderReport) -> Order | None:
    """The order, when this is the first word of whether the exchange works it."""
    found = _lock_order(account_id, report)
    if found is None:
        _note_stranger(account_id, report.client_order_id, report.symbol)
        return None
    position, order = found
    known, had_stood, was_refused = _what_is_known(order), order.stood_at, _is_refused(order)
    if report.status in STANDS and not report.is_acknowledgement:
        order.stood_at = had_stood or timezone.now()
    _advance(position, order, report, known)
    is_judged = order.stood_at is not None or (_is_refused(order) and not was_refused)
    return order if had_stood is None and is_judged else None


def _is_refused(order: Order) -> bool:
    return bool(order.status == OrderStatus.REJECTED)


def _advance(position: Position, order: Order, report: OrderReport, known: tuple[object, ...]) -> None:
    event = _event_for(order, report)
    _take_ids(order, report)
    if is_stale(order.status, event):
        if _what_is_known(order) != known:
            order.save(update_fields=["exchange_order_id", "child_order_id", "stood_at", "updated_at"])
        return
    filled = _filled_by(order, report)
    holdings.explain(position, order.side, max(filled - order.filled_quantity, Decimal(0)), report.at)
    _learn(order, event, filled, report.average_price, report.reason)
    if _what_is_known(order) != known:
        _save_and_follow(position, order)


def _what_is_known(order: Order) -> tuple[object, ...]:
    """A report that adds nothing must not make the row look as if it had just moved: it is told every two seconds."""
    average = None if order.average_price is None else round(order.average_price, 8)  # as the column keeps it
    ids = order.exchange_order_id, order.child_order_id
    return order.status, order.filled_quantity, average, order.reason, order.answered_at, order.stood_at, ids


def _lock_order(account_id: int, told: OrderReport | FillReport) -> tuple[Position, Order] | None:
    """Position before order, always."""
    pk = find_order(account_id, told)
    if pk is None:
        return None
    order_pk, position_pk = pk
    position = lock_position(position_pk)
    return position, Order.objects.select_for_update().get(pk=order_pk)


def find_order(account_id: int, told: OrderReport | FillReport) -> tuple[UUID, int] | None:
    """(order, position) that a report is about. The venue's numbers repeat between contracts and between books."""
    known = Q(client_order_id=told.client_order_id) if told.client_order_id else Q(pk__in=[])
    if told.exchange_order_id:
        known |= _by_exchange_id(told) & Q(position__instrument__symbol=told.symbol)
    return Order.objects.filter(known, account_id=account_id).values_list("pk", "position_id").first()


def _by_exchange_id(told: OrderReport | FillReport) -> Q:
    book = told.book if isinstance(told, OrderReport) else Book.PLAIN
    same = Q(exchange_order_id=told.exchange_order_id, book=book)
    return same if book is Book.ALGO else same | Q(child_order_id=told.exchange_order_id)


def _note_stranger(account_id: int, client_order_id: str, symbol: str) -> None:
    if client_order_id.startswith(PREFIX):
        events.record(
            "order_without_row", "critical", account_id=account_id, order=client_order_id, symbol=symbol
        )


def _event_for(order: Order, report: OrderReport) -> OrderEvent:
    event = EVENTS[report.status]
    if order.book == Book.ALGO and report.book is Book.PLAIN and event is OrderEvent.ACCEPTED:
        return OrderEvent.TRIGGERED  # the child of a conditional order that fired
    return event


def _take_ids(order: Order, report: OrderReport) -> None:
    if report.book == order.book:
        order.exchange_order_id = report.exchange_order_id or order.exchange_order_id
    else:
        order.child_order_id = report.exchange_order_id or order.child_order_id
    order.child_order_id = report.child_order_id or order.child_order_id


def _filled_by(order: Order, report: OrderReport) -> Decimal:
    """A conditional order's own record shows no fills one can trust; its child's does. A venue may cut a reducing
    order to what is held: filled then means that much."""
    if report.book is Book.ALGO:
        return Decimal(0)
    whole: Decimal = order.quantity
    untold = report.status is ReportStatus.FILLED and not report.filled_quantity
    return whole if untold else min(report.filled_quantity, whole)


def _learn(
    order: Order, event: OrderEvent, filled: Decimal, average: Decimal | None = None, reason: str = ""
) -> None:
    order.status = next_order_status(order.status, event)
    order.filled_quantity = max(order.filled_quantity, filled)
    order.average_price = average or order.average_price
    order.reason = reason or order.reason
    order.answered_at = order.answered_at or timezone.now()
    if order.filled_quantity > 0:
        order.stood_at = order.stood_at or timezone.now()


def _save_and_follow(position: Position, order: Order) -> None:
    order.save(
        update_fields=[
            "status",
            "filled_quantity",
            "average_price",
            "reason",
            "answered_at",
            "stood_at",
            "exchange_order_id",
            "child_order_id",
            "updated_at",
        ]
    )
    holdings.refresh(position)
    consequences.follow(position, order)
    broadcast.order_changed(order.pk)
    broadcast.position_changed(position.pk)


@transaction.atomic
def apply_fill(account_id: int, fill: FillReport) -> bool:
    """Record one execution. False: it was already known."""
    found = _lock_order(account_id, fill)
    if found is None:
        return _apply_foreign_fill(account_id, fill)
    position, order = found
    if not _save_fill(account_id, position.instrument.exchange_symbol, fill, position, order):
        return False
    _advance_by_fills(position, order, fill.at)
    return True


def _advance_by_fills(position: Position, order: Order, at: datetime) -> None:
    total = Fill.objects.filter(order=order).aggregate(total=Sum("quantity"))["total"] or Decimal(0)
    filled = min(max(total, order.filled_quantity), order.quantity)
    holdings.explain(position, order.side, filled - order.filled_quantity, at)
    event = OrderEvent.FILLED if filled >= order.quantity else OrderEvent.PARTIALLY_FILLED
    if order.status == OrderStatus.FILLED:
        holdings.refresh(position)
        broadcast.position_changed(position.pk)
    else:
        _learn(order, event, filled)
        _save_and_follow(position, order)


def _save_fill(
    account_id: int, symbol: str, fill: FillReport, position: Position | None, order: Order | None
) -> bool:
    told = {
        "position": position,
        "order": order,
        "signal_id": position.signal_id if position else None,
        "exchange_order_id": fill.exchange_order_id,
        "client_order_id": fill.client_order_id or (order.client_order_id if order else ""),
        "side": fill.side,
        "position_side": _leg_of(fill, position),
        "quantity": fill.quantity,
        "price": fill.price,
        "fee": fill.fee,
        "fee_currency": fill.fee_currency,
        "realized_pnl": fill.realized_pnl,
        "forced": fill.forced or "",
        "executed_at": fill.at,
    }
    return Fill.objects.get_or_create(
        account_id=account_id, symbol=symbol, trade_id=fill.trade_id, defaults=told
    )[1]


def _leg_of(fill: FillReport, position: Position | None) -> str:
    """In one-way mode the position says it, and where there is none a fill opens its own side."""
    if position is not None:
        return str(position.position_side)
    opened = PositionSide.LONG if fill.side is Side.BUY else PositionSide.SHORT
    return fill.position_side or opened


def _apply_foreign_fill(account_id: int, fill: FillReport) -> bool:
    """Traded by a person, another program or the exchange itself (liquidation) on a leg we may hold."""
    symbol = _exchange_symbol(account_id, fill.symbol)
    position = consequences.lock_leg_of(account_id, symbol, fill)
    if not _save_fill(account_id, symbol, fill, position, None):
        return False
    _note_foreign_fill(account_id, fill, position)
    if position is not None:
        holdings.explain(position, fill.side, fill.quantity, fill.at)
        holdings.leave_to_others(position, fill.at)
        holdings.refresh(position)
        consequences.follow_foreign_fill(position, fill)
        broadcast.position_changed(position.pk)
    return True


def _exchange_symbol(account_id: int, symbol: str) -> str:
    venue = ExchangeAccount.objects.values_list("venue", flat=True).get(pk=account_id)
    return Instrument.objects.values_list("exchange_symbol", flat=True).get(venue=venue, symbol=symbol)


def _note_foreign_fill(account_id: int, fill: FillReport, position: Position | None) -> None:
    events.record(
        fill.forced or "foreign_fill",
        "critical" if fill.forced or position is None else "high",
        account_id=account_id,
        position_id=position.pk if position else None,
        symbol=fill.symbol,
        side=fill.side,
        quantity=fill.quantity,
        client_order_id=fill.client_order_id,
    )
