"""The only file that imports the training library. Trees leave it as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from signals_app.forecasts.forest import Forest
from signals_app.forecasts.targets import Direction

Rows = npt.NDArray[np.float32]
SEED = 20260101
FAR = 8.0  # deviations: further returns teach a squared error nothing but themselves


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is learned: small trees, few of them, many rows a leaf, for there is little to find in prices."""

    trees: int = 80
    rate: float = 0.05
    leaves: int = 12
    rows_per_leaf: int = 120
    columns_per_split: float = 0.3
    ridge: float = 5.0

    def words(self) -> dict[str, Any]:
        return {
            "max_iter": self.trees,
            "learning_rate": self.rate,
            "max_leaf_nodes": self.leaves,
            "min_samples_leaf": self.rows_per_leaf,
            "max_features": self.columns_per_split,
            "l2_regularization": self.ridge,
            "max_bins": 63,
            "early_stopping": False,
            "random_state": SEED,
        }


QUICK = Effort(trees=25, rate=0.12, leaves=8)


@dataclass(frozen=True, slots=True)
class Learned:
    """importance: what share of what was learned came by each feature."""

    forest: Forest
    importance: npt.NDArray[np.float64]


def directions(rows: Rows, truth: npt.NDArray[np.int64], effort: Effort) -> Learned:
    """Raises ValueError where one of the three never happened: its answer could not be learned."""
    missing = set(Direction) - set(np.unique(truth).tolist())
    if missing:
        raise ValueError(
            f"no candle was followed by {', '.join(Direction(one).name for one in sorted(missing))}"
        )
    learned = _fitted(HistGradientBoostingClassifier(**effort.words()), rows, truth)
    if learned.classes_.tolist() != [int(one) for one in Direction]:
        raise ValueError("the classes came out in another order")
    return Learned(_forest(learned), _importance(learned, rows.shape[1]))


def returns(rows: Rows, truth: npt.NDArray[np.float64], effort: Effort) -> Learned:
    reach = FAR * truth.std()
    learned = _fitted(HistGradientBoostingRegressor(**effort.words()), rows, np.clip(truth, -reach, reach))
    return Learned(_forest(learned), _importance(learned, rows.shape[1]))


def _fitted(booster: Any, rows: Rows, truth: npt.NDArray[Any]) -> Any:
    """On one core: the others trade, and threads that wait for each other on a busy machine wait for long."""
    with threadpool_limits(1):
        return booster.fit(rows, truth)


def _forest(learned: Any) -> Forest:
    """The library has no public form of its trees but a pickle; a test holds these against its own answers."""
    trees = [(answer, tree.nodes) for step in learned._predictors for answer, tree in enumerate(step)]
    longest = max(len(nodes) for _, nodes in trees)

    def column(name: str, kind: Any) -> Any:
        found = np.zeros((len(trees), longest), dtype=kind)
        for place, (_, nodes) in enumerate(trees):
            found[place, : len(nodes)] = nodes[name]
        return found

    leaf = column("is_leaf", np.bool_)
    return Forest(
        feature=np.where(leaf, -1, column("feature_idx", np.int32)).astype(np.int32),
        threshold=column("num_threshold", np.float64),
        left=column("left", np.int32),
        right=column("right", np.int32),
        missing_left=column("missing_go_to_left", np.bool_),
        value=np.where(leaf, column("value", np.float64), 0.0),
        answer_of=np.array([answer for answer, _ in trees], dtype=np.int32),
        baseline=np.ravel(learned._baseline_prediction).astype(np.float64),
    )


def _importance(learned: Any, names: int) -> npt.NDArray[np.float64]:
    """Share of the loss that splits by each feature took away."""
    gains = np.zeros(names)
    for tree in (tree for step in learned._predictors for tree in step):
        splits = tree.nodes[tree.nodes["is_leaf"] == 0]
        np.add.at(gains, splits["feature_idx"], splits["gain"])
    return np.divide(gains, max(float(gains.sum()), 1e-12))
