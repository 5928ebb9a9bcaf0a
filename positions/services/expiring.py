"""Orders whose time is over are taken back. What they had filled by then is kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from positions.lifecycle import DONE, OrderPurpose, OrderStatus
from positions.models import Order
from positions.services import consequences
from positions.services.closing import OVER, call_off, lock_position
from positions.services.sweeping import for_each

STILL_OPEN = (OrderStatus.INITIALIZED, OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)
# the stop and its backstop have an owner, and a close is not called back
NOT_TAKEN_BACK = (OrderPurpose.PROTECT, OrderPurpose.BACKSTOP, OrderPurpose.CLOSE)


def take_back(order_id: UUID | str) -> bool:
    """Cancel an order by wish: its time is over now. One whose outcome is unknown is canceled once it is known.
    False: it has ended, or is not of a kind that may be taken back."""
    now = timezone.now()
    mine = Order.objects.filter(pk=order_id).exclude(status__in=DONE).exclude(purpose__in=NOT_TAKEN_BACK)
    if not mine.update(expires_at=now, updated_at=now):
        return False
    _end(UUID(str(order_id)), now)
    return True


def expire_due(now: datetime) -> int:
    """Returns how many were found over."""
    over = Order.objects.filter(expires_at__lte=now, status__in=STILL_OPEN)
    found = over.order_by("expires_at").values_list("pk", flat=True)[:200]
    return for_each(found, lambda pk: _end(pk, now), "order %s could not be ended")


@transaction.atomic
def _end(order_id: UUID, now: datetime) -> None:
    """One that was never sent is denied, a working one is canceled; a claim that was faster keeps it until the
    next sweep."""
    position = lock_position(Order.objects.values_list("position_id", flat=True).get(pk=order_id))
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.status not in STILL_OPEN or order.expires_at is None or order.expires_at > now:
        return
    order.reason = OVER
    order.save(update_fields=["reason", "updated_at"])
    call_off(order, OVER)
    if order.status == OrderStatus.DENIED:
        consequences.follow(position, order)
