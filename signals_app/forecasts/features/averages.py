"""Moving averages, simple and exponential, MACD and Ichimoku."""

from __future__ import annotations

import numpy as np
import talib

from signals_app.forecasts.bars import Bars, Floats
from signals_app.forecasts.features.columns import Column, Columns
from signals_app.forecasts.features.numerics import (
    average,
    change,
    crossing,
    flag,
    highest,
    indicators,
    lag,
    lowest,
    mean,
)

SIMPLE, EXPONENTIAL = (5, 10, 20, 50, 100, 150), (5, 12, 20, 26, 50)
CROSSES = ((5, 20), (10, 50), (20, 50), (50, 150))


def simple(bars: Bars) -> Columns:
    means = {count: mean(bars.close, count) for count in SIMPLE}
    for count, level in means.items():
        yield Column(f"sma_{count}_ratio", count, f"close / SMA {count} - 1", bars.close / level - 1)
        moved = change(np.log(level), 5)
        yield Column(f"sma_{count}_slope", count + 5, f"log change of SMA {count} in 5", moved)
    for fast, slow in CROSSES:
        apart = means[fast] / means[slow] - 1
        yield Column(f"sma_{fast}_{slow}", slow, f"SMA {fast} / SMA {slow} - 1", apart)


def exponential(bars: Bars) -> Columns:
    means = {count: average(bars.close, count) for count in EXPONENTIAL}
    for count, level in means.items():
        yield Column(f"ema_{count}_ratio", 4 * count, f"close / EMA {count} - 1", bars.close / level - 1)
        moved = change(np.log(level), 3)
        yield Column(f"ema_{count}_slope", 4 * count, f"log change of EMA {count} in 3", moved)


def macd(bars: Bars) -> Columns:
    line, signal, histogram = indicators(talib.MACD, 3, bars.close)
    yield Column("macd", 120, "MACD 12/26 / close", line / bars.close)
    yield Column("macd_signal", 120, "its signal 9 / close", signal / bars.close)
    yield Column("macd_histogram", 120, "MACD less signal, / close", histogram / bars.close)
    yield Column("macd_histogram_change", 123, "its change in 3, / close", change(histogram, 3) / bars.close)
    yield Column(
        "macd_cross", 121, "1 or -1 in the bar in which MACD crosses its signal", crossing(line, signal)
    )
    yield Column("macd_above_zero", 120, "1 when MACD is above zero", flag(line > 0, line))


def middle(bars: Bars, count: int) -> Floats:
    return (highest(bars.high, count) + lowest(bars.low, count)) / 2


def ichimoku(bars: Bars) -> Columns:
    conversion, base = middle(bars, 9), middle(bars, 26)
    first, second = lag((conversion + base) / 2, 26), lag(middle(bars, 52), 26)
    above, below = np.maximum(first, second), np.minimum(first, second)
    yield Column("ichimoku_conversion", 9, "close / conversion line - 1", bars.close / conversion - 1)
    yield Column("ichimoku_base", 26, "close / base line - 1", bars.close / base - 1)
    yield Column("ichimoku_lines", 26, "conversion / base - 1", conversion / base - 1)
    yield Column("ichimoku_cloud_top", 78, "close / upper edge of the cloud - 1", bars.close / above - 1)
    yield Column("ichimoku_cloud_depth", 78, "upper / lower edge of the cloud - 1", above / below - 1)
    side = np.sign(np.sign(bars.close - above) + np.sign(bars.close - below))
    yield Column("ichimoku_side", 78, "1 above the cloud, -1 below it, 0 inside", side)


FAMILIES = {
    "simple_averages": simple,
    "exponential_averages": exponential,
    "macd": macd,
    "ichimoku": ichimoku,
}
