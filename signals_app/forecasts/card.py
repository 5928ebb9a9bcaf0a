"""What is honestly known of a trained model, as it is kept beside it and shown."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from typing import Any

import numpy as np

from signals_app.forecasts.bars import Bars, Floats
from signals_app.forecasts.scores import Scores
from signals_app.forecasts.targets import CLASSES, VOLATILITY_SHARE
from signals_app.forecasts.training import EMBARGO, Trained

LIBRARIES = ("numpy", "scikit-learn", "ta-lib", "bottleneck")
IMPORTANT = 30
Card = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """source: "stored candles of NAME", or the files."""

    source: str = ""
    seconds: float | None = None
    machine: str = ""


def card_of(trained: Trained, bars: Bars, timeframe: str, *, of_paper: bool, told: Circumstances) -> Card:
    """JSON alone: numbers, words, lists."""
    return {
        "data": _data(bars, timeframe, of_paper, told.source),
        "features": {"version": trained.model.version, "count": len(trained.names)},
        "classes": list(CLASSES),
        "horizons": list(trained.scores),
        "training": _training(trained),
        "scores": {name: _scores(one) for name, one in trained.scores.items()},
        "importance": {name: _top(trained.names, shares) for name, shares in trained.importance.items()},
        "took": {"seconds": told.seconds, "machine": told.machine},
        "libraries": {"python": platform.python_version()} | {name: version_of(name) for name in LIBRARIES},
    }


def _data(bars: Bars, timeframe: str, of_paper: bool, source: str) -> Card:
    return {
        "contracts": list(bars.symbols),
        "from": _moment(bars.times[0]),
        "until": _moment(bars.times[-1] + bars.step_ms),
        "candles": int(np.isfinite(bars.close).sum()),
        "missing": int(np.isnan(bars.close).sum()),
        "timeframe": timeframe,
        "source": source,
        "of_paper": of_paper,
    }


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC).isoformat()


def _training(trained: Trained) -> Card:
    wishes = trained.wishes
    return {
        "rows": {name: int(one.truth.size) for name, one in trained.unseen.items()},
        "folds": wishes.folds,
        "embargo": EMBARGO,
        "effort": asdict(wishes.effort),
        "cost": wishes.cost,
        "volatility_share": VOLATILITY_SHARE,
    }


def _scores(one: Scores) -> Card:
    judged = {"foresees": one.foresees, "sees_sides": one.sees_sides, "pays": one.pays}
    return {**_rounded(one.as_json()), **judged}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value


def _top(names: tuple[str, ...], shares: Floats) -> dict[str, float]:
    return {names[place]: round(float(shares[place]), 5) for place in np.argsort(-shares)[:IMPORTANT]}
