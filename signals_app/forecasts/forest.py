"""Trees of a trained model as plain arrays: opened without running anything, and asked with numpy alone, so that a
process that forecasts neither unpickles foreign code nor carries a training library."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from signals_app.forecasts.bars import Floats

Indexes = npt.NDArray[np.int32]


class Unreadable(ValueError):
    """These bytes are no forest."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Arrays are (trees, nodes), node 0 is the root; a leaf's feature is -1. baseline: an answer before any tree;
    answer_of: to which of the answers a tree adds."""

    feature: Indexes
    threshold: Floats
    left: Indexes
    right: Indexes
    missing_left: npt.NDArray[np.bool_]
    value: Floats
    answer_of: Indexes
    baseline: Floats

    def raw(self, rows: Floats) -> Floats:
        """(rows, names) -> (rows, answers): sums of leaves, as the booster itself reckons them."""
        leaves = self._leaves(rows)
        added = self.value[np.arange(self.feature.shape[0]), leaves]
        found = np.tile(self.baseline, (rows.shape[0], 1))
        for answer in range(self.baseline.size):
            found[:, answer] += added[:, self.answer_of == answer].sum(axis=1)
        return found

    def _leaves(self, rows: Floats) -> Indexes:
        trees = np.arange(self.feature.shape[0])
        nodes = np.zeros((rows.shape[0], trees.size), dtype=np.int32)
        while True:
            feature = self.feature[trees, nodes]
            if (feature < 0).all():
                return nodes
            nodes = np.where(feature < 0, nodes, self._next(rows, trees, nodes, feature))

    def _next(self, rows: Floats, trees: npt.NDArray[np.int64], nodes: Indexes, feature: Indexes) -> Indexes:
        values = np.take_along_axis(rows, np.maximum(feature, 0), axis=1)
        goes_left = np.where(
            np.isnan(values), self.missing_left[trees, nodes], values <= self.threshold[trees, nodes]
        )
        return np.where(goes_left, self.left[trees, nodes], self.right[trees, nodes])


def packed(forests: Mapping[str, Forest], **more: Floats) -> bytes:
    """Several by name, and other arrays, as one file of arrays."""
    arrays = {
        f"{name}/{one.name}": getattr(forest, one.name)
        for name, forest in forests.items()
        for one in fields(Forest)
    }
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays, **more)
    return file.getvalue()


def unpacked(content: bytes) -> tuple[dict[str, Forest], dict[str, Floats]]:
    """Raises Unreadable."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        names = {name.rpartition("/")[0] for name in arrays if "/" in name}
        forests = {
            name: Forest(**{one.name: arrays[f"{name}/{one.name}"] for one in fields(Forest)})
            for name in names
        }
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise Unreadable(f"this is no model: {error}") from error
    return forests, {name: values for name, values in arrays.items() if "/" not in name}
