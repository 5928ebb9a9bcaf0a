"""A wish to close that the exchange refused is asked again until the position is closed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from positions.lifecycle import PENDING, CloseReason, OrderPurpose, PositionStatus
from positions.models import Order, Position
from positions.services.closing import LEAVES_WITHIN, close_what_is_left, lock_position, request_close
from positions.services.sweeping import for_each


def close_again(now: datetime) -> int:
    """Refused ones whose pause is over, and closing ones that nothing closes: what was to bring their next order never
    ended."""
    refused = Position.objects.filter(status=PositionStatus.OPEN, close_again_at__lte=now)
    closes = Order.objects.filter(purpose=OrderPurpose.CLOSE, status__in=sorted(PENDING))
    closing = Position.objects.filter(
        ~Exists(closes.filter(position=OuterRef("pk"))),
        status=PositionStatus.CLOSING,
        quantity__gt=0,
        updated_at__lte=now - LEAVES_WITHIN,
    )
    found = sorted({*refused.values_list("pk", flat=True), *closing.values_list("pk", flat=True)})
    return for_each(found, _insist, "position %s could not be asked to close again")


@transaction.atomic
def _insist(position_id: int) -> None:
    position = lock_position(position_id)
    if position.status == PositionStatus.CLOSING:
        close_what_is_left(position)
    elif position.close_again_at is not None:
        reason = CloseReason(position.close_reason)
        request_close(position_id, reason=reason, requested_by=position.close_requested_by)


@transaction.atomic
def ask_now(position_id: int) -> bool:
    """A person does not wait for the pause to end. False: no refused close waits here, or none may be asked for now;
    the caller rolls back."""
    position = lock_position(position_id)
    if position.status != PositionStatus.OPEN or position.close_again_at is None:
        return False
    position.close_again_at = timezone.now()
    position.save(update_fields=["close_again_at", "updated_at"])
    _insist(position_id)
    position.refresh_from_db(fields=["status"])
    return position.status != PositionStatus.OPEN
