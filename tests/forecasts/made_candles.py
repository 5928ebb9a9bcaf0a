"""Candles that are made: of noise, and of noise with a rule in it that can be learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from signals_app.forecasts.bars import Bars

STEP_MS, BEGIN_MS = 900_000, 1_735_689_600_000  # 2025-01-01
PRICES = {"BTCUSDT": 97_000.0, "ETHUSDT": 3_400.0, "SOLUSDT": 190.0, "XRPUSDT": 2.1}


def bars_from(returns: npt.NDArray[np.float64], seed: int, symbols: tuple[str, ...] | None = None) -> Bars:
    """(contracts, times) log returns become candles whose bodies they are."""
    rng = np.random.default_rng(seed)
    names = symbols or tuple(PRICES)[: returns.shape[0]]
    starts = np.array([[PRICES.get(name, 100.0)] for name in names])
    close = starts * np.exp(np.cumsum(returns, axis=1))
    opened = np.concatenate([starts, close[:, :-1]], axis=1)
    reach = np.abs(rng.normal(0, 0.001, (2, *returns.shape)))
    high, low = np.maximum(opened, close) * (1 + reach[0]), np.minimum(opened, close) * (1 - reach[1])
    volume = rng.lognormal(3, 0.5, returns.shape)
    times = BEGIN_MS + STEP_MS * np.arange(returns.shape[1], dtype=np.int64)
    return Bars(names, times, opened, high, low, close, volume)


def noise(times: int, contracts: int = 2, seed: int = 1) -> Bars:
    """Each return is drawn for itself: nobody can foresee it."""
    return bars_from(np.random.default_rng(seed).normal(0, 0.003, (contracts, times)), seed)


def pattern(times: int, contracts: int = 2, seed: int = 1) -> Bars:
    """Drifts that last about eight hours and turn without warning, told by their volume: who looks at the last move
    alone is wrong more often."""
    rng = np.random.default_rng(seed)
    turns = rng.random((contracts, times)) < 1 / 32
    rises = np.cumsum(turns, axis=1) % 2 == 0
    bars = bars_from(np.where(rises, 0.0020, -0.0020) + rng.normal(0, 0.003, rises.shape), seed)
    return replace(bars, volume=bars.volume * np.where(rises, 6.0, 1.0))
