"""The hour, the other contracts, yesterday's levels and the shapes of candles."""

from __future__ import annotations

import itertools

import numpy as np
import talib

from signals_app.forecasts.bars import DAY_MS, HOUR_MS, Bars, Floats
from signals_app.forecasts.features.columns import Column, Columns
from signals_app.forecasts.features.numerics import (
    change,
    correlation,
    covariance,
    deviation,
    flag,
    indicator,
    mean,
    ratio,
    total,
)
from signals_app.forecasts.features.prices import log_return, vwap
from signals_app.forecasts.features.volatility import true_range

WEEK_BEGINS = 3  # days before the first Monday of the epoch
LEADER = "BTC"


def hours(bars: Bars) -> Columns:
    days = bars.times // DAY_MS
    hour = bars.times % DAY_MS / HOUR_MS
    weekday = (days + WEEK_BEGINS) % 7
    dates = (bars.times * 1_000_000).astype("datetime64[ns]")
    month = dates.astype("datetime64[M]").astype(np.int64) % 12
    day = (dates.astype("datetime64[D]") - dates.astype("datetime64[M]")).astype(np.int64)
    told = {
        "hour": (np.floor(hour), "UTC hour of the opening"),
        "minute": (bars.times % HOUR_MS / 60_000, "minute of it"),
        "weekday": (weekday, "Monday is 0"),
        "day_of_month": (day + 1, "1 to 31"),
        "month": (month + 1, "1 to 12"),
        "hour_sin": (np.sin(2 * np.pi * hour / 24), "sine of the time of day"),
        "hour_cos": (np.cos(2 * np.pi * hour / 24), "cosine of the time of day"),
        "weekday_sin": (np.sin(2 * np.pi * (weekday + hour / 24) / 7), "sine of the time of the week"),
        "weekday_cos": (np.cos(2 * np.pi * (weekday + hour / 24) / 7), "cosine of the time of the week"),
        "is_weekend": (weekday >= 5, "1 on Saturday and Sunday"),
        "is_asia": (hour < 8, "1 from 00 to 08 UTC"),
        "is_america": ((hour >= 13) & (hour < 21), "1 from 13 to 21 UTC"),
        "is_overlap": ((hour >= 13) & (hour < 16), "1 while Europe and America trade, 13 to 16 UTC"),
    }
    for name, (values, formula) in told.items():
        yield Column(
            name,
            1,
            formula,
            np.ascontiguousarray(np.broadcast_to(np.asarray(values, float), bars.close.shape)),
        )


def _leader(bars: Bars, moved: Floats) -> Floats:
    """Returns of BTC, where it is not known of all: whom the others follow."""
    rows = [row for row, symbol in enumerate(bars.symbols) if symbol.startswith(LEADER)]
    market = _market(moved)
    one = np.where(np.isnan(moved[rows[0]]), market, moved[rows[0]]) if rows else market
    return _everyone(one, moved)


def _market(values: Floats) -> Floats:
    """The mean of the contracts that are known at each time."""
    known = np.isfinite(values)
    counted = known.sum(axis=0)
    summed = np.where(known, values, 0).sum(axis=0)
    return np.where(counted > 0, summed / np.maximum(counted, 1), np.nan)


def others(bars: Bars) -> Columns:
    moved = log_return(bars)
    leader = _leader(bars, moved)
    beta = np.clip(ratio(covariance(moved, leader, 50), deviation(leader, 50) ** 2), -5, 5)
    own = moved - beta * leader
    yield Column("leader_correlation", 51, "of 50 returns with BTC's", correlation(moved, leader, 50))
    yield Column("leader_beta", 51, "slope of 50 returns on BTC's, -5 to 5", beta)
    yield Column("own_volatility", 101, "deviation of 50 returns less beta x BTC's", deviation(own, 50))
    yield Column("own_return", 61, "sum of 10 of them", total(own, 10))
    market = _everyone(_market(moved), moved)
    yield Column("market_return", 11, "mean return of all contracts, sum of 10", total(market, 10))
    relative = total(moved - market, 20)
    yield Column("strength_to_market", 21, "sum of 20 returns less the market's", relative)
    yield Column("strength_to_market_mean", 40, "its mean of 20", mean(relative, 20))
    yield Column("momentum_place", 21, "place by that among all, -1 to 1", _places(relative))
    above = flag(bars.close > mean(bars.close, 50), mean(bars.close, 50))
    yield Column("market_breadth", 50, "share of contracts above SMA 50", _everyone(_market(above), moved))
    apart = np.sqrt(np.maximum(_market(moved**2) - _market(moved) ** 2, 0))
    yield Column(
        "market_dispersion",
        12,
        "deviation among contracts' returns, mean of 10",
        mean(_everyone(apart, moved), 10),
    )


def _everyone(one: Floats, like: Floats) -> Floats:
    return np.ascontiguousarray(np.broadcast_to(one, like.shape))


def _places(values: Floats) -> Floats:
    order = np.argsort(np.argsort(values, axis=0), axis=0)
    return np.where(np.isnan(values), np.nan, 2 * order / max(1, values.shape[0] - 1) - 1)


def days(bars: Bars) -> Columns:
    today, before = _today(bars), _yesterday(bars)
    spread = true_range(bars, 14)
    high, low, close = before
    pivot = (high + low + close) / 3
    levels = {
        "pivot": (pivot, "yesterday's (high + low + close) / 3"),
        "pivot_s1": (2 * pivot - high, "2 pivot - yesterday's high"),
        "pivot_s2": (pivot - (high - low), "pivot - yesterday's range"),
        "pivot_r1": (2 * pivot - low, "2 pivot - yesterday's low"),
        "pivot_r2": (pivot + (high - low), "pivot + yesterday's range"),
    }
    day = 2 * bars.bars_in(DAY_MS)
    for name, (level, formula) in levels.items():
        yield Column(name, day, f"(close - ({formula})) / ATR 14", ratio(bars.close - level, spread))
    reach = today[1] - today[2]
    yield Column("day_range", day, "today's high - low, / yesterday's", ratio(reach, high - low))
    yield Column(
        "day_position", day, "(close - today's low) / today's range", ratio(bars.close - today[2], reach)
    )
    yield Column("day_change", day, "log(close / today's open)", np.log(bars.close / today[0]))
    yield Column(
        "yesterday_change", day, "log(yesterday's close / its middle)", np.log(close / ((high + low) / 2))
    )
    weighted = ratio(total(bars.close * bars.volume, 30), total(bars.volume, 30))
    level = np.where(weighted > 0, weighted, vwap(bars, 30))
    yield Column("vwma_ratio", 30, "close / volume-weighted mean of 30 closes - 1", bars.close / level - 1)
    yield Column("vwma_slope", 35, "log change of it in 5", change(np.log(level), 5))


def _spans(bars: Bars) -> list[slice]:
    """The columns of each UTC day."""
    starts = np.flatnonzero(np.diff(bars.times // DAY_MS)) + 1
    edges = [0, *starts.tolist(), len(bars.times)]
    return [slice(first, last) for first, last in itertools.pairwise(edges)]


def _today(bars: Bars) -> tuple[Floats, Floats, Floats]:
    """Open, high and low so far of the candle's own day."""
    opened, high, low = (np.empty_like(bars.close) for _ in range(3))
    for span in _spans(bars):
        opened[:, span] = bars.open[:, span.start : span.start + 1]
        high[:, span] = np.fmax.accumulate(bars.high[:, span], axis=1)
        low[:, span] = np.fmin.accumulate(bars.low[:, span], axis=1)
    return opened, high, low


def _yesterday(bars: Bars) -> tuple[Floats, Floats, Floats]:
    """High, low and close of the whole day before; unknown where the past does not hold all of it."""
    found = np.full((3, *bars.close.shape), np.nan)
    spans = _spans(bars)
    for before, span in itertools.pairwise(spans):
        if before.stop - before.start == bars.bars_in(DAY_MS):
            found[0][:, span] = bars.high[:, before].max(axis=1, keepdims=True)
            found[1][:, span] = bars.low[:, before].min(axis=1, keepdims=True)
            found[2][:, span] = bars.close[:, before.stop - 1 : before.stop]
    return found[0], found[1], found[2]


def shapes(bars: Bars) -> Columns:
    prices = bars.open, bars.high, bars.low, bars.close
    known = {
        "doji": (talib.CDLDOJI, 11),
        "hammer": (talib.CDLHAMMER, 12),
        "engulfing": (talib.CDLENGULFING, 3),
        "morning_star": (talib.CDLMORNINGSTAR, 13),
        "evening_star": (talib.CDLEVENINGSTAR, 13),
        "three_soldiers": (talib.CDL3WHITESOLDIERS, 14),
    }
    for name, (function, window) in known.items():
        found = indicator(function, *prices) / 100
        yield Column(
            name, window, f"TA-Lib {function.__name__} / 100", np.where(np.isnan(bars.close), np.nan, found)
        )


FAMILIES = {"hours": hours, "others": others, "days": days, "shapes": shapes}
