"""Which stops count as protection. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby, takewhile
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from exchanges.models import AccountWatch
from exchanges.types import PositionSide
from positions.lifecycle import PENDING, STANDING, OrderPurpose, OrderStatus
from positions.models import Order, Position
from positions.patience import SOON, Pause
from positions.stops import StopOrder, on_step, shares

# a stop that fired sells within moments; one that is still at it after that is no protection
FIRES_WITHIN = timedelta(seconds=10)
ABSENT = "proven absent"
_FIRED = (OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)
_ON_THE_WAY = (OrderStatus.INITIALIZED, OrderStatus.SUBMITTED)
_TRIES_LOOKED_AT = 8
_LEFT = F("quantity") - F("filled_quantity")


def standing_stops(fired_after: datetime | None = None) -> QuerySet[Order]:
    """Confirmed and not called off; of those that fired only the ones that did after that moment."""
    since = fired_after or timezone.now() - FIRES_WITHIN
    stops = Order.objects.filter(purpose=OrderPurpose.PROTECT, status__in=STANDING)
    return stops.exclude(status__in=_FIRED, updated_at__lte=since)


def whole_stops(fired_after: datetime | None = None) -> QuerySet[Order, Any]:
    """Of these, the ones for all that their position holds; the orders of one generation are one stop."""
    together = standing_stops(fired_after).values("position", "generation").annotate(left=Sum(_LEFT))
    return together.filter(left__gte=F("position__quantity"))


def uncovered(positions: QuerySet[Position], fired_after: datetime | None = None) -> QuerySet[Position]:
    """Those that no standing stop would sell whole."""
    whole = whole_stops(fired_after).filter(position=OuterRef("pk"))
    return positions.filter(~Q(Exists(whole)), quantity__gt=0)


def is_covered(position: Position) -> bool:
    return not uncovered(Position.objects.filter(pk=position.pk)).exists()


def stop_shares(position: Position) -> list[Decimal]:
    """What each order of its next stop is to sell."""
    instrument = position.instrument
    return shares(position.quantity, instrument.max_quantity, instrument.size_increment)


def pending_stops(position_id: int) -> list[StopOrder]:
    orders = Order.objects.filter(
        position_id=position_id, purpose=OrderPurpose.PROTECT, status__in=sorted(PENDING)
    )
    orders = orders.select_related("position__trailing_stop", "position__instrument").order_by(
        "generation", "part"
    )
    fired_after = timezone.now() - FIRES_WITHIN
    return [_as_value(order, fired_after) for order in orders]


def _as_value(order: Order, fired_after: datetime) -> StopOrder:
    has_long_fired = order.status in _FIRED and order.updated_at <= fired_after
    return StopOrder(
        key=order.pk,
        generation=order.generation,
        left=order.quantity - order.filled_quantity,
        trigger_price=order.trigger_price,
        trigger_by=order.trigger_by,
        stands=order.status in STANDING and not has_long_fired,
        waits=order.status == OrderStatus.ACCEPTED,
        is_on_its_way=order.status in _ON_THE_WAY,
        is_only_acknowledged=order.status == OrderStatus.ACCEPTED and order.stood_at is None,
        placed_at=order.created_at,
        is_taken_back=_is_taken_back(order),
    )


def _is_taken_back(order: Order) -> bool:
    """Nearer to the market than the stop that a person loosened."""
    row = getattr(order.position, "trailing_stop", None)
    if row is None or row.loosened_from is None or row.stop_price is None or order.trigger_price is None:
        return False
    side = PositionSide(order.position.position_side)
    wished = on_step(side, order.position.instrument.price_increment, row.stop_price)
    return bool((order.trigger_price - wished) * side.sign > 0)


def is_complete(stop: Order) -> bool:
    """All orders of its generation stand."""
    parts = Order.objects.filter(position=stop.position_id, purpose=stop.purpose, generation=stop.generation)
    return not parts.exclude(pk__in=standing_stops().filter(position=stop.position_id)).exists()


def was_just_refused(position: Position, purpose: OrderPurpose, pause: Pause = SOON) -> bool:
    """By the exchange, when it was to be placed: the more often in a row, the longer nobody asks again. What it refused
    for taking no stops at all is asked for at once when it takes them again."""
    made = Order.objects.filter(position=position, purpose=purpose).order_by("-generation")
    newest = made.values_list("generation", flat=True).first() or 0
    tries = groupby(made.filter(generation__gt=newest - _TRIES_LOOKED_AT), lambda order: order.generation)
    refused = list(takewhile(bool, (_refused(orders) for _, orders in tries)))
    if not refused or timezone.now() >= max(refused[0]) + pause.after(len(refused)):
        return False
    watches = AccountWatch.objects.filter(account=position.account_id, stops_work_since__gte=max(refused[0]))
    return not watches.exists()


def _refused(orders: Iterable[Order]) -> list[datetime]:
    """When any order of one generation was."""
    return [order.updated_at for order in orders if _was_refused(order)]


def _was_refused(order: Order) -> bool:
    never_stood = order.status == OrderStatus.REJECTED and order.stood_at is None
    return never_stood and not order.reason.startswith(ABSENT)
