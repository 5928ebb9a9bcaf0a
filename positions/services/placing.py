"""Orders for a position that is held: a part of it, or a take-profit. Bad numbers make no row.

Entries are placed by open_position, the close by request_close, the stop by the trailing service.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from exchanges.marks import fresh_mark, fresh_price
from exchanges.types import OrderType, PositionSide
from positions.lifecycle import OrderPurpose, PositionStatus
from positions.models import Order, Position
from positions.services import levels
from positions.services.closing import is_unwanted, lock_position, pending_orders, promised
from positions.services.instruments import spec_of
from positions.services.outbox import add_order
from positions.terms import MARKET, Leg, Terms, objection_to_exit, objection_to_target
from trailing.rows import kind_of

PLACEABLE = {
    OrderPurpose.REDUCE: (OrderType.MARKET, OrderType.LIMIT),
    OrderPurpose.TAKE_PROFIT: (OrderType.LIMIT, OrderType.TAKE_PROFIT_MARKET),
}


HANDED_OVER = "the position was handed over: nothing of ours moves it"


class OrderRefused(Exception):
    """Nothing was asked of the exchange; the text says why."""


def place_order(position_id: int, purpose: OrderPurpose, quantity: Decimal, terms: Terms = MARKET) -> UUID:
    """Returns the order's id; it is sent after the commit. Raises OrderRefused."""
    mark_price = mark_of(position_id)
    with transaction.atomic():
        return insert(lock_position(position_id), purpose, quantity, terms, mark_price).pk


def mark_of(position_id: int) -> Decimal | None:
    """May use the network: never inside a transaction."""
    position = Position.objects.select_related("instrument").get(pk=position_id)
    return fresh_mark(position.account_id, position.instrument.exchange_symbol)


def deciding_price_of(position_id: int) -> Decimal | None:
    """The one its plan judges a stop by. May use the network: never inside a transaction."""
    position = Position.objects.select_related("instrument", "plan").get(pk=position_id)
    found = fresh_price(position.account_id, position.instrument.exchange_symbol, kind_of(position))
    return found.price if found else None


def insert(
    position: Position, purpose: OrderPurpose, quantity: Decimal, terms: Terms, mark_price: Decimal | None
) -> Order:
    """The caller holds the position's lock."""
    refusal = _not_now(position, purpose, terms) or _bad_numbers(
        position, purpose, quantity, terms, mark_price
    )
    if refusal:
        raise OrderRefused(refusal)
    return add_order(position, purpose, quantity, terms)


def _not_now(position: Position, purpose: OrderPurpose, terms: Terms) -> str | None:
    if terms.order_type not in PLACEABLE.get(purpose, ()):
        return f"a {purpose} order of type {terms.order_type} cannot be placed like this"
    if position.status != PositionStatus.OPEN:
        return f"the position is {position.status}"
    if position.handed_over_at is not None:
        return HANDED_OVER
    if is_unwanted(position):
        return "the position is to be closed"
    if purpose is OrderPurpose.REDUCE and part_is_pending(position):
        return "another part of this position is already being closed"
    return None


def part_is_pending(position: Position) -> bool:
    return pending_orders(position).filter(purpose=OrderPurpose.REDUCE).exists()


def _bad_numbers(
    position: Position, purpose: OrderPurpose, quantity: Decimal, terms: Terms, mark_price: Decimal | None
) -> str | None:
    leg = Leg(spec_of(position.instrument), PositionSide(position.position_side), mark_price, timezone.now())
    # a target in the conditional book waits beside the others and follows what is held
    is_conditional = terms.order_type.is_conditional
    if is_conditional and levels.are_at_work(position):
        return "the levels of its plan take the profit of this position"
    if is_conditional and quantity != position.quantity:
        return f"a {terms.order_type} order is for all that is held, {position.quantity:f}"
    free = position.quantity - (Decimal(0) if is_conditional else promised(position))
    wrong = objection_to_exit(terms, quantity, free, leg)
    return wrong or (objection_to_target(terms, leg) if purpose is OrderPurpose.TAKE_PROFIT else None)
