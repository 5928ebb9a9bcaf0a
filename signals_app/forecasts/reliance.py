"""Can what a model says still be relied on? Its features against those it was trained with, and how sure it said it
was against how often it was right. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signals_app.forecasts.bars import Bars, Floats
from signals_app.forecasts.drift import LEAST_ROWS, Reference, stability
from signals_app.forecasts.features.table import columns
from signals_app.forecasts.hindsight import Case
from signals_app.forecasts.scores import SURE, gain
from signals_app.forecasts.terms import LARGE_DRIFT

CALENDAR = "hours"  # of a few days it is always another than of a year: that is no drift
LEAST_AWAY = 0.05  # nearer than this a model keeps its word


@dataclass(frozen=True, slots=True)
class Moved:
    """index: stability of each feature; rows: of the one that is known least often; typical: median of the index,
    without those of the calendar, None of too few rows."""

    names: tuple[str, ...]
    index: Floats
    typical: float | None
    rows: int

    @property
    def sentence(self) -> str:
        """Empty while they are what they were."""
        if self.typical is None or self.typical < LARGE_DRIFT:
            return ""
        return (
            f"features are not what it was trained with: half have a stability index above {self.typical:.2f}"
        )


def moved(bars: Bars, known: Reference, count: int) -> Moved:
    """Of the last `count` candles of each contract. One column after the other, so that a fortnight of many contracts
    fits into memory."""
    names, index, is_calendar, rows = [], [], [], bars.close.size
    for place, (family, column) in enumerate(columns(bars)):
        newest = column.values[:, -count:]
        told = newest[np.isfinite(newest)].astype(np.float32)[:, None]
        one = Reference(known.edges[place : place + 1], known.shares[place : place + 1])
        names.append(column.name)
        index.append(float(stability(one, told)[0]))
        is_calendar.append(family == CALENDAR)
        rows = min(rows, len(told))
    return Moved(tuple(names), np.array(index), _typical(np.array(index), np.array(is_calendar)), rows)


def _typical(index: Floats, is_calendar: Floats) -> float | None:
    known = index[np.isfinite(index) & ~is_calendar.astype(bool)]
    return float(np.median(known)) if known.size else None


@dataclass(frozen=True, slots=True)
class Promise:
    """Of one horizon: how sure it was of the direction it named, on average, and how often that came; away: the
    difference in standard errors, by blocks of time."""

    horizon: str
    answers: int
    said: float
    came: float
    away: float

    @property
    def sentence(self) -> str:
        """Empty while it keeps its word, or where nobody can tell yet."""
        if self.answers < LEAST_ROWS or abs(self.came - self.said) < LEAST_AWAY or abs(self.away) < SURE:
            return ""
        return f"{self.horizon}: it said {self.said:.0%} on average, and {self.came:.0%} came true"


def promises(cases: Sequence[Case]) -> list[Promise]:
    found = {name: [one for one in cases if one.horizon == name] for name in {one.horizon for one in cases}}
    return [_promise(name, found[name]) for name in sorted(found)]


def _promise(horizon: str, cases: Sequence[Case]) -> Promise:
    said = np.array([float(one.said.of(one.said.direction)) for one in cases])
    came = np.array([one.said.meant_by(one.came) is one.said.direction for one in cases], dtype=np.float64)
    away = gain(came - said, np.array([one.at for one in cases]))
    return Promise(horizon, len(cases), float(said.mean()), float(came.mean()), away.sureness)
