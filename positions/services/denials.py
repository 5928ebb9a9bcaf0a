"""Orders that ended without reaching the market, and what the position does then."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from positions import broadcast
from positions.lifecycle import OrderEvent, OrderPurpose, OrderStatus, next_order_status
from positions.models import Order
from positions.services import consequences, events
from positions.services.closing import lock_position, request_close, stop_reason


@transaction.atomic
def refuse(sent: Order, reason: str) -> bool:
    """The exchange said no, or never got it. False: a report was faster and knows better, or the order went out
    again since `sent` was read and this is no news of that try."""
    position = lock_position(sent.position_id)
    order = Order.objects.select_for_update().get(pk=sent.pk)
    if order.status != OrderStatus.SUBMITTED or order.submitted_at != sent.submitted_at:
        return False
    order.status, order.reason = next_order_status(order.status, OrderEvent.REJECTED), reason
    order.answered_at = timezone.now()
    order.save(update_fields=["status", "reason", "answered_at", "updated_at"])
    consequences.follow(position, order)
    events.record(
        "order_refused", "medium", account_id=order.account_id, position_id=position.pk,
        order=order.client_order_id, reason=reason,
    )  # fmt: skip
    broadcast.order_changed(order.pk)
    return True


@transaction.atomic
def stop_already_crossed(sent: Order, reason: str) -> None:
    """The price is beyond the stop asked for: the position leaves at market, now."""
    if refuse(sent, reason) and sent.purpose == OrderPurpose.PROTECT:
        request_close(
            sent.position_id, reason=stop_reason(sent.position), requested_by="stop already crossed"
        )
