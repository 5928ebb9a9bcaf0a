"""Which stops count as protection. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import takewhile

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from positions.lifecycle import STANDING, OrderPurpose, OrderStatus
from positions.models import Order, Position
from positions.patience import pause_after

# a stop that fired sells within moments; one that is still at it after that is no protection
FIRES_WITHIN = timedelta(seconds=10)
ABSENT = "proven absent"
_FIRED = (OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)
_TRIES_LOOKED_AT = 8


def standing_stops(fired_after: datetime | None = None) -> QuerySet[Order]:
    """Confirmed and not called off; of those that fired only the ones that did after that moment."""
    since = fired_after or timezone.now() - FIRES_WITHIN
    stops = Order.objects.filter(purpose=OrderPurpose.PROTECT, status__in=STANDING)
    return stops.exclude(status__in=_FIRED, updated_at__lte=since)


def whole_stops(fired_after: datetime | None = None) -> QuerySet[Order]:
    """Of these, the ones for all that their position holds."""
    left = F("quantity") - F("filled_quantity")
    return standing_stops(fired_after).alias(left=left).filter(left__gte=F("position__quantity"))


def uncovered(positions: QuerySet[Position], fired_after: datetime | None = None) -> QuerySet[Position]:
    """Those that no standing stop would sell whole."""
    whole = whole_stops(fired_after).filter(position=OuterRef("pk"))
    return positions.filter(~Q(Exists(whole)), quantity__gt=0)


def is_covered(position: Position) -> bool:
    return not uncovered(Position.objects.filter(pk=position.pk)).exists()


def was_stop_just_refused(position: Position) -> bool:
    """By the exchange, when it was to be placed: the more often in a row, the longer nobody asks again."""
    stops = Order.objects.filter(position=position, purpose=OrderPurpose.PROTECT).order_by("-generation")
    refused = list(takewhile(_was_refused, stops[:_TRIES_LOOKED_AT]))
    return bool(refused) and timezone.now() < refused[0].updated_at + pause_after(len(refused))


def _was_refused(stop: Order) -> bool:
    never_stood = stop.status == OrderStatus.REJECTED and not stop.exchange_order_id
    return never_stood and not stop.reason.startswith(ABSENT)
