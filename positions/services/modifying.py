"""Another stop or take-profit for a position, named by any of its orders."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from exchanges.types import Book, OrderType
from positions.lifecycle import OrderPurpose, OrderStatus, PositionStatus
from positions.models import Order, Position
from positions.services import amending, expiring, ladder
from positions.services.closing import call_off, lock_position, pending_orders
from positions.services.placing import OrderRefused, deciding_price_of, insert, mark_of
from positions.services.sweeping import for_each
from positions.terms import Terms
from trailing.services import move_stop

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Modified:
    """The stop that now counts, and the order that carries the take-profit, of what was asked for."""

    stop_price: Decimal | None
    take_profit_order_id: UUID | None


def modify_order(
    order_id: UUID | str, *, stop_loss: Decimal | None = None, take_profit: Decimal | None = None
) -> Modified:
    """Both or nothing. A stop is never loosened: one further from the market than the standing one is refused, as is a
    take-profit the market has reached. Raises OrderRefused."""
    position_id = Order.objects.values_list("position_id", flat=True).get(pk=order_id)
    mark_price = None if take_profit is None else mark_of(position_id)
    deciding_price = None if stop_loss is None else deciding_price_of(position_id)
    with transaction.atomic():
        position = lock_position(position_id)
        target = None if take_profit is None else _place_target(position, take_profit, mark_price)
        if stop_loss is not None:
            _move_stop(position, stop_loss, deciding_price)
    return Modified(stop_loss, target)


def _move_stop(position: Position, stop_loss: Decimal, price: Decimal | None) -> None:
    if refusal := move_stop(position, stop_loss, judged_at(position, price)):
        raise OrderRefused(refusal)


def judged_at(position: Position, price: Decimal | None) -> Decimal | None:
    """While a limit entry waits, the stop must be right for the price it waits for."""
    waiting = pending_orders(position).filter(purpose=OrderPurpose.ENTRY, price__isnull=False)
    entry_price = waiting.values_list("price", flat=True).first() if position.opened_at is None else None
    return entry_price or price


def _place_target(position: Position, price: Decimal, mark_price: Decimal | None) -> UUID:
    """The standing one is taken back when the new one is confirmed."""
    newest = _targets(position).order_by("-generation").first()
    if newest is not None and _is_for(newest, position, price):
        return newest.pk
    terms = Terms(OrderType.TAKE_PROFIT_MARKET, trigger_price=price)
    placed = insert(position, OrderPurpose.TAKE_PROFIT, position.quantity, terms, mark_price)
    for unsent in _targets(position).filter(status=OrderStatus.INITIALIZED).exclude(pk=placed.pk):
        call_off(unsent, "replaced by a newer take-profit")
    return placed.pk


def _targets(position: Position) -> QuerySet[Order]:
    return pending_orders(position).filter(purpose=OrderPurpose.TAKE_PROFIT, book=Book.ALGO)


def _is_for(order: Order, position: Position, price: Decimal) -> bool:
    left = order.quantity - order.filled_quantity
    is_kept = order.status != OrderStatus.PENDING_CANCEL
    return bool(is_kept and order.trigger_price == price and left == position.quantity)


def refit_target(position_id: int) -> None:
    """What is held has changed: the take-profit follows, at its price, where the market lets it."""
    try:
        _refit(position_id)
    except OrderRefused as refusal:
        logger.info("the take-profit of position %s stays as it is: %s", position_id, refusal)


def _refit(position_id: int) -> None:
    mark_price = mark_of(position_id)
    with transaction.atomic():
        position = lock_position(position_id)
        standing = _targets(position).filter(status=OrderStatus.ACCEPTED).order_by("-generation").first()
        under_way = _targets(position).filter(status__in=(OrderStatus.INITIALIZED, OrderStatus.SUBMITTED))
        if position.status != PositionStatus.OPEN or standing is None or under_way.exists():
            return
        if standing.trigger_price is not None and standing.quantity != position.quantity > 0:
            _place_target(position, standing.trigger_price, mark_price)


def refit_targets(now: datetime) -> int:
    """The net under the hints."""
    misfits = Order.objects.filter(
        position__status=PositionStatus.OPEN,
        purpose=OrderPurpose.TAKE_PROFIT,
        book=Book.ALGO,
        status=OrderStatus.ACCEPTED,
        updated_at__lte=now,
    ).exclude(quantity=F("position__quantity"))
    found = sorted(set(misfits.values_list("position_id", flat=True)[:200]))
    return for_each(found, refit_target, "the take-profit of position %s could not follow")


def tend_waiting(now: datetime) -> int:
    """Everything that orders waiting for a price need from time to time."""
    return expiring.expire_due(now) + amending.amend_due(now) + refit_targets(now) + ladder.check_ladders(now)
