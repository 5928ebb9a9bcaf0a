"""The stop of a live position of the first bot, as a trailing row of ours, and what its owner should know of it."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from ops.legacy.mapping.positions import OldPosition
from ops.legacy.mapping.protection import OldProtection, stop_percent
from ops.legacy.mapping.reading import Row
from positions.models import Position
from positions.services import events
from trailing.models import TrailingStop
from trailing.plan import ProtectionPlan
from trailing.rules import PercentStop


def write_trail(position: Position, found: OldProtection) -> None:
    TrailingStop.objects.create(
        position=position,
        state=found.state.phase,
        entry_price=position.average_entry_price,
        activation_price=found.activation_price,
        high_water_mark=found.state.high_water_mark,
        stop_price=found.state.stop_price,
        stop_reason=found.state.stop_reason,
        update_count=found.update_count,
        activated_at=found.activated_at,
        known_until=timezone.now() if found.passed else found.known_until,
    )
    if found.passed:
        events.record(
            "older_stop_passed", "high", account_id=position.account_id, position_id=position.pk,
            symbol=position.instrument.exchange_symbol, older_stop=found.passed, market=found.state.high_water_mark,
            stop=found.state.stop_price,
        )  # fmt: skip


def to_know(
    row: Row, old: OldPosition, wished: ProtectionPlan, found: OldProtection, left_out: str
) -> Iterator[str]:
    """By its owner."""
    if left_out:
        yield left_out
    if stop_percent(row, old) is None and isinstance(wished.stop_loss, PercentStop):
        yield f"its first stop is not on record: {wished.stop_loss.percent.normalize():f} %, as the older bot was set"
    if found.passed:
        stands = found.state.stop_price
        yield f"the market is beyond its stop {found.passed.normalize():f}: protected anew, by {stands}"
