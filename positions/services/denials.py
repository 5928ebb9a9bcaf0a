"""Orders that ended without reaching the market, and what the position does then."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from positions import broadcast
from positions.lifecycle import OrderEvent, OrderPurpose, OrderStatus, next_order_status
from positions.models import Order
from positions.patience import TOO_FAR
from positions.services import consequences, events
from positions.services.closing import lock_position, request_close, stop_reason


def refuse(sent: Order, reason: str) -> bool:
    """The exchange said no, or never got it. False: a report was faster and knows better, or the order went out
    again since `sent` was read and this is no news of that try."""
    return _refuse(sent, reason, is_told=True)


def refuse_for_now(sent: Order, reason: str) -> None:
    """Of a take-profit level it is told by who places it again."""
    if sent.level is None:
        refuse(sent, reason)
    else:
        _refuse(sent, f"{TOO_FAR}: {reason}", is_told=False)


@transaction.atomic
def _refuse(sent: Order, reason: str, *, is_told: bool) -> bool:
    position = lock_position(sent.position_id)
    order = Order.objects.select_for_update().get(pk=sent.pk)
    if order.status != OrderStatus.SUBMITTED or order.submitted_at != sent.submitted_at:
        return False
    order.status, order.reason = next_order_status(order.status, OrderEvent.REJECTED), reason
    order.answered_at = timezone.now()
    order.save(update_fields=["status", "reason", "answered_at", "updated_at"])
    consequences.follow(position, order)
    if is_told:
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
