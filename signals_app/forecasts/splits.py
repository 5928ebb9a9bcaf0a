"""Walk-forward: a model is judged only by what came after all it had seen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fold:
    """Columns of time: trained on the first `trained`, judged on those from `begin` until before `end`."""

    trained: int
    begin: int
    end: int


def walk_forward(times: int, folds: int, ahead: int, embargo: int, first: float = 0.4) -> Iterator[Fold]:
    """The first part is only trained on, the rest is judged in equal folds. Between the two lie `ahead` columns whose
    outcome reaches into what is judged (purge) and `embargo` more whose features do. Raises ValueError when that
    leaves a fold nothing."""
    begin = round(times * first)
    if folds < 1 or begin - ahead - embargo < 1 or (times - begin) < folds:
        raise ValueError(f"{times} candles are too few for {folds} folds with a gap of {ahead + embargo}")
    edges = [begin + (times - begin) * fold // folds for fold in range(folds + 1)]
    for start, end in itertools.pairwise(edges):
        yield Fold(start - ahead - embargo, start, end)
