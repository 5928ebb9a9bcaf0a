"""Volume, and what candles betray of who traded and how deep the market is."""

from __future__ import annotations

import numpy as np

from signals_app.forecasts.bars import Bars, Floats
from signals_app.forecasts.features.columns import Column, Columns
from signals_app.forecasts.features.numerics import (
    change,
    correlation,
    covariance,
    deviation,
    flag,
    lag,
    mean,
    rank,
    ratio,
    slope,
    total,
    z_score,
)
from signals_app.forecasts.features.oscillators import divergences
from signals_app.forecasts.features.prices import log_return, turnover


def place_in_bar(bars: Bars) -> Floats:
    """-1 for a close at the low, 1 for one at the high."""
    return ratio(2 * bars.close - bars.high - bars.low, bars.high - bars.low)


def balance(bars: Bars) -> Floats:
    """On-balance volume of a window that every history holds whole: its start would shift it otherwise."""
    return total(np.sign(change(bars.close, 1)) * bars.volume, 50)


def volume(bars: Bars) -> Columns:
    usual = mean(bars.volume, 50)
    held = ratio(balance(bars), 50 * usual)
    yield Column("obv", 51, "signed volume of 50 / volume of 50", held)
    yield Column("obv_to_mean", 71, "the same less its mean of 20", held - mean(held, 20))
    yield Column("obv_trend", 61, "its slope in 10", slope(held, 10))
    up, down = divergences(bars, held)
    yield Column("obv_divergence", 71, "1 or -1: price at an extreme of 20 and OBV is not", up - down)
    flow = _money_flow(bars)
    yield Column("mfi", 15, "money flow index 14, 0 to 1; 0.5 where none flows", flow)
    yield Column("mfi_overbought", 15, "1 when MFI > 0.8", flag(flow > 0.8, flow))
    yield Column("mfi_oversold", 15, "1 when MFI < 0.2", flag(flow < 0.2, flow))
    signed = place_in_bar(bars) * bars.volume
    yield Column(
        "chaikin_flow", 20, "Chaikin money flow 20", ratio(total(signed, 20), total(bars.volume, 20))
    )
    pressed = ratio(mean(signed, 3) - mean(signed, 10), usual)
    yield Column("accumulation", 50, "money flow volume: mean of 3 less of 10, / mean volume of 50", pressed)
    yield Column("volume_z", 20, "volume in deviations from its mean of 20", z_score(bars.volume, 20))


def _money_flow(bars: Bars) -> Floats:
    """The library's own takes little money, or little of a dear unit, for none."""
    typical = (bars.high + bars.low + bars.close) / 3
    money, way = typical * bars.volume, np.sign(change(typical, 1))
    return 0.5 + 0.5 * ratio(total(way * money, 14), total(np.abs(way) * money, 14))


def microstructure(bars: Bars) -> Columns:
    yield from _flow(bars)
    yield from _impacts(bars)
    yield from _liquidity(bars)


def _signed(bars: Bars) -> Floats:
    return ratio(np.sign(bars.close - bars.open) * bars.volume, mean(bars.volume, 50))


def _flow(bars: Bars) -> Columns:
    usual, signed = mean(bars.volume, 50), _signed(bars)
    direction = np.sign(bars.close - bars.open)
    yield Column("direction", 1, "sign of close - open", direction)
    yield Column("signed_volume", 50, "direction x volume / mean volume of 50", signed)
    for count in (5, 20):
        imbalance = ratio(total(direction * bars.volume, count), total(bars.volume, count))
        yield Column(f"volume_imbalance_{count}", count, f"signed volume / volume, of {count}", imbalance)
    flow = ratio(place_in_bar(bars) * bars.volume, usual)
    yield Column(
        "flow_imbalance",
        59,
        "(2 close - high - low) / range x volume / mean of 50; mean of 10",
        mean(flow, 10),
    )
    yield Column(
        "flow_persistence",
        71,
        "correlation of that flow with the one before, of 20",
        correlation(flow, lag(flow, 1), 20),
    )


def _impacts(bars: Bars) -> Columns:
    moved, signed = log_return(bars), _signed(bars)
    impact = ratio(np.abs(moved), ratio(turnover(bars), mean(turnover(bars), 50)))
    yield Column(
        "amihud",
        100,
        "Amihud (2002): |return| per turnover, / its mean of 50",
        ratio(impact, mean(impact, 50)),
    )
    yield Column(
        "amihud_mean", 120, "mean of 10 of it / mean of 70", ratio(mean(impact, 10), mean(impact, 70))
    )
    yield Column(
        "kyle_lambda",
        71,
        "slope of returns on signed volume of 20, / deviation of 20 returns",
        _kyle(moved, signed),
    )
    yield Column(
        "price_impact", 51, "return per volume / mean of 50, in deviations of 20", _impact(bars, moved)
    )
    yield Column("price_impact_log", 51, "log(1 + its size)", np.log1p(np.abs(_impact(bars, moved))))


def _liquidity(bars: Bars) -> Columns:
    moved, signed = log_return(bars), _signed(bars)
    toxic = ratio(total(np.abs(signed), 50) - np.abs(total(signed, 50)), total(np.abs(signed), 50))
    yield Column("toxicity", 99, "1 - share of balanced volume among 50, after Easley (2012)", 1 - toxic)
    liquidity = ratio(turnover(bars), mean(turnover(bars), 50)) / (1 + 100 * np.abs(moved))
    yield Column("liquidity", 50, "turnover / mean of 50, less for larger moves", liquidity)
    yield Column("liquidity_rank", 99, "its rank among 50, -1 to 1", rank(liquidity, 50))
    spiked = z_score(bars.volume, 50)
    yield Column(
        "volume_spike", 50, "1 when volume is 2 deviations above its mean of 50", flag(spiked > 2, spiked)
    )
    yield Column("volume_spike_size", 50, "how far beyond them", np.maximum(spiked - 2, 0))


def _kyle(moved: Floats, signed: Floats) -> Floats:
    spread = deviation(signed, 20) ** 2
    return ratio(ratio(covariance(moved, signed, 20), spread), deviation(moved, 20))


def _impact(bars: Bars, moved: Floats) -> Floats:
    volume = np.maximum(ratio(bars.volume, mean(bars.volume, 50)), 0.05)
    return ratio(moved, deviation(moved, 20)) / volume


FAMILIES = {"volume": volume, "microstructure": microstructure}
