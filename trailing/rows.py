"""Trailing rows as the values that decisions are made of. Reads only."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from exchanges.types import PositionSide
from positions.lifecycle import PositionStatus
from positions.models import Position
from trailing.engine import Entry, StopReason, TrailingPhase, TrailingState
from trailing.models import TrailingStop
from trailing.plan import ProtectionPlan, read_plan
from trailing.protection import Seen
from trailing.thresholds import Band, band

_SECONDS_PER_HOUR = Decimal(3600)
_read: dict[str, ProtectionPlan] = {}  # a digest never means another plan


def open_rows() -> QuerySet[TrailingStop]:
    """Rows that may act: a stale one could not, even if it existed."""
    rows = TrailingStop.objects.filter(position__status=PositionStatus.OPEN)
    return rows.select_related("position__instrument", "position__plan").order_by("pk")


def plan_of(position: Position) -> ProtectionPlan:
    if position.plan_id not in _read:
        _read[position.plan_id] = read_plan(position.plan.body)
    return _read[position.plan_id]


def entry_of(row: TrailingStop) -> Entry:
    """Raises ValueError while the entry price is not known."""
    return Entry(
        side=PositionSide(row.position.position_side),
        price=row.entry_price or Decimal(0),
        price_increment=row.position.instrument.price_increment,
        leverage=row.position.leverage,
        atr=row.entry_atr,
    )


def state_of(row: TrailingStop) -> TrailingState:
    return TrailingState(
        TrailingPhase(row.state),
        row.high_water_mark,
        row.stop_price,
        StopReason(row.stop_reason),
        row.levels_taken,
    )


def seen_by(row: TrailingStop, price: Decimal, at: datetime) -> Seen:
    return Seen(price, age_hours(row.position, at), true_range_of(row))


def true_range_of(row: TrailingStop) -> Decimal | None:
    """In the first moments the one at entry is the newest."""
    newest: Decimal | None = row.atr if row.atr is not None else row.entry_atr
    return newest


def age_hours(position: Position, at: datetime) -> Decimal:
    seconds = (at - (position.opened_at or at)).total_seconds()
    return max(Decimal(str(seconds)), Decimal(0)) / _SECONDS_PER_HOUR


def band_of(row: TrailingStop, at: datetime) -> Band:
    """Raises ValueError while the entry price is not known."""
    age = age_hours(row.position, at)
    return band(entry_of(row), plan_of(row.position), state_of(row), age, true_range_of(row))
