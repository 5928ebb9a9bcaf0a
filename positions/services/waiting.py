"""A take-profit level whose price is too far away for the exchange waits until the market is nearer, and is placed
again; call with the position locked."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from exchanges.types import PositionSide
from positions.models import Order, Position
from positions.patience import TOO_FAR, near_from, pause_after
from positions.services import events
from trailing.models import PartialTakeProfit

WERE_TOO_FAR = Q(reason__startswith=TOO_FAR)


def must_wait(position: Position, row: PartialTakeProfit, refused: Order, mark_price: Decimal | None) -> bool:
    """Without a price nobody knows until when."""
    if mark_price is None or row.price is None:
        return True
    if row.waits_for is None or row.updated_at < refused.updated_at:  # nobody has looked at this refusal
        _note(position, row, refused, mark_price)
    return not (_is_near(position, row, mark_price) and _has_paused(refused))


def _note(position: Position, row: PartialTakeProfit, refused: Order, mark_price: Decimal) -> None:
    """Told once, however often it is refused."""
    is_first = row.waits_for is None
    row.waits_for = near_from(Decimal(row.price or 0), mark_price, refused.reason)
    row.error = refused.reason
    row.save(update_fields=["waits_for", "error", "updated_at"])
    if is_first:
        events.record(
            "level_waits", "medium", account_id=position.account_id, position_id=position.pk,
            level=row.level, price=row.price, market=mark_price, waits_for=row.waits_for, reason=row.error,
        )  # fmt: skip


def _is_near(position: Position, row: PartialTakeProfit, mark_price: Decimal) -> bool:
    side = PositionSide(position.position_side)
    return row.waits_for is not None and (mark_price - row.waits_for) * side.sign >= 0


def _has_paused(refused: Order) -> bool:
    """The estimate may be a little short, and the exchange say so at once."""
    same = Order.objects.filter(WERE_TOO_FAR, position=refused.position_id, level=refused.level)
    return timezone.now() >= refused.updated_at + pause_after(same.count())
