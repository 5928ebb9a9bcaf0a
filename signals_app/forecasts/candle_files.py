"""Candles from files: one CSV for each contract, plain or .gz, named by it (BTCUSDT-1m.csv.gz).

The first line names the columns, in any order: `time` (or `ts_ms`), open, high, low, close, volume; others are left
alone. A time is when the candle opened, in milliseconds since 1970 (UTC) or as ISO 8601.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import numpy as np

from exchanges.types import Timeframe
from signals_app.forecasts.bars import FIGURES, Bars, Floats, Times

TIMES = ("time", "ts_ms")
EARLIEST_MS, LATEST_MS = 946_684_800_000, 4_102_444_800_000  # 2000 and 2100: not seconds, not nanoseconds


class BadFile(Exception):
    """The message names file and line."""


@dataclass(frozen=True, slots=True)
class Series:
    """Candles of one contract, oldest first. figures: (5, candles), as FIGURES are named."""

    times: Times
    figures: Floats


def bars_of_files(paths: Sequence[Path], timeframe: Timeframe) -> Bars:
    """On one grid from the oldest candle of all to the newest, NaN where one is missing. Raises BadFile."""
    if not paths:
        raise BadFile("no file was named")
    step_ms = round(timeframe.length.total_seconds() * 1000)
    found = {symbol_of(path): _made(path, step_ms) for path in sorted(paths)}
    if len(found) < len(paths):
        raise BadFile("two files are of one contract")
    first = min(one.times[0] for one in found.values())
    last = max(one.times[-1] for one in found.values())
    times = np.arange(first, last + step_ms, step_ms, dtype=np.int64)
    grids = np.full((len(FIGURES), len(found), len(times)), np.nan)
    for row, one in enumerate(found.values()):
        grids[:, row, (one.times - first) // step_ms] = one.figures
    return Bars(tuple(found), times, *grids)


def symbol_of(path: Path) -> str:
    return path.name.partition(".")[0].partition("-")[0].upper()


def _made(path: Path, step_ms: int) -> Series:
    made = resampled(read(path), step_ms)
    if made is None:
        raise BadFile(
            f"{path.name} holds candles that are longer than {step_ms // 60_000} minutes, or off their grid"
        )
    if not len(made.times):
        raise BadFile(f"{path.name} holds no whole {step_ms // 60_000} minutes")
    return made


def resampled(series: Series, step_ms: int) -> Series | None:
    """Longer candles of shorter ones; a longer one that lacks any of its parts is left out. None where they are longer
    than that already, or begin at other times."""
    part_ms = int(np.diff(series.times).min())
    if step_ms % part_ms or (series.times % part_ms).any():
        return None
    spans, begins, counts = np.unique(series.times // step_ms, return_index=True, return_counts=True)
    whole = counts == step_ms // part_ms
    ends = begins + counts - 1
    opened, high, low, close, volume = series.figures
    columns = (
        opened[begins],
        np.maximum.reduceat(high, begins),
        np.minimum.reduceat(low, begins),
        close[ends],
        np.add.reduceat(volume, begins),
    )
    return Series(spans[whole] * step_ms, np.stack(columns)[:, whole])


def read(path: Path) -> Series:
    """Raises BadFile for what cannot be read, with the number of its line."""
    try:
        with _opened(path) as text:
            rows = csv.reader(text)
            numbers, table = _table(path, rows, _columns(path, next(rows, [])))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise BadFile(f"{path.name} cannot be read: {error}") from error
    if len(table) < 2:
        raise BadFile(f"{path.name} holds fewer than two candles")
    _check(path, numbers, table)
    table = table[np.argsort(table[:, 0], kind="stable")]
    return Series(table[:, 0].astype(np.int64), np.ascontiguousarray(table[:, 1:].T))


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return TextIOWrapper(gzip.open(path), encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _columns(path: Path, header: Sequence[str]) -> list[int]:
    """Where time and figures stand in each line."""
    names = [name.strip().lower() for name in header]
    wanted = [next((name for name in TIMES if name in names), TIMES[0]), *FIGURES]
    if lacking := [name for name in wanted if name not in names]:
        raise BadFile(f"{path.name} line 1 names no column {', '.join(lacking)}")
    return [names.index(name) for name in wanted]


def _table(path: Path, rows: Iterator[list[str]], columns: Sequence[int]) -> tuple[list[int], Floats]:
    """Number of each line, and its time and figures."""
    numbers, table = list[int](), list[list[float]]()
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        try:
            time, *figures = (row[place] for place in columns)
            table.append([_milliseconds(time), *map(float, figures)])
        except (ValueError, IndexError):
            raise BadFile(f"{path.name} line {number} cannot be read: {','.join(row)[:80]}") from None
        numbers.append(number)
    return numbers, np.array(table, dtype=np.float64).reshape(len(table), 1 + len(FIGURES))


def _milliseconds(text: str) -> float:
    """A time of day without a zone is UTC."""
    if text.strip().isdecimal():
        return float(text)
    at = datetime.fromisoformat(text.strip())
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000


def _check(path: Path, numbers: Sequence[int], table: Floats) -> None:
    times, prices, volumes = table[:, 0], table[:, 1:5], table[:, 5]
    order = np.argsort(times, kind="stable")
    again = np.zeros(len(times), dtype=bool)
    again[order[1:]] = np.diff(times[order]) == 0
    for wrong, why in (
        (~np.isfinite(table).all(axis=1), "holds a figure that is no number"),
        ((times < EARLIEST_MS) | (times > LATEST_MS), "holds a time that is not in milliseconds since 1970"),
        (
            (prices <= 0).any(axis=1) | (volumes < 0),
            "holds a price that is not above zero, or a volume below",
        ),
        (prices[:, 1] < prices.max(axis=1), "holds a high below its other prices"),
        (prices[:, 2] > prices.min(axis=1), "holds a low above its other prices"),
        (again, "tells of a time that an earlier line told of"),
    ):
        if wrong.any():
            raise BadFile(f"{path.name} line {numbers[int(np.argmax(wrong))]} {why}")
