"""How returns are spread, how rough the path is and how much it remembers."""

from __future__ import annotations

import numpy as np

from signals_app.forecasts.bars import Bars, Floats
from signals_app.forecasts.features.columns import Column, Columns
from signals_app.forecasts.features.numerics import (
    average,
    change,
    correlation,
    deviation,
    flag,
    highest,
    lag,
    lowest,
    mean,
    median,
    moment,
    rank,
    ratio,
    root_mean,
    total,
    z_score,
)
from signals_app.forecasts.features.prices import log_return

REALISED = (4, 8, 16, 32, 64, 96)


def statistics(bars: Bars) -> Columns:
    moved = log_return(bars)
    for count in (5, 10, 20):
        yield Column(
            f"median_return_{count}", count + 1, f"median of {count} log returns", median(moved, count)
        )
        yield Column(
            f"mean_size_{count}", count + 1, f"mean size of {count} log returns", mean(np.abs(moved), count)
        )
        low, high = lowest(bars.close, count), highest(bars.close, count)
        yield Column(
            f"above_lowest_{count}", count, f"close / lowest close of {count} - 1", bars.close / low - 1
        )
        yield Column(
            f"below_highest_{count}", count, f"close / highest close of {count} - 1", bars.close / high - 1
        )
    yield Column("skewness", 51, "of 50 log returns", moment(moved, 50, 3))
    yield Column("kurtosis", 51, "of 50 log returns", moment(moved, 50, 4))
    yield Column("close_z", 50, "close in deviations from its mean of 50", z_score(bars.close, 50))


def complexity(bars: Bars) -> Columns:
    moved, squared = log_return(bars), log_return(bars) ** 2
    yield Column(
        "hurst", 65, "growth of the deviation of returns from 1 to 8 bars, of 56: log2 / 3", _hurst(bars)
    )
    yield Column("fractal_dimension", 33, "Sevcik (1998) of 32 closes", _dimension(bars, 32))
    for count in (10, 30):
        yield Column(
            f"efficiency_{count}",
            count + 1,
            f"|return of {count}| / sum of their sizes",
            _efficiency(bars, count),
        )
    yield Column(
        "trend_quality",
        31,
        "efficiency of 30 with the sign of its return",
        _efficiency(bars, 30) * np.sign(log_return(bars, 30)),
    )
    for count in REALISED:
        realised = root_mean(squared, count)
        yield Column(
            f"realised_volatility_{count}", count + 1, f"root mean square of {count} log returns", realised
        )
    heavy = np.sqrt(np.maximum(average(squared, 32), 0))
    yield Column("garch_like", 128, "root of the EMA 32 of squared returns", heavy)
    yield Column(
        "volatility_rank",
        116,
        "rank among 100 of the realised volatility of 16, -1 to 1",
        rank(mean(squared, 16), 100),
    )
    yield Column("entropy", 33, "of the signs of pairs of 32 returns, 0 to 1", _entropy(moved, 32))
    for count in (1, 5):
        known = correlation(moved, lag(moved, count), 48)
        yield Column(
            f"autocorrelation_{count}", 49 + count, f"of 48 returns with those {count} before", known
        )


def _hurst(bars: Bars) -> Floats:
    short, long = deviation(log_return(bars), 56), deviation(log_return(bars, 8), 56)
    grown = ratio(long, short)
    return np.where(grown > 0, np.log2(np.where(grown > 0, grown, 1)) / 3, 0 * grown)


def _dimension(bars: Bars, count: int) -> Floats:
    span = highest(bars.close, count) - lowest(bars.close, count)
    steps = np.abs(change(bars.close, 1))
    # the window's own span is the unit, so that each step is measured by it
    length = total(np.sqrt(1 / (count - 1) ** 2 + ratio(steps, span) ** 2), count - 1)
    dimension: Floats = 1 + np.log(np.maximum(length, 1)) / np.log(2 * (count - 1))
    return dimension


def _efficiency(bars: Bars, count: int) -> Floats:
    return ratio(np.abs(log_return(bars, count)), total(np.abs(log_return(bars)), count))


def _entropy(moved: Floats, count: int) -> Floats:
    """Of the four kinds of pairs up and down."""
    up, before = moved > 0, lag(moved, 1) > 0
    kinds = [flag(now & then, moved, lag(moved, 1)) for now in (up, ~up) for then in (before, ~before)]
    shares = [mean(kind, count - 1) for kind in kinds]
    return sum((-share * np.log2(np.maximum(share, 1e-9)) for share in shares), np.zeros_like(moved)) / 2


FAMILIES = {"statistics": statistics, "complexity": complexity}
