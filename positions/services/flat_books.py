"""What our rows say of an account that is to be flat: what is still there, and what keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from exchanges.types import OrderReport, PositionSide
from positions import formats
from positions.canary_models import CanaryOrder
from positions.flatness import LISTING_LAGS, Books, Leg
from positions.lifecycle import DONE, OrderPurpose, OrderStatus, PositionStatus
from positions.models import Order, Position

WHY = {
    OrderStatus.INITIALIZED: "waits to be sent",
    OrderStatus.SUBMITTED: "was sent, and what became of it is not known yet",
    OrderStatus.PENDING_CANCEL: "its cancel is on its way",
    OrderStatus.TRIGGERED: "has fired",
}
MOVED = "it moved while the exchange was asked"


def books_of(account_id: int, asked_at: datetime, listed: Iterable[OrderReport] = ()) -> Books:
    """What changed since the question is none of its answer."""
    live = live_positions([account_id]).select_related("instrument")
    names = [one.client_order_id for one in listed]
    trials = dict.fromkeys(_trials(account_id), "a trial order, it is taken back")
    return Books(
        legs={_leg(position): _why_open(position) for position in live},
        orders=_moved(account_id, asked_at) | _pending(account_id) | trials,
        known_orders={*known_orders(account_id, names).values_list("client_order_id", flat=True), *trials},
        just_closed=_just_closed(account_id, asked_at),
    )


def live_positions(accounts: Iterable[int]) -> QuerySet[Position]:
    return Position.objects.filter(account__in=accounts, is_live=True).order_by("pk")


def pending_orders(accounts: Iterable[int]) -> QuerySet[Order]:
    return Order.objects.filter(account__in=accounts).exclude(status__in=DONE).order_by("created_at")


def _trials(account_id: int) -> Iterable[str]:
    return CanaryOrder.objects.filter(run__account=account_id, ended_at=None).values_list("name", flat=True)


def known_orders(account_id: int, names: Iterable[str]) -> QuerySet[Order]:
    return Order.objects.filter(account=account_id, client_order_id__in=names)


def _leg(position: Position) -> Leg:
    return position.instrument.symbol, PositionSide(position.position_side)


def _why_open(position: Position) -> str:
    closes = Order.objects.filter(position=position, purpose=OrderPurpose.CLOSE).order_by("-generation")
    last = closes.first()
    if position.close_again_at is not None and last is not None:
        return (
            f"its close was refused ({last.reason}); asked again at {formats.moment(position.close_again_at)}"
        )
    if position.status == PositionStatus.CLOSING and last is not None:
        reason = f": {last.reason}" if last.reason else ""
        return f"its close order is {last.status}{reason}"
    return "its close is asked for"


def _pending(account_id: int) -> dict[str, str]:
    return {order.client_order_id: _why_pending(order) for order in pending_orders([account_id])}


def _why_pending(order: Order) -> str:
    if order.purpose == OrderPurpose.PROTECT and order.status == OrderStatus.ACCEPTED:
        return "the stop stands until its position is flat"
    why = WHY.get(OrderStatus(order.status), f"is {order.status}")
    return f"{why}: {order.reason}" if order.reason else why


def _moved(account_id: int, asked_at: datetime) -> dict[str, str]:
    moved = Order.objects.filter(account=account_id, updated_at__gte=asked_at)
    return dict.fromkeys(moved.values_list("client_order_id", flat=True), MOVED)


def _just_closed(account_id: int, asked_at: datetime) -> set[Leg]:
    lately = Q(closed_at__gte=asked_at - LISTING_LAGS)
    return {
        _leg(one) for one in Position.objects.filter(lately, account=account_id).select_related("instrument")
    }
