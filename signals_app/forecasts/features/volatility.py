"""Ranges, bands, channels and how wide they are."""

from __future__ import annotations

import numpy as np
import talib

from signals_app.forecasts.bars import Bars, Floats
from signals_app.forecasts.features.columns import Column, Columns
from signals_app.forecasts.features.numerics import (
    average,
    change,
    deviation,
    duration,
    flag,
    highest,
    indicator,
    lag,
    lowest,
    mean,
    rank,
    ratio,
)
from signals_app.forecasts.features.prices import log_return


def true_range(bars: Bars, count: int) -> Floats:
    return indicator(talib.ATR, bars.high, bars.low, bars.close, timeperiod=count)


def bands(bars: Bars) -> tuple[Floats, Floats]:
    """The middle and how far the upper band is from it: two deviations of 20 closes."""
    return mean(bars.close, 20), 2 * deviation(bars.close, 20)


def squeezed(bars: Bars) -> Floats:
    middle, reach = bands(bars)
    width = ratio(reach, middle)
    return flag(rank(width, 50) < -0.6, rank(width, 50))


def bollinger(bars: Bars) -> Columns:
    middle, reach = bands(bars)
    upper, lower = middle + reach, middle - reach
    width, squeeze = ratio(reach, middle), squeezed(bars)
    yield Column(
        "bollinger_position", 20, "(close - middle) / distance of the band", ratio(bars.close - middle, reach)
    )
    yield Column("bollinger_width", 20, "2 deviations of 20 closes / their mean", width)
    yield Column("bollinger_width_change", 25, "log change of the width in 5", _logged_change(width))
    yield Column("bollinger_width_rank", 70, "rank of the width among 50, -1 to 1", rank(width, 50))
    yield Column("bollinger_squeeze", 70, "1 when the width ranks in the lowest fifth of 50", squeeze)
    yield Column(
        "bollinger_squeeze_bars",
        170,
        "for how many bars it has been, up to 100",
        np.minimum(duration(squeeze), 100),
    )
    yield Column("bollinger_break_up", 20, "1 when close > upper band", flag(bars.close > upper, upper))
    yield Column("bollinger_break_down", 20, "1 when close < lower band", flag(bars.close < lower, lower))
    strength = np.maximum(bars.close - upper, 0) - np.maximum(lower - bars.close, 0)
    yield Column(
        "bollinger_break_strength", 20, "how far beyond a band, / its distance", ratio(strength, reach)
    )
    walk = mean(np.sign(bars.close - middle), 10)
    yield Column("bollinger_walk", 30, "mean side of the middle in 10 bars, -1 to 1", walk)


def _logged_change(width: Floats) -> Floats:
    return change(np.log(np.maximum(width, 1e-9)), 5)


def spans(bars: Bars) -> Columns:
    yield Column("atr_14", 70, "ATR 14 / close", true_range(bars, 14) / bars.close)
    yield Column("atr_21", 105, "ATR 21 / close", true_range(bars, 21) / bars.close)
    yield Column("atr_7_30", 120, "ATR 7 / ATR 30 - 1", ratio(true_range(bars, 7), true_range(bars, 30)) - 1)
    moved = log_return(bars)
    for count in (10, 20, 30):
        yield Column(
            f"deviation_{count}", count + 1, f"deviation of {count} log returns", deviation(moved, count)
        )
    regime = ratio(deviation(moved, 10), deviation(moved, 60))
    yield Column("volatility_regime", 61, "deviation of 10 returns / of 60", regime)
    span = bars.high - bars.low
    yield Column("range_expansion", 20, "high - low / its mean of 20", ratio(span, mean(span, 20)))


def channels(bars: Bars) -> Columns:
    middle, spread = average(bars.close, 20), 2 * true_range(bars, 10)
    position = ratio(bars.close - middle, spread)
    yield Column("keltner_position", 80, "(close - EMA 20) / (2 ATR 10)", position)
    yield Column("keltner_width", 80, "2 ATR 10 / EMA 20", spread / middle)
    yield Column(
        "keltner_break",
        80,
        "1 above the channel, -1 below it",
        np.where(np.abs(position) > 1, np.sign(position), 0 * position),
    )
    for count in (20, 55):
        high, low = highest(bars.high, count), lowest(bars.low, count)
        inside = ratio(bars.close - low, high - low)
        yield Column(f"donchian_position_{count}", count, f"(close - lowest) / range of {count}", inside)
        yield Column(f"donchian_width_{count}", count, f"range of {count} / close", (high - low) / bars.close)
    before = lag(highest(bars.high, 20), 1)
    yield Column(
        "donchian_break", 21, "1 above the highest of 20 before, -1 below the lowest", _break(bars, before)
    )


def _break(bars: Bars, high: Floats) -> Floats:
    low = lag(lowest(bars.low, 20), 1)
    return flag(bars.close > high, high) - flag(bars.close < low, low)


FAMILIES = {"bollinger": bollinger, "spans": spans, "channels": channels}
