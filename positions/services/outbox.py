"""Where orders become rows, and the hints that wake their sender. The row is the truth, a hint may get lost."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.db.models import Max

from exchanges.switch import switch_of
from exchanges.types import Book, OrderType, PositionSide, PriceKind, TimeInForce
from positions import broadcast
from positions.lifecycle import OrderPurpose
from positions.models import Order, Position
from positions.terms import MARKET, Terms

logger = logging.getLogger(__name__)

PREFIX = "tb-"


def client_order_id(token: str, purpose: OrderPurpose, generation: int, part: int = 1) -> str:
    """A function of what the order is for, never of the moment; at most 32 characters."""
    of_several = f"-{part}" if part > 1 else ""
    return f"{PREFIX}{token}-{purpose.value[0]}{generation}{of_several}"


def add_order(
    position: Position,
    purpose: OrderPurpose,
    quantity: Decimal,
    terms: Terms = MARKET,
    *,
    is_first: bool = False,
    level: int | None = None,
) -> Order:
    """Insert the next generation; the caller holds the position's lock. Sent after commit."""
    generation = 1 if is_first else _next_generation(position, purpose)
    return _insert(position, purpose, quantity, terms, generation=generation, level=level)


def add_parts(
    position: Position, purpose: OrderPurpose, quantities: Sequence[Decimal], terms: Terms
) -> list[Order]:
    """The same for a generation of several orders that are one thing together."""
    generation = _next_generation(position, purpose)
    return [
        _insert(position, purpose, quantity, terms, generation=generation, part=part)
        for part, quantity in enumerate(quantities, 1)
    ]


def _insert(
    position: Position,
    purpose: OrderPurpose,
    quantity: Decimal,
    terms: Terms,
    *,
    generation: int,
    part: int = 1,
    level: int | None = None,
) -> Order:
    leg = PositionSide(position.position_side)
    is_entry = purpose is OrderPurpose.ENTRY
    order = Order.objects.create(
        account_id=position.account_id,
        position=position,
        symbol=position.instrument.exchange_symbol,
        side=leg.entry_side if is_entry else leg.exit_side,
        quantity=quantity,
        position_idx=position.position_idx,
        reduce_only=not is_entry,
        purpose=purpose,
        generation=generation,
        part=part,
        level=level,
        order_type=terms.order_type,
        price=terms.price,
        trigger_price=terms.trigger_price,
        callback_rate=terms.callback_rate,
        activation_price=terms.activation_price,
        trigger_by=terms.trigger_by,
        time_in_force=terms.time_in_force,
        expires_at=terms.expires_at,
        client_order_id=client_order_id(position.token, purpose, generation, part),
        book=Book.ALGO if terms.order_type.is_conditional else Book.PLAIN,
        epoch=switch_of(position.account_id).epoch if is_entry else 0,
    )
    hint("positions.tasks.submit_order", order.pk, queue="orders")
    broadcast.order_changed(order.pk)
    return order


def terms_of(order: Order) -> Terms:
    return Terms(
        order_type=OrderType(order.order_type),
        price=order.price,
        trigger_price=order.trigger_price,
        callback_rate=order.callback_rate,
        activation_price=order.activation_price,
        trigger_by=PriceKind(order.trigger_by),
        time_in_force=TimeInForce(order.time_in_force) if order.time_in_force else None,
        expires_at=order.expires_at,
    )


def _next_generation(position: Position, purpose: OrderPurpose) -> int:
    made = Order.objects.filter(position=position, purpose=purpose).aggregate(last=Max("generation"))
    return (made["last"] or 0) + 1


def hint(task: str, pk: int | UUID, *, queue: str) -> None:
    """After commit, ask a worker to look at a row now. A sweep finds the row when this fails."""

    def send() -> None:
        try:
            current_app.send_task(task, args=[str(pk)], queue=queue, retry=False, ignore_result=True)
        except Exception as error:
            logger.warning(
                "hint %s for %s was lost (%s); the sweep will find it", task, pk, type(error).__name__
            )

    transaction.on_commit(send)
