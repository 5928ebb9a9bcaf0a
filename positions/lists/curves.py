"""The equity curve and the daily bars as shapes: places in a box of a hundred by a hundred. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

HUNDRED = Decimal(100)
ZERO = Decimal(0)
GAP = Decimal("0.18")  # of a day's place
MOST_POINTS = 600  # more than a screen has room for


@dataclass(frozen=True, slots=True)
class Scale:
    """Money to heights; zero is always on it."""

    lowest: Decimal
    highest: Decimal

    @classmethod
    def of(cls, values: Sequence[Decimal]) -> Scale:
        lowest, highest = min([ZERO, *values]), max([ZERO, *values])
        return cls(lowest, highest if highest > lowest else lowest + 1)

    def height(self, value: Decimal) -> Decimal:
        """From the top."""
        return round((self.highest - value) / (self.highest - self.lowest) * HUNDRED, 2)


@dataclass(frozen=True, slots=True)
class Bar:
    x: Decimal
    y: Decimal
    width: Decimal
    height: Decimal
    tone: str
    day: date
    value: Decimal


def bars(days: Sequence[tuple[date, Decimal]]) -> Iterator[Bar]:
    scale, place = Scale.of([value for _, value in days]), HUNDRED / max(len(days), 1)
    zero = scale.height(ZERO)
    for number, (day, value) in enumerate(days):
        if value:
            at = scale.height(value)
            left, width = round(place * (number + GAP / 2), 3), round(place * (1 - GAP), 3)
            tall = max(abs(at - zero), Decimal(1))
            yield Bar(left, min(at, zero) if value > 0 else zero, width, tall, _tone(value), day, value)


def _tone(value: Decimal) -> str:
    return "up" if value > 0 else "down"


def steps(points: Sequence[tuple[datetime, Decimal]], since: datetime, until: datetime) -> str:
    """A path that begins at zero and climbs or falls when a position closed."""
    if not points or until <= since:
        return ""
    scale = Scale.of([value for _, value in points])
    path = [f"M0 {scale.height(ZERO)}"]
    for at, value in _thinned(points):
        x = round(Decimal((at - since) / (until - since)) * HUNDRED, 2)
        path.append(f"H{x}V{scale.height(value)}")
    return "".join([*path, "H100"])


def _thinned(points: Sequence[tuple[datetime, Decimal]]) -> Sequence[tuple[datetime, Decimal]]:
    """Of many that share a place the last; the highest and the lowest of all stay."""
    if len(points) <= MOST_POINTS:
        return points
    values = [value for _, value in points]
    kept = {values.index(max(values)), values.index(min(values)), len(points) - 1}
    kept |= {number * len(points) // MOST_POINTS for number in range(MOST_POINTS)}
    return [points[number] for number in sorted(kept)]
