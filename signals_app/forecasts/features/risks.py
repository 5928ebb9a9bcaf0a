"""What a leveraged position would have lived through, and what a signal here would be worth."""

from __future__ import annotations

import numpy as np
import talib

from signals_app.forecasts.bars import DAY_MS, Bars, Floats
from signals_app.forecasts.features.columns import Column, Columns
from signals_app.forecasts.features.numerics import (
    average,
    change,
    deviation,
    flag,
    highest,
    indicator,
    indicators,
    lowest,
    mean,
    ratio,
    root_mean,
    z_score,
)
from signals_app.forecasts.features.oscillators import divergences
from signals_app.forecasts.features.prices import log_return
from signals_app.forecasts.features.volatility import bands, true_range

LEVERAGE, MAINTENANCE = 10, 0.005  # liquidations are reckoned for: usual for the contracts that are traded


def futures(bars: Bars) -> Columns:
    yield from _liquidation(bars)
    yield from _leverage(bars)
    yield from _holding(bars)
    yield from _losses(bars)


def _liquidation(bars: Bars) -> Columns:
    day = bars.bars_in(DAY_MS)
    away = 1 / LEVERAGE - MAINTENANCE
    fall, rise = 1 - lowest(bars.low, day) / bars.close, highest(bars.high, day) / bars.close - 1
    yield Column(
        "long_liquidation_distance", day, "10x: (0.095 - fall to the lowest of 24h) / 0.095", 1 - fall / away
    )
    yield Column(
        "short_liquidation_distance",
        day,
        "10x: (0.095 - rise to the highest of 24h) / 0.095",
        1 - rise / away,
    )
    worst, best = _swings(bars, day)
    yield Column("long_liquidation_risk", 2 * day, "deepest fall from a 4h high in 24h / 0.095", worst / away)
    yield Column("short_liquidation_risk", 2 * day, "highest rise from a 4h low in 24h / 0.095", best / away)


def _leverage(bars: Bars) -> Columns:
    moved = log_return(bars)
    away = 1 / LEVERAGE - MAINTENANCE
    variance = np.maximum(mean(moved**2, 48), 1e-12)
    yield Column(
        "optimal_leverage",
        49,
        "mean / variance of 48 returns (Kelly), -20 to 20",
        np.clip(mean(moved, 48) / variance, -20, 20),
    )
    safe = ratio(np.full_like(moved, away), 4 * np.sqrt(variance * 16))
    yield Column(
        "safe_leverage",
        49,
        "how often 4 deviations of 16 bars fit into 0.095, up to 20",
        np.minimum(safe, 20),
    )
    yield Column(
        "leverage_headroom",
        70,
        "log(0.095 / (3 ATR 14 / close))",
        np.log(away / np.maximum(3 * true_range(bars, 14) / bars.close, 1e-9)),
    )
    yield Column(
        "cascade_risk",
        51,
        "sizes of return and volume, in deviations of 50, multiplied",
        _cascade(bars, moved),
    )


def _holding(bars: Bars) -> Columns:
    moved = log_return(bars)
    premium = bars.close / average(bars.close, 32) - 1
    yield Column("funding_proxy", 140, "mean of 32 of close / EMA 32 - 1", mean(premium, 32))
    yield Column(
        "holding_cost",
        140,
        "its size against a deviation of 20 returns",
        ratio(np.abs(mean(premium, 32)), deviation(moved, 20)),
    )


def _losses(bars: Bars) -> Columns:
    moved = log_return(bars)
    yield Column(
        "value_at_risk",
        97,
        "mean - 1.645 deviations of 96 log returns",
        mean(moved, 96) - 1.645 * deviation(moved, 96),
    )
    down, up = np.minimum(moved, 0), np.maximum(moved, 0)
    yield Column("downside", 49, "root mean square of 48 falls", root_mean(down**2, 48))
    yield Column(
        "upside_share",
        49,
        "of 48 squared returns, those of rises",
        ratio(mean(up**2, 48), mean(moved**2, 48)),
    )
    yield Column("worst_return", 49, "lowest of 48 log returns", lowest(moved, 48))


def _swings(bars: Bars, day: int) -> tuple[Floats, Floats]:
    fall = 1 - bars.low / highest(bars.high, 16)
    rise = bars.high / lowest(bars.low, 16) - 1
    return highest(fall, day), highest(rise, day)


def _cascade(bars: Bars, moved: Floats) -> Floats:
    return np.abs(ratio(moved, deviation(moved, 50))) * np.maximum(z_score(bars.volume, 50), 0)


def votes(bars: Bars) -> list[Floats]:
    """What usual indicators say, each between -1 for short and 1 for long."""
    strength = indicator(talib.RSI, bars.close, timeperiod=14) / 50 - 1
    _, _, histogram = indicators(talib.MACD, 3, bars.close)
    plus = indicator(talib.PLUS_DI, bars.high, bars.low, bars.close, timeperiod=14)
    minus = indicator(talib.MINUS_DI, bars.high, bars.low, bars.close, timeperiod=14)
    middle, reach = bands(bars)
    spread = true_range(bars, 14)
    raw = [
        2 * strength,
        2 * ratio(histogram, spread),
        (plus - minus) / 25,
        ratio(bars.close - middle, reach),
        ratio(bars.close - mean(bars.close, 50), 3 * spread),
        log_return(bars, 10) / np.maximum(3 * deviation(log_return(bars), 20), 1e-9),
    ]
    return [np.clip(one, -1, 1) for one in raw]


def signal_quality(bars: Bars) -> Columns:
    said = votes(bars)
    stacked = np.stack(said)
    sides = np.sign(np.where(np.abs(stacked) > 0.2, stacked, 0 * stacked))
    strength = stacked.mean(axis=0)
    yield Column("signal_strength", 120, "mean of six indicators' votes, -1 to 1", strength)
    yield Column("signal_consistency", 129, "mean of its signs of 10", mean(np.sign(strength), 10))
    yield Column("long_consensus", 120, "sum of the votes for long / 6", np.maximum(stacked, 0).mean(axis=0))
    yield Column(
        "short_consensus", 120, "sum of the votes for short / 6", np.maximum(-stacked, 0).mean(axis=0)
    )
    known = strength
    yield Column("long_count", 120, "votes above 0.2", flag(sides > 0, *([known])).sum(axis=0))
    yield Column("short_count", 120, "votes below -0.2", flag(sides < 0, *([known])).sum(axis=0))
    up, down = divergences(bars, said[0])
    changed, spread = change(strength, 5), true_range(bars, 14)
    yield Column(
        "divergence_count", 140, "divergences of RSI in 20 bars, up less down", mean(up - down, 20) * 20
    )
    yield Column(
        "confirmation",
        120,
        "strength x volume in deviations of 20",
        strength * np.clip(z_score(bars.volume, 20), -2, 2),
    )
    yield Column("entry_quality", 125, "strength less its change in 5: not chasing", strength - changed)
    gain, loss = highest(bars.high, 30) - bars.close, bars.close - lowest(bars.low, 30)
    yield Column(
        "reward_to_risk",
        120,
        "log of way up / way down of 30, each at least ATR / 2",
        _log_ratio(gain, loss, spread),
    )


def _log_ratio(gain: Floats, loss: Floats, spread: Floats) -> Floats:
    least = np.maximum(spread / 2, 1e-300)
    return np.log(np.maximum(gain, least) / np.maximum(loss, least))


FAMILIES = {"futures": futures, "signal_quality": signal_quality}
