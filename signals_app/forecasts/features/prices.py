"""Candles, returns, volume-weighted prices and spreads that candles betray."""

from __future__ import annotations

import numpy as np

from signals_app.forecasts.bars import Bars, Floats
from signals_app.forecasts.features.columns import Column, Columns
from signals_app.forecasts.features.numerics import change, covariance, lag, mean, ratio, total

_CORWIN_SCHULTZ = 3 - 2 * np.sqrt(2)


def typical(bars: Bars) -> Floats:
    return (bars.high + bars.low + bars.close) / 3


def turnover(bars: Bars) -> Floats:
    """In quote units, as candles tell only volume."""
    return typical(bars) * bars.volume


def log_return(bars: Bars, count: int = 1) -> Floats:
    return change(np.log(bars.close), count)


def candle(bars: Bars) -> Columns:
    before = lag(bars.close, 1)
    true_range = np.maximum(bars.high, before) - np.minimum(bars.low, before)
    yield Column("open_gap", 2, "log(open / close before)", np.log(bars.open / before))
    yield Column("high_rise", 1, "log(high / open)", np.log(bars.high / bars.open))
    yield Column("low_fall", 1, "log(low / open)", np.log(bars.low / bars.open))
    yield Column("true_range", 2, "true range / close", true_range / bars.close)
    logged = np.log1p(ratio(bars.volume, mean(bars.volume, 50)))
    yield Column("volume_level", 50, "log(1 + volume / its mean of 50)", logged)
    moved = change(np.log1p(ratio(turnover(bars), mean(turnover(bars), 50))), 1)
    yield Column("turnover_change", 51, "change of log(1 + turnover / its mean of 50)", moved)


def returns(bars: Bars) -> Columns:
    for count in (1, 5, 10, 20):
        yield Column(
            f"log_return_{count}", count + 1, f"log(close / close {count} before)", log_return(bars, count)
        )
    spread = bars.high - bars.low
    yield Column("high_low", 1, "log(high / low)", np.log(bars.high / bars.low))
    yield Column("close_open", 1, "log(close / open)", np.log(bars.close / bars.open))
    yield Column("close_in_bar", 1, "(close - low) / (high - low)", ratio(bars.close - bars.low, spread))
    yield Column(
        "body_share", 1, "|close - open| / (high - low)", ratio(np.abs(bars.close - bars.open), spread)
    )
    volume, paid = bars.volume, turnover(bars)
    yield Column("volume_to_mean", 20, "volume / its mean of 20", ratio(volume, mean(volume, 20)))
    weighted = ratio(paid, mean(paid, 20)) - ratio(volume, mean(volume, 20))
    yield Column("turnover_to_mean", 20, "turnover / its mean of 20, less the same of volume", weighted)


def vwap(bars: Bars, count: int) -> Floats:
    """The close where nothing was traded."""
    paid, traded = total(turnover(bars), count), total(bars.volume, count)
    return np.where(traded > 0, ratio(paid, traded), np.where(np.isnan(traded), np.nan, bars.close))


def weighted_prices(bars: Bars) -> Columns:
    for count in (20, 50):
        yield Column(
            f"vwap_ratio_{count}", count, f"close / VWAP {count} - 1", bars.close / vwap(bars, count) - 1
        )
    average = vwap(bars, 20)
    yield Column("vwap_slope", 25, "log change of VWAP 20 in 5", change(np.log(average), 5))
    yield Column(
        "spread_high_low", 2, "Corwin and Schultz (2012): spread from two candles' ranges", _spread(bars)
    )
    moved = log_return(bars)
    returned = np.maximum(-covariance(moved, lag(moved, 1), 20), 0)
    yield Column(
        "spread_of_returns", 22, "Roll (1984): 2 sqrt(-autocovariance) of 20 returns", 2 * np.sqrt(returned)
    )


def _spread(bars: Bars) -> Floats:
    squared = np.log(bars.high / bars.low) ** 2
    two = np.log(np.maximum(bars.high, lag(bars.high, 1)) / np.minimum(bars.low, lag(bars.low, 1))) ** 2
    beta = squared + lag(squared, 1)
    alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / _CORWIN_SCHULTZ - np.sqrt(two / _CORWIN_SCHULTZ)
    alpha = np.clip(alpha, 0, 1)
    spread: Floats = 2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha))
    return spread


FAMILIES = {"candle": candle, "returns": returns, "weighted_prices": weighted_prices}
