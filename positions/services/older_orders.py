"""Orders that an older bot left at the exchange for a position that was taken over from it: they would sell beside
ours, and after the position's end the next one of its contract. They are taken back when a listing shows our own stop
for all that is held, no worse than theirs; never before, and at the latest when the position is closed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from exchanges.models import ExchangeAccount
from exchanges.types import OrderReport, PositionSide
from positions.cover import pending_stops
from positions.lifecycle import PositionStatus
from positions.models import OlderOrder, Position
from positions.services import events, lookups
from positions.services.differences import CONFIRMED_AFTER, say_once
from positions.services.sweeping import for_each
from positions.stops import best, limits_loss


def remember(position: Position, orders: Iterable[OrderReport], market: Decimal) -> None:
    """In the transaction that takes the position over."""
    side = PositionSide(position.position_side)
    OlderOrder.objects.bulk_create(
        OlderOrder(
            account_id=position.account_id,
            position=position,
            exchange_order_id=order.exchange_order_id,
            client_order_id=order.client_order_id,
            stop_price=order.trigger_price if limits_loss(side, market, order.trigger_price) else None,
        )
        for order in orders
    )


def tend(
    account: ExchangeAccount, listed: Sequence[OrderReport], asked_at: datetime, protected: Collection[int]
) -> None:
    """`protected`: positions whose own stop the same answer shows, for all they hold."""
    left = OlderOrder.objects.filter(account=account, ended_at=None).select_related("position")
    orders = {one.pk: one for one in left.order_by("pk")}
    there = {one.exchange_order_id: one for one in listed} if orders else {}
    for_each(
        orders,
        lambda pk: _judge(account, orders[pk], there, asked_at, protected),
        "order %s of an older bot could not be looked after",
    )


def _judge(
    account: ExchangeAccount,
    order: OlderOrder,
    there: Mapping[str, OrderReport],
    asked_at: datetime,
    protected: Collection[int],
) -> None:
    report = there.get(order.exchange_order_id)
    if report is None:
        _missing(order, asked_at)
    elif order.position.status == PositionStatus.CLOSED or _is_replaced(order, protected):
        OlderOrder.objects.filter(pk=order.pk).update(
            taken_back_at=order.taken_back_at or timezone.now(), missing_since=None
        )
        lookups.cancel_left_over(account, report)
    else:
        say_once(account, "older_order_left", order=order, symbol=report.symbol, position=order.position_id)


def _is_replaced(order: OlderOrder, protected: Collection[int]) -> bool:
    position = order.position
    if position.pk not in protected:
        return False
    side = PositionSide(position.position_side)
    ours = best(side, position.quantity, pending_stops(position.pk))
    if ours is None or ours.trigger_price is None:
        return False
    return order.stop_price is None or (ours.trigger_price - order.stop_price) * side.sign >= 0


def _missing(order: OlderOrder, asked_at: datetime) -> None:
    known = OlderOrder.objects.filter(pk=order.pk)
    if order.missing_since is None:
        known.update(missing_since=asked_at)
    elif asked_at - order.missing_since >= CONFIRMED_AFTER:
        known.update(ended_at=timezone.now())
        events.record(
            "older_order_taken_back" if order.taken_back_at else "older_order_gone",
            "medium",
            account_id=order.account_id,
            position_id=order.position_id,
            order=order,
        )
