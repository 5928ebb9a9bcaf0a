"""Does the market still look like what a model was trained with, and does what it says still come true?"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals_app.forecasts.bars import Floats
from signals_app.forecasts.forest import Unreadable

PARTS, LEAST_ROWS = 10, 200


@dataclass(frozen=True, slots=True)
class Reference:
    """edges: (names, 9) between tenths of what was trained with; shares: (names, 10) how much lay in each."""

    edges: Floats
    shares: Floats

    def to_bytes(self) -> bytes:
        file = io.BytesIO()
        np.savez_compressed(file, allow_pickle=False, edges=self.edges, shares=self.shares)
        return file.getvalue()


def reference_of(content: bytes) -> Reference:
    """Raises Unreadable."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return Reference(file["edges"], file["shares"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise Unreadable(f"this is no reference of features: {error}") from error


def reference(rows: npt.NDArray[np.float32]) -> Reference:
    edges = np.quantile(rows, np.linspace(0, 1, PARTS + 1)[1:-1], axis=0).T.astype(np.float64)
    return Reference(edges, _shares(rows, edges))


def _shares(rows: npt.NDArray[np.float32], edges: Floats) -> Floats:
    found = np.empty((edges.shape[0], PARTS))
    for name in range(edges.shape[0]):
        places = np.searchsorted(edges[name], rows[:, name], side="left")
        found[name] = np.bincount(places, minlength=PARTS)[:PARTS] / rows.shape[0]
    return found


def stability(known: Reference, rows: npt.NDArray[np.float32]) -> Floats:
    """Population stability index of each feature; unknown of fewer than 200 rows."""
    if rows.shape[0] < LEAST_ROWS:
        return np.full(known.edges.shape[0], np.nan)
    # half a row each: an empty part is no proof that it stays empty
    least = 0.5 / rows.shape[0]
    then, now = np.maximum(known.shares, least), np.maximum(_shares(rows, known.edges), least)
    index: Floats = ((now - then) * np.log(now / then)).sum(axis=1)
    return index


def moved_most(index: Floats, names: Sequence[str], count: int = 10) -> Mapping[str, float]:
    order = [place for place in np.argsort(-np.nan_to_num(index, nan=-1)) if np.isfinite(index[place])]
    return {names[place]: float(index[place]) for place in order[:count]}


def are_identical(answers: npt.NDArray[np.float64], digits: int = 6) -> list[list[int]]:
    """Groups of rows, two and more, that are the same number for number: different markets never are."""
    groups: dict[bytes, list[int]] = {}
    for row, values in enumerate(np.round(answers, digits)):
        groups.setdefault(values.tobytes(), []).append(row)
    return [rows for rows in groups.values() if len(rows) > 1]
