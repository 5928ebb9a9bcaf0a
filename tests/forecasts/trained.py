"""Models trained small, and once: tests that ask for them run in one process (`ON_ONE_WORKER`)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from signals_app.forecasts.bars import Bars
from signals_app.forecasts.boosting import Effort
from signals_app.forecasts.training import Trained, Wishes, train
from tests.forecasts.made_candles import noise, pattern

ON_ONE_WORKER = pytest.mark.xdist_group("trained models")
LITTLE = Effort(trees=15, rate=0.15, leaves=6, rows_per_leaf=80, columns_per_split=0.2)
WISHES = Wishes(horizons=("1h", "4h"), folds=2, effort=LITTLE)
TIMES = 1400


@cache
def learnable() -> tuple[Trained, Bars]:
    """Of a pattern that can be followed."""
    bars = pattern(TIMES)
    return train(bars, WISHES), bars


@cache
def of_noise() -> tuple[Trained, Bars]:
    bars = noise(TIMES)
    return train(bars, replace(WISHES, horizons=("1h",))), bars
