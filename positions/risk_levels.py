"""How near a limit is, in three levels, and when that is news. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum


class Level(IntEnum):
    NONE = 0
    WARN = 1
    REDUCE = 2
    HALT = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Levels:
    """Percent of the limit that is used; 0: this level is off."""

    warn_at: Decimal = Decimal(60)
    reduce_at: Decimal = Decimal(80)
    halt_at: Decimal = Decimal(95)


# a figure that wavers around a level is told once: it is forgotten only when the use is clearly below
FORGOTTEN_BELOW = Decimal("0.9")


def level_at(used_percent: Decimal, levels: Levels) -> Level:
    reached = (
        (Level.HALT, levels.halt_at),
        (Level.REDUCE, levels.reduce_at),
        (Level.WARN, levels.warn_at),
    )
    return next((level for level, at in reached if at and used_percent >= at), Level.NONE)


def remembered(known: Level, used_percent: Decimal, levels: Levels) -> Level:
    """The level that counts as told. Higher at once; lower only when the use fell clearly below the lowest level."""
    now = level_at(used_percent, levels)
    if now >= known:
        return now
    lowest = min((at for at in (levels.warn_at, levels.reduce_at, levels.halt_at) if at), default=None)
    return Level.NONE if lowest is None or used_percent < lowest * FORGOTTEN_BELOW else known
