"""What follows for the position when one of its orders moved; call with the position locked."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone

from exchanges.types import Book, FillReport, PositionSide
from exchanges.venues.names import is_by_hand
from positions.cover import ABSENT, is_complete, pending_stops
from positions.formats import words
from positions.lifecycle import (
    DONE,
    STANDING,
    CloseReason,
    OrderPurpose,
    OrderStatus,
    PositionEvent,
    PositionStatus,
    next_position_status,
)
from positions.models import Order, Position
from positions.patience import TOO_FAR
from positions.services import events, holdings, levels
from positions.services.closing import (
    RESTING,
    call_off,
    close_what_is_left,
    pending_orders,
    reopen_after_refused_close,
    settle_close,
    settle_when_quiet,
    stop_reason,
)
from positions.services.covering import note_cover, note_new_stop
from positions.services.outbox import hint
from positions.stops import best, surplus
from trailing.models import TrailingStop
from trailing.rows import plan_of

MAX_CLOSES = 5
CHECK_LADDER = "positions.tasks.check_partial_tp"
_REASON_OF_AN_EXIT = {
    OrderPurpose.TAKE_PROFIT: CloseReason.TAKE_PROFIT,
    OrderPurpose.REDUCE: CloseReason.MANUAL,
    OrderPurpose.BACKSTOP: CloseReason.EXCHANGE_TRAILING,
}


def follow(position: Position, order: Order) -> None:
    if order.level is not None:
        _level_moved(position, order, order.level)
    if position.status == PositionStatus.CLOSED:
        _after_the_end(position, order)
    elif position.quantity == 0 and position.opened_at is not None:
        settle_when_quiet(position, _reason_of(position, order))
    elif order.purpose == OrderPurpose.ENTRY:
        _after_entry(position, order)
    elif order.purpose == OrderPurpose.CLOSE:
        _after_close(position, order)
    elif order.purpose == OrderPurpose.PROTECT:
        _after_protect(position, order)
    elif order.purpose == OrderPurpose.BACKSTOP:
        _after_backstop(position, order)
    else:
        _after_part(position, order)


def _level_moved(position: Position, order: Order, level: int) -> None:
    if levels.note(position.pk, level):
        for surplus in pending_orders(position).filter(level=level).select_for_update():
            call_off(surplus, "its level is sold")
    elif order.status in DONE:
        hint(CHECK_LADDER, position.pk, queue="orders")


def _after_the_end(position: Position, order: Order) -> None:
    """A request whose outcome was unknown when the position ended turns out to have arrived."""
    if order.status in (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED):
        call_off(order, "position is closed")


def _reason_of(position: Position, order: Order) -> CloseReason:
    if position.close_reason:
        return CloseReason(position.close_reason)
    return _REASON_OF_AN_EXIT.get(OrderPurpose(order.purpose)) or stop_reason(position)


def _after_entry(position: Position, order: Order) -> None:
    if position.status == PositionStatus.CLOSING and order.status in RESTING:
        call_off(order, "position is being closed")  # it was on its way when the close was asked for
    if order.filled_quantity > 0:
        _entry_filled(position)
    elif order.status in DONE and position.quantity == 0:
        settle_close(position, reason=CloseReason.NEVER_OPENED)
    if order.status in DONE and position.status == PositionStatus.OPEN and levels.has_ladder(position):
        hint(CHECK_LADDER, position.pk, queue="orders")


def _entry_filled(position: Position) -> None:
    position.status = next_position_status(position.status, PositionEvent.ENTRY_FILLED)
    if position.opened_at is None:
        position.opened_at = position.unprotected_since = timezone.now()
    position.save(update_fields=["status", "opened_at", "unprotected_since", "updated_at"])
    if position.status == PositionStatus.CLOSING:
        close_what_is_left(position)
    else:
        _quantity_changed(position)


def _quantity_changed(position: Position) -> None:
    """Stop and take-profit follow. Until a larger stop stands, what was added is not protected."""
    note_cover(position)
    hint("trailing.tasks.protect", position.pk, queue="trailing")
    if _targets(position).exists():
        hint("positions.tasks.refit_target", position.pk, queue="orders")


def _targets(position: Position) -> QuerySet[Order]:
    return pending_orders(position).filter(purpose=OrderPurpose.TAKE_PROFIT, book=Book.ALGO)


def _after_part(position: Position, order: Order) -> None:
    """A part or a take-profit. The stop's quantity must follow what it sold."""
    is_plain = order.book == Book.PLAIN
    if position.status == PositionStatus.CLOSING:
        if is_plain and order.status in RESTING:
            call_off(order, "position is being closed")
        elif order.status in DONE:
            close_what_is_left(position)
        return
    if order.status == OrderStatus.ACCEPTED and not is_plain:
        _target_confirmed(position, order)
    if order.filled_quantity > 0:
        _quantity_changed(position)
    elif order.status == OrderStatus.REJECTED and not order.reason.startswith(TOO_FAR):
        events.record(
            "part_refused", "high", account_id=position.account_id, position_id=position.pk,
            order=order.client_order_id, reason=order.reason,
        )  # fmt: skip


def _target_confirmed(position: Position, order: Order) -> None:
    if _targets(position).filter(status__in=STANDING, generation__gt=order.generation).exists():
        call_off(order, "a newer take-profit already stands")
        return
    for replaced in _targets(position).filter(generation__lt=order.generation).select_for_update():
        call_off(replaced, "replaced by a newer take-profit")


def _after_close(position: Position, order: Order) -> None:
    if order.status not in DONE or position.status != PositionStatus.CLOSING:
        return
    _count_refusal(position, order)
    if position.close_refusals == 0 or _may_ask_at_once(position, order):
        close_what_is_left(position)
    else:
        reopen_after_refused_close(position)
        _tell_of_refusal(position, order)


def _count_refusal(position: Position, order: Order) -> None:
    known = position.close_refusals
    position.close_refusals = 0 if order.filled_quantity > 0 else known + 1
    if position.close_refusals != known:
        position.save(update_fields=["close_refusals", "updated_at"])


def _may_ask_at_once(position: Position, order: Order) -> bool:
    """A close that never arrived, or that the venue gave back, is asked for again, as a new row."""
    given_back = order.status in (OrderStatus.EXPIRED, OrderStatus.CANCELED)
    return (given_back or order.reason.startswith(ABSENT)) and position.close_refusals < MAX_CLOSES


def _tell_of_refusal(position: Position, order: Order) -> None:
    """At the first, and at every fifth in a row."""
    refused = position.close_refusals
    if refused == 1 or refused % MAX_CLOSES == 0:
        events.record(
            "close_refused", "high" if refused < MAX_CLOSES else "critical", account_id=position.account_id,
            position_id=position.pk, reason=order.reason, refused=refused, again_at=position.close_again_at,
        )  # fmt: skip


def _after_protect(position: Position, order: Order) -> None:
    is_best = _call_off_surplus(position, order)
    if order.status == OrderStatus.ACCEPTED:
        if is_best and is_complete(order):
            _stop_confirmed(position, order)
    elif order.status in DONE and not note_cover(position) and _had_stood(order):
        # one that was refused when it was to be placed is asked for again by the sweep, not in a hot loop
        hint("trailing.tasks.protect", position.pk, queue="trailing")


def _call_off_surplus(position: Position, order: Order) -> bool:
    """Stops that another one replaces, and those that can become none. Returns whether this order stays."""
    side = PositionSide(position.position_side)
    keys = {one.key for one in surplus(side, position.quantity, pending_stops(position.pk))}
    why = _why_replaced(position) if keys else ""
    for replaced in pending_orders(position).filter(pk__in=keys).select_for_update():
        # the caller's copy of its own order must know
        call_off(order if replaced.pk == order.pk else replaced, why)
    return order.pk not in keys


def _why_replaced(position: Position) -> str:
    """Which of its rules wished for the stop that stands now."""
    wished = TrailingStop.objects.filter(pk=position.pk).values_list("stop_reason", flat=True).first()
    return f"replaced · {words(wished)}" if wished else "a better stop stands"


def _had_stood(order: Order) -> bool:
    """Also one that fired and was refused only then."""
    return order.status != OrderStatus.REJECTED or order.stood_at is not None


def _stop_confirmed(position: Position, order: Order) -> None:
    note_new_stop(position)
    if _is_overtaken(position, order) or plan_of(position).backstop is not None:
        hint("trailing.tasks.protect", position.pk, queue="trailing")


def _is_overtaken(position: Position, order: Order) -> bool:
    """Executions or prices went on while it was on its way, when no other stop is begun."""
    stop = best(PositionSide(position.position_side), position.quantity, pending_stops(position.pk))
    wished = TrailingStop.objects.filter(pk=position.pk).values_list("stop_price", flat=True).first()
    return stop is None or stop.left != position.quantity or wished != order.trigger_price


def _after_backstop(position: Position, order: Order) -> None:
    """The stop stands whatever becomes of it. What it sold without ending the position, the stop must fit."""
    if order.status == OrderStatus.REJECTED:
        events.record(
            "backstop_refused", "medium", account_id=position.account_id, position_id=position.pk,
            order=order.client_order_id, reason=order.reason,
        )  # fmt: skip
    if order.status in DONE and position.status == PositionStatus.OPEN:
        _quantity_changed(position)


def lock_leg_of(account_id: int, exchange_symbol: str, fill: FillReport) -> Position | None:
    """An execution older than the position belongs to an earlier one, an exit before anything could be held to
    somebody else."""
    legs = Position.objects.select_for_update(of=("self",)).select_related("instrument")
    leg = {"position_side": fill.position_side} if fill.position_side else {"position_idx": 0}
    begun = legs.filter(
        **leg,
        account_id=account_id,
        instrument__exchange_symbol=exchange_symbol,
        created_at__lte=fill.at + holdings.CLOCK_MARGIN,
    )
    live = begun.filter(is_live=True).first()
    if live is None:
        return _ended_without(begun, fill)
    return None if _has_nothing_to_sell(live, fill) else live


def _has_nothing_to_sell(position: Position, fill: FillReport) -> bool:
    leg = PositionSide(position.position_side)
    if fill.side is not leg.exit_side or position.quantity > 0 or position.opened_at is not None:
        return False
    entries = Order.objects.filter(position=position, purpose=OrderPurpose.ENTRY)
    return not entries.exclude(status__in=(OrderStatus.INITIALIZED, OrderStatus.DENIED)).exists()


def _ended_without(legs: QuerySet[Position], fill: FillReport) -> Position | None:
    """It was found gone, and what ended it is told only now."""
    ended = legs.filter(opened_at__isnull=False, closed_at__gte=fill.at).order_by("-closed_at").first()
    if ended is None or not holdings.misses(ended, fill.side, fill.quantity, fill.at):
        return None
    return ended


def follow_foreign_fill(position: Position, fill: FillReport) -> None:
    if position.status == PositionStatus.CLOSED:
        return  # only its figures were missing
    if position.quantity == 0 and position.opened_at is not None:
        settle_when_quiet(position, reason_of_foreign(fill))
    else:
        follow_quantity(position)


def follow_quantity(position: Position) -> None:
    """It changed without an order of ours. What is held is protected, although our own entry may still wait."""
    if position.opened_at is None and position.quantity > 0:
        _entry_filled(position)
    elif position.status == PositionStatus.OPEN:
        _quantity_changed(position)


def reason_of_foreign(fill: FillReport) -> CloseReason:
    if fill.forced:
        return CloseReason(fill.forced.value)
    return CloseReason.MANUAL if is_by_hand(fill.client_order_id) else CloseReason.EXTERNAL
