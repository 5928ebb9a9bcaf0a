"""Relative strength, stochastics and other oscillators."""

from __future__ import annotations

import talib

from signals_app.forecasts.bars import Bars, Floats
from signals_app.forecasts.features.columns import Column, Columns
from signals_app.forecasts.features.numerics import (
    average,
    change,
    flag,
    highest,
    indicator,
    indicators,
    lag,
    lowest,
    ratio,
)


def relative_strength(bars: Bars) -> Columns:
    strengths = {count: indicator(talib.RSI, bars.close, timeperiod=count) / 100 for count in (7, 14, 21, 30)}
    for count, values in strengths.items():
        yield Column(f"rsi_{count}", 5 * count, f"RSI {count}, 0 to 1", values)
    usual = strengths[14]
    yield Column("rsi_overbought", 70, "1 when RSI 14 > 0.7", flag(usual > 0.7, usual))
    yield Column("rsi_oversold", 70, "1 when RSI 14 < 0.3", flag(usual < 0.3, usual))
    up, down = divergences(bars, usual)
    yield Column("rsi_divergence_up", 91, "lowest close of 20, RSI 14 above its lowest of 20", up)
    yield Column("rsi_divergence_down", 91, "highest close of 20, RSI 14 below its highest of 20", down)
    yield Column("rsi_change", 75, "change of RSI 14 in 5", change(usual, 5))


def divergences(bars: Bars, strength: Floats) -> tuple[Floats, Floats]:
    """The price makes a new extreme of 20 candles and the strength does not come along."""
    low, high = lag(lowest(bars.close, 20), 1), lag(highest(bars.close, 20), 1)
    weak, strong = lag(lowest(strength, 20), 1), lag(highest(strength, 20), 1)
    known = (low, weak, strength)
    up = flag((bars.close <= low) & (strength > weak + 0.02), *known)
    return up, flag((bars.close >= high) & (strength < strong - 0.02), *known)


def stochastic(bars: Bars) -> Columns:
    slow, signal = indicators(
        talib.STOCH, 2, bars.high, bars.low, bars.close, fastk_period=14, slowk_period=3, slowd_period=3
    )
    slow, signal = slow / 100, signal / 100
    yield Column("stochastic_k", 18, "slow %K 14/3, 0 to 1", slow)
    yield Column("stochastic_d", 20, "%D 3 of it", signal)
    yield Column("stochastic_gap", 20, "%K less %D", slow - signal)
    yield Column("stochastic_overbought", 18, "1 when %K > 0.8", flag(slow > 0.8, slow))
    yield Column("stochastic_oversold", 18, "1 when %K < 0.2", flag(slow < 0.2, slow))


def oscillators(bars: Bars) -> Columns:
    channel = indicator(talib.CCI, bars.high, bars.low, bars.close, timeperiod=20) / 200
    yield Column("cci", 20, "CCI 20 / 200", channel)
    yield Column("cci_high", 20, "1 when CCI 20 > 100", flag(channel > 0.5, channel))
    yield Column("cci_low", 20, "1 when CCI 20 < -100", flag(channel < -0.5, channel))
    williams = indicator(talib.WILLR, bars.high, bars.low, bars.close, timeperiod=21) / 100
    yield Column("williams_r", 21, "Williams %R 21, -1 to 0", williams)
    ultimate = indicator(talib.ULTOSC, bars.high, bars.low, bars.close) / 100
    yield Column("ultimate", 29, "ultimate oscillator 7/14/28, 0 to 1", ultimate)
    yield Column("rate_of_change", 15, "close / close 14 before - 1", bars.close / lag(bars.close, 14) - 1)
    yield Column("trix", 60, "TRIX 15, percent", indicator(talib.TRIX, bars.close, timeperiod=15))
    adaptive = indicator(talib.KAMA, bars.close, timeperiod=20)
    yield Column("kama_ratio", 100, "close / KAMA 20 - 1", bars.close / adaptive - 1)


def more(bars: Bars) -> Columns:
    yield Column("ppo", 60, "percentage price oscillator 5/35 by EMA", _ppo(bars))
    power = average(bars.close, 13)
    spread = indicator(talib.ATR, bars.high, bars.low, bars.close, timeperiod=14)
    yield Column("elder_bull", 70, "(high - EMA 13) / ATR 14", ratio(bars.high - power, spread))
    yield Column("elder_bear", 70, "(low - EMA 13) / ATR 14", ratio(bars.low - power, spread))
    momentum = indicator(talib.CMO, bars.close, timeperiod=9) / 100
    yield Column("chande", 45, "Chande momentum 9, -1 to 1", momentum)
    fast, _ = indicators(talib.STOCHRSI, 2, bars.close, timeperiod=14)
    yield Column("stochastic_rsi", 80, "fast %K of RSI 14, 0 to 1", fast / 100)
    yield Column(
        "cci_50",
        50,
        "CCI 50 / 200",
        indicator(talib.CCI, bars.high, bars.low, bars.close, timeperiod=50) / 200,
    )


def _ppo(bars: Bars) -> Floats:
    return average(bars.close, 5) / average(bars.close, 35) - 1


FAMILIES = {
    "relative_strength": relative_strength,
    "stochastic": stochastic,
    "oscillators": oscillators,
    "more_oscillators": more,
}
