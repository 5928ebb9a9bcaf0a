"""What an old position may leave at: nothing yet, breakeven, a growing loss, any price. Pure; ages in hours."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from exchanges.types import PositionSide
from trailing.engine import Entry
from trailing.rules import AgeLimit

# hours of the progressive phase after which the loss grows faster
ACCELERATES_AFTER = Decimal(10)


class AgePhase(StrEnum):
    YOUNG = "young"
    GRACE = "grace"
    PROGRESSIVE = "progressive"
    EMERGENCY = "emergency"


def age_phase(limit: AgeLimit, age_hours: Decimal) -> AgePhase:
    """Bounds belong to the later phase, but for the end of grace."""
    over = age_hours - limit.max_age_hours
    if over < 0:
        return AgePhase.YOUNG
    if over <= limit.grace_hours:
        return AgePhase.GRACE
    return AgePhase.PROGRESSIVE if over < limit.grace_hours + limit.progressive_hours else AgePhase.EMERGENCY


def exit_target(entry: Entry, limit: AgeLimit, age_hours: Decimal) -> Decimal | None:
    """A price this good or better is taken, never a worse one than the rule says; None while the position is young."""
    match age_phase(limit, age_hours):
        case AgePhase.YOUNG:
            return None
        case AgePhase.GRACE:
            return entry.towards_market(entry.offset(entry.price, 2 * limit.commission_percent))
        case AgePhase.PROGRESSIVE:
            hours = age_hours - limit.max_age_hours - limit.grace_hours
            return entry.towards_market(entry.offset(entry.price, -accepted_loss(limit, hours)))
        case AgePhase.EMERGENCY:
            return Decimal(0) if entry.side is PositionSide.LONG else Decimal("Infinity")


def target_lasts(limit: AgeLimit, age_hours: Decimal) -> Decimal | None:
    """Hours until exit_target may say something else: 0 while it moves, None for ever."""
    match age_phase(limit, age_hours):
        case AgePhase.YOUNG:
            return limit.max_age_hours - age_hours
        case AgePhase.GRACE:
            return limit.max_age_hours + limit.grace_hours - age_hours
        case AgePhase.PROGRESSIVE:
            return Decimal(0)
        case AgePhase.EMERGENCY:
            return None


def accepted_loss(limit: AgeLimit, hours: Decimal) -> Decimal:
    """Percent of the entry price, `hours` after grace ended."""
    fast = max(hours - ACCELERATES_AFTER, Decimal(0)) * (limit.acceleration - 1)
    return min((hours + fast) * limit.loss_step_percent, limit.max_loss_percent)
