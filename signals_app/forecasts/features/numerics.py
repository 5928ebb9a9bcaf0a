"""Windows over (contracts, times) arrays that end at the newest column: nothing here can see a later one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import bottleneck as bn
import numpy as np
import numpy.typing as npt
import talib

from signals_app.forecasts.bars import Floats

EPSILON = 1e-12  # what is smaller is noise of sums that should be zero


def lag(values: Floats, bars: int) -> Floats:
    moved = np.full_like(values, np.nan)
    if bars < values.shape[1]:
        moved[:, bars:] = values[:, : values.shape[1] - bars]
    return moved


def change(values: Floats, bars: int) -> Floats:
    return values - lag(values, bars)


def ratio(above: Floats, below: Floats) -> Floats:
    """Zero where there is nothing to divide by; unknown stays unknown."""
    empty = np.abs(below) < EPSILON
    found = above / np.where(empty, 1.0, below)
    return np.where(empty & np.isfinite(above), 0.0, found)


def mean(values: Floats, bars: int) -> Floats:
    return np.where(_stands(values, bars), values, _moved(bn.move_mean, values, bars))


def root_mean(squares: Floats, bars: int) -> Floats:
    """Root of the mean of squares: what is left of moving sums may be below zero."""
    return np.sqrt(np.maximum(mean(squares, bars), 0))


def total(values: Floats, bars: int) -> Floats:
    return np.where(_stands(values, bars), bars * values, _moved(bn.move_sum, values, bars))


def deviation(values: Floats, bars: int) -> Floats:
    return np.where(_stands(values, bars), 0.0, _moved(bn.move_std, values, bars))


def _stands(values: Floats, bars: int) -> npt.NDArray[np.bool_]:
    """Where a whole window holds one value. A moving sum remembers there in its last digits what went before: that
    would be divided by itself in a market that stands still, or in which nothing is traded."""
    place = np.arange(values.shape[1])
    begins = np.zeros(values.shape, dtype=np.int64)
    begins[:, 1:] = np.where(values[:, 1:] == values[:, :-1], 0, place[1:])
    return np.asarray(place - np.maximum.accumulate(begins, axis=1) >= bars - 1)


def median(values: Floats, bars: int) -> Floats:
    return _moved(bn.move_median, values, bars)


def lowest(values: Floats, bars: int) -> Floats:
    return _moved(bn.move_min, values, bars)


def highest(values: Floats, bars: int) -> Floats:
    return _moved(bn.move_max, values, bars)


def rank(values: Floats, bars: int) -> Floats:
    """-1 when the newest is the lowest of its window, 1 when it is the highest."""
    return _moved(bn.move_rank, values, bars)


def _moved(function: Callable[..., Floats], values: Floats, bars: int) -> Floats:
    if bars > values.shape[1]:
        return np.full_like(values, np.nan)
    return function(values, bars, axis=1)


def z_score(values: Floats, bars: int) -> Floats:
    return ratio(values - mean(values, bars), deviation(values, bars))


def covariance(one: Floats, other: Floats, bars: int) -> Floats:
    return mean(one * other, bars) - mean(one, bars) * mean(other, bars)


def correlation(one: Floats, other: Floats, bars: int) -> Floats:
    both = deviation(one, bars) * deviation(other, bars)
    return np.clip(ratio(covariance(one, other, bars), both), -1, 1)


def moment(values: Floats, bars: int, power: int) -> Floats:
    """Third: skewness; fourth: kurtosis. Of deviations from the window's mean, in its standard deviations."""
    centred = mean(values, bars)
    raw = [np.ones_like(values), centred, *(mean(values**k, bars) for k in range(2, power + 1))]
    signs = [(-1) ** (power - k) * _choose(power, k) for k in range(power + 1)]
    central = sum(
        sign * raw[k] * centred ** (power - k) for k, sign in zip(range(power + 1), signs, strict=True)
    )
    return ratio(np.asarray(central), deviation(values, bars) ** power)


def _choose(many: int, some: int) -> int:
    below = 1
    for k in range(some):
        below = below * (many - k) // (k + 1)
    return below


def indicator(function: Callable[..., Any], *inputs: Floats, **options: Any) -> Floats:
    """A TA-Lib function with one output, contract by contract."""
    found = np.full_like(inputs[0], np.nan)
    for row, lines in _told(inputs):
        found[row] = function(*lines, **options)
    return found


def indicators(
    function: Callable[..., Any], count: int, *inputs: Floats, **options: Any
) -> tuple[Floats, ...]:
    """A TA-Lib function with several outputs."""
    found = np.full((count, *inputs[0].shape), np.nan)
    for row, lines in _told(inputs):
        found[:, row] = function(*lines, **options)
    return tuple(found)


def _told(inputs: Sequence[Floats]) -> Iterator[tuple[int, list[Floats]]]:
    """Each contract's own line of each input; TA-Lib refuses one without any number."""
    lines = [np.ascontiguousarray(values) for values in inputs]
    empty = np.logical_or.reduce([np.isnan(values).all(axis=1) for values in lines])
    for row in np.flatnonzero(~empty).tolist():
        yield row, [values[row] for values in lines]


def average(values: Floats, bars: int) -> Floats:
    """Exponential, seeded with the plain mean."""
    return indicator(talib.EMA, values, timeperiod=bars)


def slope(values: Floats, bars: int) -> Floats:
    """Of the least-squares line, per bar."""
    return indicator(talib.LINEARREG_SLOPE, values, timeperiod=bars)


def flag(condition: Any, *known: Floats) -> Floats:
    """1 and 0; unknown where one of the others is."""
    found = np.asarray(condition, dtype=np.float64)
    for values in known:
        found = np.where(np.isnan(values), np.nan, found)
    return found


def duration(condition: Floats) -> Floats:
    """For how many bars a flag has been 1, the newest included."""
    held = np.nan_to_num(condition) > 0
    counted = np.cumsum(held, axis=1, dtype=np.float64)
    before = np.maximum.accumulate(np.where(held, 0.0, counted), axis=1)
    return np.where(np.isnan(condition), np.nan, counted - before)


def crossing(fast: Floats, slow: Floats) -> Floats:
    """1 in the bar in which fast comes to be above slow, -1 in which it comes to be below, else 0."""
    side = np.sign(fast - slow)
    return np.sign(change(side, 1))
