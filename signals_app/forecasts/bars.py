"""Candles of several contracts on one grid of times, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from exchanges.types import Candle

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
FIGURES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Bars:
    """times: when each candle opened, UTC milliseconds, evenly spaced. The others are (contracts, times) in the
    contract's own units, NaN where a candle is missing."""

    symbols: tuple[str, ...]
    times: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    @property
    def step_ms(self) -> int:
        return int(self.times[1] - self.times[0])

    def bars_in(self, milliseconds: int) -> int:
        """At least one, however long a candle is."""
        return max(1, milliseconds // self.step_ms)

    def last(self, count: int) -> Bars:
        """A shorter past of the same contracts."""
        return self._cut(slice(-count, None))

    def until(self, count: int) -> Bars:
        """The first so many times."""
        return self._cut(slice(count))

    def _cut(self, columns: slice) -> Bars:
        return replace(
            self, times=self.times[columns], **{name: getattr(self, name)[:, columns] for name in FIGURES}
        )


def bars_of(candles: Mapping[str, Sequence[Candle]], step_ms: int) -> Bars:
    """From candles oldest first; the grid reaches from the oldest of all to the newest. Raises ValueError for none,
    and for a candle that is not on the grid."""
    opened = {symbol: [_milliseconds(one) for one in rows] for symbol, rows in candles.items()}
    known = [at for times in opened.values() for at in times]
    if not known:
        raise ValueError("there are no candles")
    if any(at % step_ms for at in known):
        raise ValueError(f"a candle does not begin at a multiple of {step_ms} ms")
    times = np.arange(min(known), max(known) + step_ms, step_ms, dtype=np.int64)
    grids = np.full((5, len(candles), len(times)), np.nan)
    for row, (symbol, rows) in enumerate(candles.items()):
        places = (np.asarray(opened[symbol], dtype=np.int64) - times[0]) // step_ms
        for column, name in enumerate(FIGURES):
            grids[column, row, places] = [float(getattr(one, name)) for one in rows]
    return Bars(tuple(candles), times, *grids)


def bars_of_table(table: npt.NDArray[np.void], symbols: Mapping[int, str], times: Times) -> Bars:
    """From rows of contract, at (milliseconds, all of them on this grid of times) and figures, in any order. Contracts
    without any are left out; the others are in the order of their symbols."""
    present = sorted(np.unique(table["contract"]).tolist(), key=lambda one: symbols[one])
    by_number = np.argsort(present)
    ranks = by_number[np.searchsorted(present, table["contract"], sorter=by_number)]
    columns = (table["at"] - times[0]) // (times[1] - times[0])
    grids = np.full((len(FIGURES), len(present), len(times)), np.nan)
    for grid, name in zip(grids, FIGURES, strict=True):
        grid[ranks, columns] = table[name]
    return Bars(tuple(symbols[one] for one in present), times, *grids)


def _milliseconds(candle: Candle) -> int:
    return round(candle.at.timestamp() * 1000)
