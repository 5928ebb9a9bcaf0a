"""THE DOOR. request_close asks, settle_close records; nothing else ends a position."""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from exchanges.models import Instrument
from exchanges.types import Book
from positions import broadcast
from positions.lifecycle import (
    DONE,
    CloseReason,
    OrderEvent,
    OrderPurpose,
    OrderStatus,
    PositionEvent,
    PositionStatus,
    next_order_status,
    next_position_status,
)
from positions.models import ArbitrageTrade, Fill, Order, Position
from positions.patience import pause_after
from positions.services import events, levels
from positions.services.outbox import add_order, hint
from positions.sizing import floor_to
from trailing.engine import StopReason
from trailing.models import TrailingStop

logger = logging.getLogger(__name__)

OVER = "its time was over"
# a cancel that takes longer does not keep the rest from being closed
LEAVES_WITHIN = timedelta(seconds=5)
RESTING = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)
PARTS = (OrderPurpose.REDUCE, OrderPurpose.TAKE_PROFIT)
STOPPED_BY = {
    StopReason.STOP_LOSS: CloseReason.STOP_LOSS,
    StopReason.BREAKEVEN: CloseReason.BREAKEVEN,
    StopReason.PROFIT_LOCK: CloseReason.PROFIT_LOCK,
    StopReason.AFTER_LEVEL: CloseReason.AFTER_LEVEL,
    StopReason.TRAILING: CloseReason.TRAILING_STOP,
    StopReason.BY_HAND: CloseReason.STOP_LOSS,
    StopReason.OPPOSITE: CloseReason.BREAKEVEN,
}
BY_A_PERSON = (CloseReason.MANUAL, CloseReason.KILL_SWITCH)
REQUESTABLE = (PositionStatus.OPENING, PositionStatus.OPEN)


def lock_position(position_id: int) -> Position:
    """Locks the position row only; its account is locked before it by those who need both."""
    return Position.objects.select_for_update(of=("self",)).select_related("instrument").get(pk=position_id)


@transaction.atomic
def request_close(position_id: int, *, reason: CloseReason, requested_by: str) -> UUID | None:
    """Ask for the position to be closed at market. None: someone was first, or nothing had been sent yet.

    The stop stays on the exchange until the position is flat. Whoever wished it first is remembered, also while the
    exchange refuses: then nobody asks before the pause is over.
    """
    position = lock_position(position_id)
    if position.status not in REQUESTABLE or must_wait(position) or _is_a_persons(position, reason):
        return None
    position.status = next_position_status(position.status, PositionEvent.CLOSE_REQUESTED)
    if not is_unwanted(position):
        position.close_reason, position.close_requested_by = reason, requested_by[:100]
    position.save(update_fields=["status", "close_reason", "close_requested_by", "updated_at"])
    broadcast.position_changed(position.pk)
    return _first_close_step(position)


def _is_a_persons(position: Position, reason: CloseReason) -> bool:
    """Handed over: only a person closes it, by its own page or with everything else."""
    return position.handed_over_at is not None and reason not in BY_A_PERSON


def is_unwanted(position: Position) -> bool:
    """Somebody wished it closed, and no order has done it yet."""
    return position.close_reason != ""


def must_wait(position: Position) -> bool:
    return position.close_again_at is not None and timezone.now() < position.close_again_at


def _first_close_step(position: Position) -> UUID | None:
    call_off_rivals(position)
    if position.quantity > 0:
        close = close_what_is_free(position)
        return close.pk if close else None
    if not entry_is_pending(position):
        settle_close(position, reason=CloseReason.NEVER_OPENED)
    return None  # the entry is under way: its fill brings the close order


def close_what_is_free(position: Position) -> Order | None:
    """As much as one order may sell; its end brings the next one. None: nothing is left that no other order may still
    sell, and that order's end brings the close."""
    free = position.quantity - promised(position)
    return add_order(position, OrderPurpose.CLOSE, _most_of(free, position.instrument)) if free > 0 else None


def _most_of(quantity: Decimal, instrument: Instrument) -> Decimal:
    if instrument.max_quantity is None:
        return quantity
    return min(quantity, floor_to(instrument.max_quantity, instrument.size_increment))


def close_what_is_left(position: Position) -> None:
    """What rivals that are being canceled still hold is closed with one order, when the last has ended."""
    if not (close_is_pending(position) or _are_leaving(position)):
        close_what_is_free(position)


def close_is_pending(position: Position) -> bool:
    return pending_orders(position).filter(purpose=OrderPurpose.CLOSE).exists()


def _are_leaving(position: Position) -> bool:
    asked_lately = Q(status=OrderStatus.PENDING_CANCEL, updated_at__gt=timezone.now() - LEAVES_WITHIN)
    return pending_orders(position).filter(asked_lately, purpose__in=PARTS, book=Book.PLAIN).exists()


def promised(position: Position) -> Decimal:
    """What parts and take-profits may still take: the exchange refuses two orders for the same quantity. A stop or
    target that waits for its price promises nothing."""
    waiting = Q(book=Book.ALGO) & ~Q(status=OrderStatus.TRIGGERED)
    exits = pending_orders(position).filter(purpose__in=PARTS).exclude(waiting)
    left = exits.aggregate(left=Sum(F("quantity") - F("filled_quantity")))["left"]
    return left or Decimal(0)


def entry_is_pending(position: Position) -> bool:
    return pending_orders(position).filter(purpose=OrderPurpose.ENTRY).exists()


def pending_orders(position: Position) -> QuerySet[Order]:
    return Order.objects.filter(position=position).exclude(status__in=DONE).order_by("created_at")


def call_off_rivals(position: Position) -> None:
    """The entry, and the exits that would compete with the close; stops and targets stand until it is flat."""
    rivals = Q(purpose=OrderPurpose.ENTRY) | Q(purpose__in=PARTS, book=Book.PLAIN)
    for order in pending_orders(position).filter(rivals).select_for_update():
        call_off(order, "position is being closed")


def call_off(order: Order, reason: str) -> None:
    """Deny what was not sent, cancel what works. What is maybe sent stays until its outcome is known."""
    if order.status == OrderStatus.INITIALIZED:
        order.status, order.reason = next_order_status(order.status, OrderEvent.DENIED), reason
        order.save(update_fields=["status", "reason", "updated_at"])
    elif order.status in (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED):
        order.status, order.reason = next_order_status(order.status, OrderEvent.CANCEL_REQUESTED), reason
        order.save(update_fields=["status", "reason", "updated_at"])
        hint("positions.tasks.cancel_order", order.pk, queue="orders")
    broadcast.order_changed(order.pk)


def settle_close(position: Position, *, reason: CloseReason | None = None) -> None:
    """Record that the position is flat. The caller holds its lock and has proof: fills, or a proven absence."""
    if position.status == PositionStatus.CLOSED:
        return
    opened = position.opened_at is not None
    position.status = next_position_status(
        position.status, PositionEvent.FLAT if opened else PositionEvent.NEVER_FILLED
    )
    position.close_reason = reason or position.close_reason or stop_reason(position)
    if not opened:  # what was taken for an exit of ours was somebody else's
        Fill.objects.filter(position=position, order=None).update(position=None)
    on_position_closed(position)
    levels.end(position.pk)
    for order in pending_orders(position).select_for_update():
        call_off(order, "position is closed")
    _record_end(position)


def on_position_closed(position: Position) -> None:
    """Named by a requirement document: the trailing state goes in the transaction that records the close. Should that
    fail, the close stands all the same where the database lets it (its guard refuses orphans), and a sweep heals."""
    try:
        with transaction.atomic():
            TrailingStop.objects.filter(position=position).delete()
    except DatabaseError as error:
        logger.warning("trailing state of position %s stays behind: %s", position.pk, type(error).__name__)
        events.record(
            "trailing_state_not_removed", "warning", account_id=position.account_id, position_id=position.pk
        )
    else:
        logger.debug("trailing state of position %s is gone", position.pk)


def settle_when_quiet(position: Position, reason: CloseReason) -> None:
    """Flat now, but what is left of the entry may still buy: it is called off, and its end ends the position."""
    if not entry_is_pending(position):
        settle_close(position, reason=reason)
        return
    if position.status == PositionStatus.OPEN:
        position.status = next_position_status(position.status, PositionEvent.CLOSE_REQUESTED)
        position.close_reason, position.close_requested_by = reason, "flat before its entry was done"
        position.save(update_fields=["status", "close_reason", "close_requested_by", "updated_at"])
        broadcast.position_changed(position.pk)
    call_off_rivals(position)


def stop_reason(position: Position) -> CloseReason:
    """Which candidate the stop was that fired."""
    reasons = TrailingStop.objects.filter(position=position).values_list("stop_reason", flat=True)
    return STOPPED_BY[StopReason(reasons.first() or StopReason.STOP_LOSS)]


def _record_end(position: Position) -> None:
    end_unprotected_time(position)
    position.quantity = Decimal(0)
    position.closed_at = timezone.now()
    position.absent_since = None
    position.save(
        update_fields=[
            "status",
            "close_reason",
            "quantity",
            "closed_at",
            "absent_since",
            "unprotected_since",
            "unprotected_seconds",
            "updated_at",
        ]
    )
    broadcast.position_changed(position.pk)
    _tell_its_pair(position)


def _tell_its_pair(position: Position) -> None:
    """Where it is a leg of an arbitrage trade, the other leg must go too."""
    legs = Q(long_position=position) | Q(short_position=position)
    for trade_id in ArbitrageTrade.objects.filter(legs, ended_at=None).values_list("pk", flat=True):
        hint("positions.tasks.tend_trade", trade_id, queue="orders")


def end_unprotected_time(position: Position) -> None:
    """Sets fields only; the caller saves them."""
    if position.unprotected_since is not None:
        elapsed = timezone.now() - position.unprotected_since
        position.unprotected_seconds += Decimal(str(round(max(elapsed.total_seconds(), 0), 3)))
        position.unprotected_since = None


def reopen_after_refused_close(position: Position) -> None:
    """The exchange refused the close: the position is still there and its stop still stands. The wish stays and is
    asked again (`insisting.py`), until the position is closed."""
    position.status = next_position_status(position.status, PositionEvent.CLOSE_REFUSED)
    position.close_again_at = timezone.now() + pause_after(position.close_refusals)
    position.save(update_fields=["status", "close_again_at", "updated_at"])
    broadcast.position_changed(position.pk)
