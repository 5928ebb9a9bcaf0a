"""The exchange's own trailing, where the plan asks for it: it goes on while all of ours is away.

It never stands for our stop. It comes after that is confirmed, for all that is held and once at a time: two could sell
more than either was meant to, and leave a rest that no stop fits. Where the quantity has changed the old one is taken
back first; our stop stands meanwhile.
"""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction
from django.db.models import F, QuerySet

from exchanges.types import PositionSide, PriceKind
from exchanges.venues.abilities import TRAILS_BY_PERCENT
from positions.cover import pending_stops, stop_shares, was_just_refused
from positions.lifecycle import DONE, OrderPurpose, OrderStatus, PositionStatus
from positions.models import Order, Position, RiskEvent
from positions.patience import LATER
from positions.services import events
from positions.services.closing import call_off, entry_is_pending, lock_position, pending_orders
from positions.services.outbox import add_order
from positions.services.placing import mark_of
from positions.stops import best
from positions.terms import Terms
from trailing.engine import Entry

NOT_OFFERED = "backstop_not_offered"
RESTING = (OrderStatus.INITIALIZED, OrderStatus.ACCEPTED)


def keep_backstop(position: Position, entry: Entry, wished: Terms) -> None:
    """Make sure that one for all the position holds is on the exchange or on its way there."""
    if not _is_missing(position):
        return
    venue = position.instrument.venue
    if venue not in TRAILS_BY_PERCENT:
        _tell_once(position, f"{venue} has no order that trails by a percent of the price")
        return
    terms = _startable(position.pk, entry, wished)
    with transaction.atomic():
        position = lock_position(position.pk)
        if _is_missing(position) and _has_made_room(position):
            add_order(position, OrderPurpose.BACKSTOP, position.quantity, terms)


def _tell_once(position: Position, reason: str) -> None:
    known = RiskEvent.objects.filter(event_type=NOT_OFFERED, position_id=str(position.pk))
    if not known.exists():
        events.record(
            NOT_OFFERED, "medium", account_id=position.account_id, position_id=position.pk, reason=reason
        )


def _startable(position_id: int, entry: Entry, wished: Terms) -> Terms:
    """The exchange refuses an activation price that was reached; without one it starts at once."""
    if wished.activation_price is None:
        return wished
    starts_at = entry.towards_market(wished.activation_price)
    price = mark_of(position_id) if wished.trigger_by is PriceKind.MARK else None
    is_reached = price is not None and entry.has_reached(price, starts_at)
    return replace(wished, activation_price=None if is_reached else starts_at)


def _is_missing(position: Position) -> bool:
    if position.handed_over_at is not None:
        return False
    if position.status != PositionStatus.OPEN or entry_is_pending(position) or not _has_its_stop(position):
        return False
    if len(stop_shares(position)) > 1:
        return False  # it is one order, and one may not sell so much
    if _for_what_is_held(position, _pending(position)).exists():
        return False
    # the exchange may have no room for it now; the stop must not wait behind such questions
    return not was_just_refused(position, OrderPurpose.BACKSTOP, LATER)


def _has_its_stop(position: Position) -> bool:
    stop = best(PositionSide(position.position_side), position.quantity, pending_stops(position.pk))
    return stop is not None and stop.waits and stop.left == position.quantity


def _for_what_is_held(position: Position, orders: QuerySet[Order]) -> QuerySet[Order]:
    return orders.alias(left=F("quantity") - F("filled_quantity")).filter(left=position.quantity)


def _pending(position: Position) -> QuerySet[Order]:
    return pending_orders(position).filter(purpose=OrderPurpose.BACKSTOP)


def _has_made_room(position: Position) -> bool:
    """One for another quantity is called off. Its end brings the next one, unless it was never sent."""
    old = _pending(position).select_for_update().first()
    if old is not None and old.status in RESTING:
        call_off(old, "what is held has changed")
    return old is None or old.status in DONE
