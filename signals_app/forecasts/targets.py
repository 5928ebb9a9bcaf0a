"""What a model learns to foresee: the return over four horizons, and which side would have paid its costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals_app.forecasts.bars import Bars, Floats
from signals_app.forecasts.features.numerics import change, root_mean
from signals_app.forecasts.terms import CLASSES, HORIZONS, ROUND_TRIP_COST, Direction

__all__ = ["CLASSES", "HORIZONS", "ROUND_TRIP_COST", "Direction", "Target", "bars_ahead", "target"]

MINUTE_MS = 60_000
VOLATILITY_SHARE = 0.3  # a move of less than this of what is usual is no direction
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Target:
    """Of (contracts, times): the log return until the close `bars` later, NaN where nobody knows it yet, and the
    Direction, UNKNOWN there."""

    bars: int
    returns: Floats
    directions: npt.NDArray[np.int64]


def bars_ahead(bars: Bars, horizon: str) -> int:
    return bars.bars_in(HORIZONS[horizon] * MINUTE_MS)


def target(bars: Bars, horizon: str, cost: float = ROUND_TRIP_COST) -> Target:
    ahead = bars_ahead(bars, horizon)
    found = np.full_like(bars.close, np.nan)
    if ahead < found.shape[1]:
        found[:, :-ahead] = np.log(bars.close[:, ahead:] / bars.close[:, :-ahead])
    return Target(ahead, found, _directions(found, _threshold(bars, ahead, cost)))


def least_move(bars: Bars, horizon: str, cost: float = ROUND_TRIP_COST) -> Floats:
    """From which return on a direction is one, at each of (contracts, times)."""
    return _threshold(bars, bars_ahead(bars, horizon), cost)


def _threshold(bars: Bars, ahead: int, cost: float) -> Floats:
    """What a move must exceed: its costs, and a share of what is usual for so long a time."""
    usual = root_mean(change(np.log(bars.close), 1) ** 2, 96) * np.sqrt(ahead)
    found: Floats = np.maximum(cost, VOLATILITY_SHARE * usual)
    return found


def _directions(returns: Floats, threshold: Floats) -> npt.NDArray[np.int64]:
    found = np.full(returns.shape, int(Direction.NEUTRAL), dtype=np.int64)
    found[returns > threshold] = Direction.LONG
    found[returns < -threshold] = Direction.SHORT
    found[np.isnan(returns) | np.isnan(threshold)] = UNKNOWN
    return found
