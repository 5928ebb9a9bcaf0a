"""Rows to forecast with: stored candles that end now, and models that are built by hand in no time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
from django.utils import timezone

from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import Timeframe
from signals_app.forecast_models import CandleSpan, ForecastFeed, ForecastModel, ModelState, StoredCandle
from signals_app.forecasts.bars import Bars
from signals_app.forecasts.calibration import Calibration
from signals_app.forecasts.features.table import HISTORY, features
from signals_app.forecasts.forest import Forest
from signals_app.forecasts.known_models import features_version, hash_of
from signals_app.forecasts.model import DIRECTION, RETURN, Model
from signals_app.forecasts.terms import HORIZONS
from tests.builders import an_account, an_instrument
from tests.forecasts.made_candles import noise, pattern
from trailing.volatility import last_close

QUARTER = Timeframe.QUARTER
CENT = Decimal("0.000001")
NOTHING = Calibration(1.0, np.zeros(3))
SPLITS = 24  # features that a built model looks at


def just_after_close(seconds: float = 10) -> datetime:
    """Of the newest candle of now, so that what is made of it is young."""
    return last_close(QUARTER, timezone.now()) + timedelta(seconds=seconds)


def a_feed(account: ExchangeAccount | None = None, **values: Any) -> ForecastFeed:
    """One that has been there for long."""
    made = ForecastFeed.objects.create(account=account or an_account(), **values)
    made.created_at = timezone.now() - timedelta(days=1)
    made.save(update_fields=["created_at"])
    return made


def store(
    account: ExchangeAccount, bars: Bars, ended_at: datetime, of_paper: bool = True
) -> dict[str, Instrument]:
    """Its last candle ends then, whatever times the bars themselves have."""
    found = {symbol: an_instrument(symbol.removesuffix("USDT")) for symbol in bars.symbols}
    count = len(bars.times)
    opened = [ended_at - (count - place) * QUARTER.length for place in range(count)]
    StoredCandle.objects.bulk_create(
        _candle(account, found[symbol], of_paper, at, bars, row, place)
        for row, symbol in enumerate(bars.symbols)
        for place, at in enumerate(opened)
        if np.isfinite(bars.close[row, place])
    )
    CandleSpan.objects.bulk_create(
        CandleSpan(
            account=account,
            instrument=one,
            timeframe=QUARTER,
            of_paper=of_paper,
            since=opened[0],
            until=ended_at,
        )
        for one in found.values()
    )
    return found


def _candle(
    account: ExchangeAccount,
    instrument: Instrument,
    of_paper: bool,
    at: datetime,
    bars: Bars,
    row: int,
    place: int,
) -> StoredCandle:
    told = {
        name: Decimal(str(getattr(bars, name)[row, place])).quantize(CENT)
        for name in ("open", "high", "low", "close", "volume")
    }
    return StoredCandle(
        account=account, instrument=instrument, timeframe=QUARTER, of_paper=of_paper, opened_at=at, **told
    )


def candles(contracts: int = 2, seed: int = 1, times: int = HISTORY) -> Bars:
    return noise(times, contracts, seed)


def drifting(contracts: int = 2, seed: int = 1) -> Bars:
    return pattern(HISTORY, contracts, seed)


@cache
def usual() -> tuple[np.ndarray, np.ndarray]:
    """Some features by their place, and what half of all candles are below."""
    made = features(noise(HISTORY + 60, 2, 7))
    chosen = np.linspace(0, len(made.names) - 1, SPLITS).astype(np.int32)
    return chosen, np.median(made.values[:, -60:].reshape(-1, len(made.names)), axis=0)[chosen]


def a_forest(leaning: tuple[float, ...], reach: float) -> Forest:
    """One tree of two leaves for each of some features, split at what is usual: different candles get different
    answers. reach: how far a leaf moves the answer; 0 gives everyone the same."""
    feature, threshold = np.full((SPLITS, 3), -1, dtype=np.int32), np.zeros((SPLITS, 3))
    feature[:, 0], threshold[:, 0] = usual()
    value = np.zeros((SPLITS, 3))
    value[:, 1], value[:, 2] = -reach * np.linspace(1, 2, SPLITS), reach * np.linspace(1, 2, SPLITS)
    return Forest(
        feature=feature,
        threshold=threshold,
        left=np.tile(np.array([1, 0, 0], dtype=np.int32), (SPLITS, 1)),
        right=np.tile(np.array([2, 0, 0], dtype=np.int32), (SPLITS, 1)),
        missing_left=np.zeros((SPLITS, 3), dtype=np.bool_),
        value=value,
        answer_of=(np.arange(SPLITS) % len(leaning)).astype(np.int32),
        baseline=np.array(leaning, dtype=np.float64),
    )


@cache
def a_built_model(leaning: tuple[float, float, float] = (1.5, 0.0, 0.0), reach: float = 0.01) -> Model:
    """leaning: towards long, short, neutral; it expects 1 % into the direction it leans to."""
    way = 0.01 if leaning[0] > leaning[1] else -0.01
    forests = {}
    for horizon in HORIZONS:
        forests[f"{horizon}/{DIRECTION}"] = a_forest(leaning, reach)
        forests[f"{horizon}/{RETURN}"] = a_forest((way,), reach / 1000)
    return Model(features_version(QUARTER), forests, dict.fromkeys(HORIZONS, NOTHING))


def a_model_row(model: Model | None = None, **values: Any) -> ForecastModel:
    content = (model or a_built_model()).to_bytes()
    usual = {
        "timeframe": QUARTER,
        "of_paper": True,
        "state": ModelState.IN_USE,
        "features_version": features_version(QUARTER),
        "content": content,
        "sha256": hash_of(content),
        "card": {},
        "is_worth_using": True,
        "verdict": "built by hand",
        "trained_until": datetime(2026, 1, 1, tzinfo=UTC),
        "trained_at": datetime(2026, 1, 1, tzinfo=UTC),
        "put_in_use_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return ForecastModel.objects.create(**usual | values)
