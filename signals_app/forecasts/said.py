"""What a forecast said of its horizons and what came of it, as its row keeps both: by names, never by an order that
could be turned round. Returns are logarithmic. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from signals_app.forecasts.terms import HORIZONS, ROUND_TRIP_COST, Direction

EXPECTED, LEAST = "return", "least"


@dataclass(frozen=True, slots=True)
class Said:
    """Of one horizon. least: the move that it calls a direction, as the model was taught; less is neutral."""

    long: Decimal
    short: Decimal
    neutral: Decimal
    expected: Decimal
    least: Decimal

    @property
    def direction(self) -> Direction:
        return max(Direction, key=lambda one: (self.of(one), -one))

    def meant_by(self, came: Decimal) -> Direction:
        if abs(came) <= self.least:
            return Direction.NEUTRAL
        return Direction.LONG if came > 0 else Direction.SHORT

    def of(self, direction: Direction) -> Decimal:
        found: Decimal = getattr(self, direction.name.lower())
        return found


def kept(
    long: float, short: float, neutral: float, expected: float, least: float = ROUND_TRIP_COST
) -> dict[str, float]:
    """As a row keeps it."""
    return {"long": long, "short": short, "neutral": neutral, EXPECTED: expected, LEAST: least}


def said_of(horizons: Mapping[str, Any]) -> dict[str, Said]:
    """Shortest horizon first."""
    return {name: _said(horizons[name]) for name in HORIZONS if name in horizons}


def _said(told: Mapping[str, Any]) -> Said:
    shares = (told[name] for name in ("long", "short", "neutral", EXPECTED))
    return Said(*(Decimal(str(value)) for value in (*shares, told.get(LEAST, ROUND_TRIP_COST))))


def came_of(outcomes: Mapping[str, Any]) -> dict[str, Decimal]:
    """Of those that are over, shortest first."""
    known = {name: outcomes.get(name) for name in HORIZONS}
    return {name: Decimal(str(value)) for name, value in known.items() if value is not None}
