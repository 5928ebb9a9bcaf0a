"""Closing a part of a position at market: a ratio of what its entry bought, however much is left."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from positions.lifecycle import CloseReason, OrderPurpose, PositionStatus
from positions.models import Order, Position
from positions.parts import CloseAll, Holding, Reduce, part_of, quantity_of
from positions.services.closing import lock_position, promised, request_close
from positions.services.holdings import found_there
from positions.services.instruments import spec_of
from positions.services.placing import OrderRefused, insert, mark_of, part_is_pending
from positions.sizing import Skip
from positions.terms import MARKET


def close_position_partial(
    symbol: str, position_idx: int, close_ratio: Decimal, *, account_id: int | None = None
) -> UUID:
    """By the venue's symbol (BTCUSDT) and leg (1 long, 2 short). Returns the order's id; raises OrderRefused."""
    legs = Position.objects.filter(
        instrument__exchange_symbol=symbol, position_idx=position_idx, is_live=True
    )
    if account_id is not None:
        legs = legs.filter(account_id=account_id)
    found = list(legs.values_list("pk", flat=True)[:2])
    if len(found) != 1:
        several = "several accounts hold" if found else "there is no"
        raise OrderRefused(f"{several} position {position_idx} in {symbol}")
    return close_part(found[0], close_ratio, requested_by="close_position_partial")


def close_part(
    position_id: int,
    close_ratio: Decimal,
    *,
    requested_by: str,
    reason: CloseReason = CloseReason.MANUAL,
    is_last: bool = False,
) -> UUID:
    """Returns the id of the order that does it: a close when what stays would be too little to trade, and then
    `reason` is written down. Raises OrderRefused."""
    mark_price = mark_of(position_id)
    with transaction.atomic():
        position = free_to_reduce(position_id)
        price = mark_price or position.reference_price
        verdict = part_of(
            _holding(position), close_ratio, spec_of(position.instrument), price, is_last=is_last
        )
        return _carry_out(position, verdict, mark_price, reason, requested_by)


@transaction.atomic
def close_quantity(
    position_id: int, quantity: Decimal, mark_price: Decimal | None, *, requested_by: str
) -> UUID:
    """So much, rounded down to the step; as `close_part`. The caller asked for the price before its transaction."""
    position = free_to_reduce(position_id)
    price = mark_price or position.reference_price
    verdict = quantity_of(_holding(position), quantity, spec_of(position.instrument), price)
    return _carry_out(position, verdict, mark_price, CloseReason.MANUAL, requested_by)


def free_to_reduce(position_id: int) -> Position:
    """With its lock; raises OrderRefused while something else closes it, or a part of it."""
    position = lock_position(position_id)
    if position.status != PositionStatus.OPEN:
        raise OrderRefused(f"the position is {position.status}")
    if part_is_pending(position):
        raise OrderRefused("another part is already being closed")
    return position


def _carry_out(
    position: Position,
    verdict: Reduce | CloseAll | Skip,
    mark_price: Decimal | None,
    reason: CloseReason,
    requested_by: str,
) -> UUID:
    if isinstance(verdict, Reduce):
        return insert(position, OrderPurpose.REDUCE, verdict.quantity, MARKET, mark_price).pk
    if isinstance(verdict, CloseAll):
        return _close_all(position, reason, requested_by)
    raise OrderRefused(verdict.reason)


def _holding(position: Position) -> Holding:
    """What was found on the exchange without an entry of ours counts as bought."""
    entries = Order.objects.filter(position=position, purpose=OrderPurpose.ENTRY)
    bought = entries.aggregate(bought=Sum("filled_quantity"))["bought"]
    found = position.unexplained_quantity if bought else found_there(position)
    return Holding((bought or Decimal(0)) + max(found, Decimal(0)), position.quantity, promised(position))


def _close_all(position: Position, reason: CloseReason, requested_by: str) -> UUID:
    close = request_close(position.pk, reason=reason, requested_by=requested_by)
    if close is None:
        raise OrderRefused("the position is being closed")
    return close
