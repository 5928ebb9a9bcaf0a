"""From candles to a model and what is honestly known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from signals_app.forecasts import boosting
from signals_app.forecasts.bars import Bars, Floats
from signals_app.forecasts.boosting import Effort
from signals_app.forecasts.calibration import Calibration, fitted, softmax
from signals_app.forecasts.features.numerics import change
from signals_app.forecasts.features.table import HISTORY, Features, features, version
from signals_app.forecasts.model import DIRECTION, RETURN, Model
from signals_app.forecasts.scores import Judged, Scores, scores
from signals_app.forecasts.splits import Fold, walk_forward
from signals_app.forecasts.targets import HORIZONS, ROUND_TRIP_COST, UNKNOWN, Direction, Target, target

FOLDS, EMBARGO = 5, 48
LEAST_ROWS = 400  # that an answer is learned from, and that it is judged by

Report = Callable[[str, int, int], None]  # what is done, how many steps of how many


class TooLittle(ValueError):
    """There are not enough candles to train with."""


@dataclass(frozen=True, slots=True)
class Wishes:
    horizons: tuple[str, ...] = tuple(HORIZONS)
    folds: int = FOLDS
    effort: Effort = field(default_factory=Effort)
    cost: float = ROUND_TRIP_COST


@dataclass(frozen=True, slots=True)
class Rows:
    """Known candles of all contracts, oldest first, with what came after them: `at` is their column of time."""

    features: npt.NDArray[np.float32]
    at: npt.NDArray[np.int64]
    directions: npt.NDArray[np.int64]
    returns: Floats
    momentum: Floats

    def where(self, chosen: npt.NDArray[np.bool_]) -> Rows:
        return Rows(*(getattr(self, name)[chosen] for name in self.__slots__))

    def between(self, begin: int, end: int) -> Rows:
        return self.where((self.at >= begin) & (self.at < end))


@dataclass(frozen=True, slots=True)
class OutOfSample:
    """What a model that had not seen them said of candles: kept to compare a later model with."""

    at: npt.NDArray[np.int64]
    probabilities: Floats
    truth: npt.NDArray[np.int64]
    features: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Trained:
    """scores, importance and unseen: by horizon; importance: share of each feature."""

    wishes: Wishes
    model: Model
    names: tuple[str, ...]
    scores: dict[str, Scores]
    importance: dict[str, Floats]
    unseen: dict[str, OutOfSample]
    seen: Rows


def train(bars: Bars, wishes: Wishes | None = None, report: Report = lambda *_: None) -> Trained:
    """Raises TooLittle."""
    wishes = wishes or Wishes()
    if len(bars.times) < 2 * HISTORY:
        raise TooLittle(f"{len(bars.times)} candles are too few: at least {2 * HISTORY} are needed")
    report("features", 0, 1)
    made = features(bars)
    parts = {
        horizon: _horizon(bars, made, horizon, wishes, _counting(report, horizon, wishes))
        for horizon in wishes.horizons
    }
    return _together(bars, wishes, made, parts)


def _counting(report: Report, horizon: str, wishes: Wishes) -> Callable[[int], None]:
    each = wishes.folds + 1
    before = wishes.horizons.index(horizon) * each
    return lambda done: report(horizon, before + done, len(wishes.horizons) * each)


@dataclass(frozen=True, slots=True)
class _Part:
    direction: boosting.Learned
    returned: boosting.Learned
    calibration: Calibration
    scores: Scores
    unseen: OutOfSample
    rows: Rows


def _together(bars: Bars, wishes: Wishes, made: Features, parts: dict[str, _Part]) -> Trained:
    forests = {}
    for horizon, part in parts.items():
        forests[f"{horizon}/{DIRECTION}"] = part.direction.forest
        forests[f"{horizon}/{RETURN}"] = part.returned.forest
    model = Model(
        version(bars.last(HISTORY)), forests, {name: part.calibration for name, part in parts.items()}
    )
    return Trained(
        wishes,
        model,
        made.names,
        {name: part.scores for name, part in parts.items()},
        {name: part.direction.importance for name, part in parts.items()},
        {name: part.unseen for name, part in parts.items()},
        next(iter(parts.values())).rows,
    )


def _horizon(
    bars: Bars, made: Features, horizon: str, wishes: Wishes, report: Callable[[int], None]
) -> _Part:
    wanted = target(bars, horizon, wishes.cost)
    rows = _rows(bars, made, wanted)
    folds = _folds(len(bars.times), wishes.folds, wanted.bars)
    judged = list(_judged(rows, folds, wishes.effort, report))
    if not judged:
        raise TooLittle(f"too few candles are complete to learn {horizon}")
    unseen = _unseen(judged)
    everything = _learned(rows, wishes.effort)
    report(wishes.folds + 1)
    raw = np.concatenate([one.raw for one in judged])
    truth = np.concatenate([one.rows.directions for one in judged])
    return _Part(*everything, fitted(raw, truth), scores(_honest(judged), wishes.cost), unseen, rows)


def _folds(times: int, folds: int, ahead: int) -> list[Fold]:
    try:
        return list(walk_forward(times, folds, ahead, EMBARGO))
    except ValueError as error:
        raise TooLittle(str(error)) from error


def _rows(bars: Bars, made: Features, wanted: Target) -> Rows:
    known = made.are_known() & (wanted.directions != UNKNOWN)
    at = np.broadcast_to(np.arange(len(bars.times)), known.shape)
    momentum = np.nan_to_num(change(np.log(bars.close), wanted.bars))
    order = np.argsort(at[known], kind="stable")
    picked = (made.values[known], at[known], wanted.directions[known], wanted.returns[known], momentum[known])
    return Rows(*(one[order] for one in picked))


@dataclass(frozen=True, slots=True)
class _JudgedFold:
    """raw: answers before calibration; expected: returns; shares: of the directions in what was trained on."""

    rows: Rows
    raw: Floats
    expected: Floats
    shares: Floats


def _judged(
    rows: Rows, folds: list[Fold], effort: Effort, report: Callable[[int], None]
) -> Iterator[_JudgedFold]:
    for number, fold in enumerate(folds):
        before, after = rows.between(0, fold.trained), rows.between(fold.begin, fold.end)
        if min(before.at.size, after.at.size) >= LEAST_ROWS and _has_all(before):
            yield _judged_by(*_learned(before, effort), before, after)
        report(number + 1)


def _judged_by(
    direction: boosting.Learned, returned: boosting.Learned, before: Rows, after: Rows
) -> _JudgedFold:
    asked = after.features.astype(np.float64)
    shares = np.bincount(before.directions, minlength=len(Direction)) / before.directions.size
    return _JudgedFold(after, direction.forest.raw(asked), returned.forest.raw(asked)[:, 0], shares)


def _has_all(rows: Rows) -> bool:
    return bool((np.bincount(rows.directions, minlength=len(Direction)) > 0).all())


def _learned(rows: Rows, effort: Effort) -> tuple[boosting.Learned, boosting.Learned]:
    direction = boosting.directions(rows.features, rows.directions, effort)
    return direction, boosting.returns(rows.features, rows.returns, effort)


def _calibrated(judged: list[_JudgedFold]) -> list[Floats]:
    """Each fold by what the folds before it showed, never by its own outcome; the first as it is."""
    found = []
    for place, fold in enumerate(judged):
        if place == 0:
            found.append(softmax(fold.raw))
            continue
        raw = np.concatenate([one.raw for one in judged[:place]])
        truth = np.concatenate([one.rows.directions for one in judged[:place]])
        found.append(fitted(raw, truth).probabilities(fold.raw))
    return found


def _honest(judged: list[_JudgedFold]) -> Judged:
    return Judged(
        probabilities=np.concatenate(_calibrated(judged)),
        expected=np.concatenate([one.expected for one in judged]),
        truth=np.concatenate([one.rows.directions for one in judged]),
        returns=np.concatenate([one.rows.returns for one in judged]),
        times=np.concatenate([one.rows.at for one in judged]),
        shares=np.concatenate([np.tile(one.shares, (one.rows.at.size, 1)) for one in judged]),
        momentum=np.concatenate([one.rows.momentum for one in judged]),
    )


def _unseen(judged: list[_JudgedFold]) -> OutOfSample:
    return OutOfSample(
        np.concatenate([one.rows.at for one in judged]),
        np.concatenate(_calibrated(judged)),
        np.concatenate([one.rows.directions for one in judged]),
        np.concatenate([one.rows.features for one in judged]),
    )
