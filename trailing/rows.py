"""Trailing rows as the values that decisions are made of. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from decimal import Decimal

from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.expressions import RawSQL

from exchanges.types import PositionSide, PriceKind
from positions.lifecycle import PositionStatus
from positions.models import Position
from trailing.engine import Entry, StopReason, TrailingPhase, TrailingState
from trailing.models import TrailingStop
from trailing.plan import ProtectionPlan, read_plan
from trailing.protection import Seen
from trailing.thresholds import Band, band

READ_AT_ONCE = 1000
_SECONDS_PER_HOUR = Decimal(3600)
# PostgreSQL gives a row another xmin at every change. Instruments are written anew every few minutes without one, so
# theirs is what counts of them
_VERSION = Func(
    Value(" "),
    RawSQL("trailing_stop_state.xmin", []),
    RawSQL("positions.xmin", []),
    F("position__instrument__symbol"),
    F("position__instrument__price_increment"),
    function="concat_ws",
    output_field=TextField(),
)
_FOR_BANDS = (
    "state", "entry_price", "entry_atr", "atr", "high_water_mark", "stop_price", "stop_reason", "levels_taken",
    "loosened_from",
    "position__position_side", "position__leverage", "position__opened_at", "position__plan_id",
    "position__account__venue", "position__instrument__symbol", "position__instrument__price_increment",
)  # fmt: skip
_read: dict[str, ProtectionPlan] = {}  # a digest never means another plan


def open_rows() -> QuerySet[TrailingStop]:
    """Rows that may act: a stale one could not, even if it existed, and a person's own is left alone."""
    rows = TrailingStop.objects.filter(position__status=PositionStatus.OPEN, position__handed_over_at=None)
    return rows.select_related("position__instrument", "position__plan").order_by("pk")


def row_of(position: Position) -> TrailingStop | None:
    """Also of one that may not act now."""
    row = TrailingStop.objects.filter(pk=position.pk).first()
    if row is not None:
        row.position = position
    return row


def open_versions() -> dict[int, str]:
    """By position; a version that stays the same means the same band, but for its age."""
    return dict(open_rows().order_by().values_list("pk", _VERSION))


def open_rows_for_bands(keys: Collection[int]) -> Iterator[TrailingStop]:
    """Without what a band does not ask for; a plan is read once."""
    rows = open_rows().select_related(None).select_related("position__account", "position__instrument")
    wanted = sorted(keys)
    for first in range(0, len(wanted), READ_AT_ONCE):
        yield from rows.only(*_FOR_BANDS).filter(pk__in=wanted[first : first + READ_AT_ONCE])


def plan_of(position: Position) -> ProtectionPlan:
    if position.plan_id not in _read:
        _read[position.plan_id] = read_plan(position.plan.body)
    return _read[position.plan_id]


def kind_of(position: Position) -> PriceKind:
    """Which price decides about it."""
    return plan_of(position).reference.kind(PositionSide(position.position_side))


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
        row.loosened_from,
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
