"""When a stop that improved is worth another request to the exchange. Pure."""

from __future__ import annotations

from decimal import Decimal

from trailing.engine import HUNDRED, Entry, StopReason
from trailing.rules import Updates


def is_due(
    entry: Entry,
    rule: Updates,
    placed: Decimal,
    wanted: Decimal,
    reason: StopReason,
    elapsed_seconds: Decimal,
) -> bool:
    """`placed` stands on the exchange since `elapsed_seconds`. Only a trailing stop, which moves often, may wait."""
    if not entry.is_better(wanted, placed):
        return False
    if reason is not StopReason.TRAILING or elapsed_seconds >= rule.min_interval_seconds:
        return True
    return abs(wanted - placed) / placed * HUNDRED >= rule.large_improvement_percent
