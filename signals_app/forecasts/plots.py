"""Forecasts as shapes: places in a box of a hundred by a hundred, for pictures that need no script. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from signals_app.forecasts.hindsight import Bin
from signals_app.forecasts.said import Said
from signals_app.forecasts.terms import Direction

HUNDRED = Decimal(100)
TONES = {Direction.LONG: "up", Direction.NEUTRAL: "rest", Direction.SHORT: "down"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar that is a hundred wide."""

    tone: str
    x: Decimal
    width: Decimal


def pieces(said: Said) -> list[Piece]:
    """Long from the left, short to the right, neutral between them."""
    left, found = Decimal(0), []
    for direction, tone in TONES.items():
        width = round(said.of(direction) * HUNDRED, 1)
        found.append(Piece(tone, left, width))
        left += width
    return found


@dataclass(frozen=True, slots=True)
class Dot:
    """Said to the right, come true upwards; low and high: where the true share may lie."""

    x: Decimal
    y: Decimal
    low: Decimal
    high: Decimal


def dots(bins: Iterable[Bin]) -> list[Dot]:
    found = []
    for one in bins:
        rate, interval = one.came.rate, one.came.interval
        if rate is not None and interval is not None:
            found.append(Dot(_place(one.said), _up(rate), _up(interval[0]), _up(interval[1])))
    return found


def path(found: Sequence[Dot]) -> str:
    return "".join(f"{'L' if place else 'M'}{one.x} {one.y}" for place, one in enumerate(found))


def _place(share: Decimal) -> Decimal:
    return round(share * HUNDRED, 1)


def _up(share: Decimal) -> Decimal:
    return round((1 - share) * HUNDRED, 1)


def lengths(values: Sequence[Decimal]) -> list[Decimal]:
    """Each against the longest, which is a hundred."""
    longest = max([Decimal(0), *values])
    return [round(value / longest * HUNDRED, 1) if longest > 0 else Decimal(0) for value in values]
