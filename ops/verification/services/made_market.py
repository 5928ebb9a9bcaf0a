"""A market that never was: candles drawn by a fixed seed, and a model that is built instead of trained."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import numpy as np

from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import Timeframe
from signals_app.forecast_models import CandleSpan, ForecastModel, ModelState, StoredCandle
from signals_app.forecasts.bars import Bars
from signals_app.forecasts.batch import newest
from signals_app.forecasts.calibration import Calibration
from signals_app.forecasts.features.table import features
from signals_app.forecasts.forest import Forest
from signals_app.forecasts.known_models import features_version, hash_of
from signals_app.forecasts.model import DIRECTION, RETURN, Model
from signals_app.forecasts.terms import HORIZONS

SEED, STEP_MS = 20260101, 900_000
CENT = Decimal("0.0001")
FIGURES = ("open", "high", "low", "close", "volume")
SPLITS, LEANING, REACH, RETURNED = 150, 2.0, 0.0005, 0.01


def a_past(symbols: tuple[str, ...], times: int) -> Bars:
    """Returns of no meaning, around a market that all share."""
    rng, count = np.random.default_rng(SEED), len(symbols)
    returns = 0.7 * rng.normal(0, 0.002, (1, times)) + rng.normal(0, 0.002, (count, times))
    close = 100 * np.exp(np.cumsum(returns, axis=1))
    opened = np.concatenate([np.full((count, 1), 100.0), close[:, :-1]], axis=1)
    reach = np.abs(rng.normal(0, 0.001, (2, count, times)))
    high, low = np.maximum(opened, close) * (1 + reach[0]), np.minimum(opened, close) * (1 - reach[1])
    times_ms = STEP_MS * np.arange(times, dtype=np.int64)
    return Bars(symbols, times_ms, opened, high, low, close, rng.lognormal(3, 0.5, (count, times)))


def columns_left(bars: Bars) -> int:
    """Columns that vary, counted once where two are the same but for their unit."""
    made = features(bars)
    rows = made.values[made.are_known()]
    varied = rows[:, rows.std(axis=0) > 1e-9]
    alike = np.triu(np.abs(np.corrcoef(varied.T)), k=1) > 0.999
    return int((~alike.any(axis=0)).sum())


def keep(account: ExchangeAccount, contracts: list[Instrument], bars: Bars, ended_at: datetime) -> None:
    length, times = Timeframe.QUARTER.length, bars.close.shape[1]
    of = {"account": account, "timeframe": Timeframe.QUARTER, "of_paper": True}
    StoredCandle.objects.bulk_create(
        (
            StoredCandle(
                **of,
                instrument=contract,
                opened_at=ended_at - (times - place) * length,
                **{name: _price(getattr(bars, name)[row, place]) for name in FIGURES},
            )
            for row, contract in enumerate(contracts)
            for place in range(times)
        ),
        batch_size=2000,
    )
    CandleSpan.objects.bulk_create(
        CandleSpan(**of, instrument=contract, since=ended_at - times * length, until=ended_at)
        for contract in contracts
    )


def _price(value: float) -> Decimal:
    return Decimal(str(value)).quantize(CENT)


def a_model(bars: Bars, now: datetime) -> ForecastModel:
    """It leans to long for every contract, for each by another number: what is tried is the way to a signal."""
    model = _built(bars)
    content = model.to_bytes()
    return ForecastModel.objects.create(
        timeframe=Timeframe.QUARTER,
        of_paper=True,
        state=ModelState.IN_USE,
        features_version=model.version,
        content=content,
        sha256=hash_of(content),
        card={},
        is_worth_using=False,
        verdict="built to try the way of a signal; it knows nothing",
        trained_until=now,
        trained_at=now,
        put_in_use_at=now,
    )


def _built(bars: Bars) -> Model:
    rows = newest(bars).rows
    forests = {}
    for horizon in HORIZONS:
        forests[f"{horizon}/{DIRECTION}"] = _forest(rows, np.array([LEANING, 0.0, 0.0]), REACH)
        forests[f"{horizon}/{RETURN}"] = _forest(rows, np.array([RETURNED]), REACH / 1000)
    usual = dict.fromkeys(HORIZONS, Calibration(1.0, np.zeros(3)))
    return Model(features_version(Timeframe.QUARTER), forests, usual)


def _forest(rows: np.ndarray, baseline: np.ndarray, reach: float) -> Forest:
    """One tree of two leaves for each of many features that no two contracts share, split at ever another place: no two
    contracts go the same way everywhere."""
    varied = [place for place in range(rows.shape[1]) if len(np.unique(rows[:, place])) == len(rows)]
    chosen = np.array(varied, dtype=np.int32)[np.linspace(0, len(varied) - 1, SPLITS).astype(np.int32)]
    shares = np.resize([0.5, 0.2, 0.8, 0.35, 0.65, 0.05, 0.95], SPLITS)
    feature, threshold = np.full((SPLITS, 3), -1, dtype=np.int32), np.zeros((SPLITS, 3))
    feature[:, 0], threshold[:, 0] = (
        chosen,
        [np.quantile(rows[:, one], share) for one, share in zip(chosen, shares, strict=True)],
    )
    steps = reach * np.sqrt(np.arange(2, SPLITS + 2))  # no two sums of them are alike
    value = np.stack([np.zeros(SPLITS), -steps, steps], axis=1)
    leaves = np.zeros((SPLITS, 3), dtype=np.int32)
    left, right = leaves.copy(), leaves.copy()
    left[:, 0], right[:, 0] = 1, 2
    answer_of = (np.arange(SPLITS) % baseline.size).astype(np.int32)
    return Forest(feature, threshold, left, right, leaves.astype(np.bool_), value, answer_of, baseline)
