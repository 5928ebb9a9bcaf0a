"""What became of each level of a take-profit ladder, as rows; call with the position locked."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import QuerySet, Sum
from django.utils import timezone

from positions.models import Order, Position
from trailing.ladder import LevelStatus, NextLevel
from trailing.models import PartialTakeProfit, TrailingStop
from trailing.rows import plan_of


def has_ladder(position: Position) -> bool:
    return plan_of(position).take_profits is not None


def are_at_work(position: Position) -> bool:
    """Some level is still to be sold, or to be placed."""
    levels = PartialTakeProfit.objects.filter(position=position)
    return has_ladder(position) and (_pending(position.pk).exists() or not levels.exists())


def awaited(position: Position) -> NextLevel:
    if are_at_work(position):
        return NextLevel.PRICE
    ladder = plan_of(position).take_profits
    return NextLevel.SIGNAL if ladder is not None and ladder.rest_waits_for_signal else NextLevel.NONE


def note(position_id: int, level: int) -> bool:
    """Whether the level is sold whole, by whichever of its orders; then the stop may follow."""
    row = PartialTakeProfit.objects.filter(position_id=position_id, level=level).first()
    if row is None or sold(position_id, row.level) < row.close_qty:
        return False
    if row.status != LevelStatus.EXECUTED:
        row.status, row.error = LevelStatus.EXECUTED, ""
        row.save(update_fields=["status", "error", "updated_at"])
    behind = TrailingStop.objects.filter(position_id=position_id, levels_taken__lt=row.level)
    behind.update(levels_taken=row.level)
    return True


def sold(position_id: int, level: int) -> Decimal:
    made = Order.objects.filter(position_id=position_id, level=level)
    return made.aggregate(sold=Sum("filled_quantity"))["sold"] or Decimal(0)


def end(position_id: int) -> None:
    """The position is closed. A fill that is told later still counts."""
    reason = "the position was closed before"
    _pending(position_id).update(status=LevelStatus.CANCELED, error=reason, updated_at=timezone.now())


def _pending(position_id: int) -> QuerySet[PartialTakeProfit]:
    return PartialTakeProfit.objects.filter(position_id=position_id, status=LevelStatus.PENDING)
