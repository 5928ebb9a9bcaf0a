"""Answers while no model can be asked: usual indicators, never surer than a model would have to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from signals_app.forecasts.bars import Floats
from signals_app.forecasts.model import Answer
from signals_app.forecasts.targets import HORIZONS

NEUTRAL_SHARE, MOST = 0.36, 0.20  # a side gets at most 0.52 of certainty
READS: Mapping[str, tuple[str, str]] = {
    "15m": ("signal_strength", "macd_histogram"),
    "1h": ("signal_strength", "momentum_1h"),
    "4h": ("signal_consistency", "momentum_4h"),
    "12h": ("signal_consistency", "momentum_24h"),
}
REACH: Mapping[str, float] = {"15m": 1, "1h": 2, "4h": 4, "12h": 7}  # deviations of one candle's return


def answers(rows: Floats, names: Sequence[str]) -> dict[str, Answer]:
    """rows: (contracts, names). The same four horizons as a model's."""
    place = {name: index for index, name in enumerate(names)}
    usual = np.maximum(rows[:, place["deviation_20"]], 1e-9)
    return {horizon: _answer(rows, place, horizon, usual) for horizon in HORIZONS}


def _answer(rows: Floats, place: Mapping[str, int], horizon: str, usual: Floats) -> Answer:
    vote, moved = (rows[:, place[name]] for name in READS[horizon])
    lean = np.tanh(0.7 * vote + 0.3 * np.tanh(moved / usual))
    long, short = np.maximum(lean, 0), np.maximum(-lean, 0)
    rest = (1 - NEUTRAL_SHARE) / 2
    shares = np.stack(
        [rest + MOST * (long - short), rest + MOST * (short - long), np.full_like(lean, NEUTRAL_SHARE)],
        axis=1,
    )
    return Answer(shares / shares.sum(axis=1, keepdims=True), 0.1 * lean * usual * REACH[horizon])
