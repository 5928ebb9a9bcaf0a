"""Which way, how strongly and for how long; where the price turned before."""

from __future__ import annotations

import numpy as np
import talib

from signals_app.forecasts.bars import DAY_MS, HOUR_MS, Bars, Floats
from signals_app.forecasts.features.columns import Column, Columns
from signals_app.forecasts.features.numerics import (
    change,
    correlation,
    deviation,
    duration,
    flag,
    highest,
    indicator,
    indicators,
    lag,
    lowest,
    mean,
    ratio,
    slope,
)
from signals_app.forecasts.features.prices import log_return
from signals_app.forecasts.features.volatility import bands, squeezed, true_range


def trend(bars: Bars) -> Columns:
    prices = bars.high, bars.low, bars.close
    strength = indicator(talib.ADX, *prices, timeperiod=14) / 100
    plus, minus = (indicator(one, *prices, timeperiod=14) / 100 for one in (talib.PLUS_DI, talib.MINUS_DI))
    yield Column("adx", 140, "ADX 14, 0 to 1", strength)
    yield Column("plus_di", 70, "+DI 14", plus)
    yield Column("minus_di", 70, "-DI 14", minus)
    yield Column("adxr", 150, "ADXR 14", indicator(talib.ADXR, *prices, timeperiod=14) / 100)
    yield Column("adx_change", 145, "change of ADX in 5", change(strength, 5))
    high, low = highest(bars.high, 14), lowest(bars.low, 14)
    stop = indicator(talib.SAR, bars.high, bars.low, acceleration=0.02, maximum=0.2)
    yield Column(
        "sar_side", 150, "1 when the close is above the parabolic stop, else -1", np.sign(bars.close - stop)
    )
    yield Column("sar_distance", 150, "close / parabolic stop - 1", bars.close / stop - 1)
    yield Column("range_14", 14, "range of 14 / ATR 14", ratio(high - low, true_range(bars, 14)))
    down, up = indicators(talib.AROON, 2, bars.high, bars.low, timeperiod=25)
    yield Column("aroon_up", 26, "Aroon up 25, 0 to 1", up / 100)
    yield Column("aroon_down", 26, "Aroon down 25", down / 100)


def _line(bars: Bars, count: int) -> Floats:
    """Slope of the log price, in deviations of a return."""
    return ratio(slope(np.log(bars.close), count), deviation(log_return(bars), max(count, 20)))


def _fit(bars: Bars, count: int) -> Floats:
    """Correlation of the log price with time: 1 for a straight way up."""
    clock = np.broadcast_to(np.arange(len(bars.times), dtype=np.float64), bars.close.shape)
    return correlation(np.log(bars.close / mean(bars.close, 100)), np.ascontiguousarray(clock), count)


def rally(bars: Bars) -> Columns:
    hour, day = bars.bars_in(HOUR_MS), bars.bars_in(DAY_MS)
    four = 4 * hour
    momentum = {count: log_return(bars, count) for count in (hour, four, day)}
    for name, count in (("1h", hour), ("4h", four), ("24h", day)):
        yield Column(f"momentum_{name}", count + 1, f"log return of {name}", momentum[count])
    faster = momentum[hour] - lag(momentum[hour], hour)
    yield Column("acceleration", 2 * hour + 1, "momentum of 1h less that of the hour before", faster)
    for name, count in (("1h", max(hour, 3)), ("4h", four)):
        yield Column(f"trend_{name}", 21, f"slope of log closes of {name}, in deviations", _line(bars, count))
    for name, count in (("4h", four), ("12h", 3 * four)):
        yield Column(
            f"trend_strength_{name}",
            100 + count,
            f"correlation of log close and time, {name}",
            _fit(bars, count),
        )
    high, low = highest(bars.high, day), lowest(bars.low, day)
    spread = true_range(bars, 14)
    yield Column("below_day_high", day, "(highest of 24h - close) / ATR 14", ratio(high - bars.close, spread))
    yield Column("above_day_low", day, "(close - lowest of 24h) / ATR 14", ratio(bars.close - low, spread))
    rising = flag(bars.close > mean(bars.close, 10), mean(bars.close, 10))
    yield Column("rally_strength", 30, "share of 20 closes above SMA 10, less a half", mean(rising, 20) - 0.5)
    lasted = np.minimum(duration(rising), 50) - np.minimum(duration(1 - rising), 50)
    yield Column("rally_bars", 60, "for how many bars above SMA 10; below it negative; up to 50", lasted)


def structure(bars: Bars) -> Columns:
    floor, roof = lag(lowest(bars.low, 20), 1), lag(highest(bars.high, 20), 1)
    spread = true_range(bars, 14)
    sprung = flag((bars.low < floor) & (bars.close > floor), floor) - flag(
        (bars.high > roof) & (bars.close < roof), roof
    )
    yield Column("spring", 21, "1: went below the lowest of 20 and came back; -1: the same above", sprung)
    higher = mean(flag(change(bars.low, 1) > 0, change(bars.low, 1)), 10)
    lower = mean(flag(change(bars.high, 1) < 0, change(bars.high, 1)), 10)
    yield Column("structure_up", 11, "share of 10 candles with a higher low", higher)
    yield Column("structure_down", 11, "share of 10 candles with a lower high", lower)
    _, reach = bands(bars)
    yield Column(
        "bands_in_channel",
        80,
        "2 deviations of 20 closes / (1.5 ATR 20)",
        ratio(reach, 1.5 * true_range(bars, 20)),
    )
    edge = ratio(bars.close - (roof + floor) / 2, roof - floor)
    yield Column(
        "breakout_chance",
        70,
        "nearness to the edge of 20, more while bands are narrow",
        np.abs(edge) * (1 + squeezed(bars)),
    )
    yield Column("reversion", 51, "-(close - SMA 50) / deviation of 50, beyond 1", _beyond(bars))
    yield Column(
        "continuation", 22, "return of 5 in the direction of that of 20, in deviations", _continued(bars)
    )
    below, above = (
        ratio(bars.close - lowest(bars.low, 50), spread),
        ratio(highest(bars.high, 50) - bars.close, spread),
    )
    yield Column("support", 50, "(close - lowest of 50) / ATR 14", below)
    yield Column("resistance", 50, "(highest of 50 - close) / ATR 14", above)
    yield Column("support_share", 50, "support / (support + resistance)", ratio(below, below + above))


def _beyond(bars: Bars) -> Floats:
    away = ratio(bars.close - mean(bars.close, 50), deviation(bars.close, 50))
    back: Floats = -np.sign(away) * np.maximum(np.abs(away) - 1, 0)
    return back


def _continued(bars: Bars) -> Floats:
    moved = ratio(log_return(bars, 5), deviation(log_return(bars), 20))
    return moved * np.sign(log_return(bars, 20))


FAMILIES = {"trend": trend, "rally": rally, "structure": structure}
