"""Trees as arrays answer what the training library answers; broken bytes are refused without running anything."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from signals_app.forecasts import boosting
from signals_app.forecasts.boosting import Effort
from signals_app.forecasts.forest import Unreadable, packed, unpacked

EFFORT = Effort(trees=12, rate=0.2, leaves=8, rows_per_leaf=10, columns_per_split=0.5)


def rows_of(count: int = 1200, missing: bool = False) -> np.ndarray:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(count, 12)).astype(np.float32)
    if missing:
        rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


def truth_of(rows: np.ndarray) -> np.ndarray:
    leaning = np.nan_to_num(rows[:, 3]) + np.nan_to_num(rows[:, 7]) ** 2
    return np.digitize(leaning, [0.0, 1.0])


@pytest.mark.parametrize("missing", [False, True])
def test_the_answers_are_those_of_the_library(missing: bool) -> None:
    rows = rows_of(missing=missing)
    truth = truth_of(rows)
    with threadpool_limits(1):
        theirs = HistGradientBoostingClassifier(**EFFORT.words()).fit(rows, truth).predict_proba(rows)
    ours = boosting.directions(rows, truth, EFFORT).forest.raw(rows.astype(np.float64))
    grown = np.exp(ours - ours.max(axis=1, keepdims=True))
    assert grown / grown.sum(axis=1, keepdims=True) == pytest.approx(theirs, abs=1e-9)


def test_so_are_returns() -> None:
    rows = rows_of()
    truth = rows[:, 2] * 0.01
    with threadpool_limits(1):
        theirs = HistGradientBoostingRegressor(**EFFORT.words()).fit(rows, truth).predict(rows)
    found = boosting.returns(rows, truth, EFFORT)
    assert found.forest.raw(rows.astype(np.float64))[:, 0] == pytest.approx(theirs, abs=1e-9)
    assert found.importance.argmax() == 2
    assert found.importance.sum() == pytest.approx(1)


def test_one_far_return_does_not_rule_the_others() -> None:
    rows = rows_of()
    truth = rows[:, 2] * 0.01
    calm = boosting.returns(rows, truth, EFFORT).forest.raw(rows.astype(np.float64))
    truth[5] = 1e6
    assert np.abs(boosting.returns(rows, truth, EFFORT).forest.raw(rows.astype(np.float64))).max() < 1e6
    assert np.abs(calm).max() < 0.05


def test_a_direction_that_never_came_cannot_be_learned() -> None:
    rows = rows_of()
    with pytest.raises(ValueError, match="no candle was followed by SHORT"):
        boosting.directions(rows, np.where(truth_of(rows) == 1, 0, truth_of(rows)), EFFORT)


def test_bytes_are_the_same_forest_again() -> None:
    rows = rows_of(missing=True)
    forest = boosting.directions(rows, truth_of(rows), EFFORT).forest
    found, more = unpacked(packed({"1h/direction": forest}, scale=np.array([2.0])))
    assert np.array_equal(found["1h/direction"].raw(rows), forest.raw(rows))
    assert more["scale"].tolist() == [2.0]


class Ran(Exception):
    """Somebody ran what he should have read."""


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise __import__('tests.forecasts.test_boosting', fromlist=['Ran']).Ran()",))


def _of_objects() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, version=np.array([Bomb()], dtype=object))
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"trees", pickle.dumps(Bomb()), _of_objects(), packed({}, **{"1h/direction/feature": np.zeros(1)})],
    ids=["nothing", "words", "a pickle", "objects", "half"],
)
def test_other_bytes_are_refused_and_nothing_in_them_runs(content: bytes) -> None:
    with pytest.raises(Unreadable):
        unpacked(content)


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.99])
def test_so_are_cut_off_ones(cut: float) -> None:
    rows = rows_of()
    content = packed({"1h/direction": boosting.directions(rows, truth_of(rows), EFFORT).forest})
    with pytest.raises(Unreadable):
        unpacked(content[: int(len(content) * cut)])
