"""Candles from files, as many people have them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from exchanges.types import Timeframe
from signals_app.forecasts.candle_files import BadFile, Series, bars_of_files, read, resampled, symbol_of

BEGIN = 1_746_374_400_000
MINUTE, QUARTER = 60_000, 900_000
HEADER = "ts_ms,open,high,low,close,volume"


def line(minute: int, opened: float = 100, high: float = 110, low: float = 90, close: float = 105) -> str:
    return f"{BEGIN + minute * MINUTE},{opened},{high},{low},{close},2"


def file(folder: Path, *lines: str, name: str = "BTCUSDT-1m.csv") -> Path:
    path, text = folder / name, "\n".join([*lines, ""]).encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path


def series(minutes: list[int]) -> Series:
    number = np.array(minutes, dtype=np.float64)
    figures = np.stack([number + 100, number + 110, number + 90, number + 101, np.ones(len(number))])
    return Series(BEGIN + MINUTE * np.array(minutes, dtype=np.int64), figures)


@pytest.mark.parametrize("name", ["BTCUSDT-1m.csv", "btcusdt.csv.gz", "BTCUSDT.csv"])
def test_plain_and_packed_files_are_read_oldest_first(tmp_path: Path, name: str) -> None:
    path = file(tmp_path, HEADER, line(1), "", line(0, close=99), name=name)
    found = read(path)
    assert symbol_of(path) == "BTCUSDT"
    assert found.times.tolist() == [BEGIN, BEGIN + MINUTE]
    assert found.figures[:, 0].tolist() == [100, 110, 90, 99, 2]


def test_columns_are_found_by_their_names_and_times_may_be_written_out(tmp_path: Path) -> None:
    rows = ["2025-05-04T16:00:00Z,1,9,90,105,110,100", "2025-05-04 16:01,1,9,90,105,110,100"]
    found = read(file(tmp_path, "Time,trades,volume,low,close,high,open", *rows))
    assert found.times.tolist() == [BEGIN, BEGIN + MINUTE]
    assert found.figures[:, 0].tolist() == [100, 110, 90, 105, 9]


def test_fifteen_minutes_are_made_of_fifteen(tmp_path: Path) -> None:
    found = resampled(series(list(range(45))), QUARTER)
    assert found is not None
    assert found.times.tolist() == [BEGIN, BEGIN + QUARTER, BEGIN + 2 * QUARTER]
    assert found.figures[:, 1].tolist() == [115, 139, 105, 130, 15]


def test_a_span_that_lacks_a_part_is_left_out(tmp_path: Path) -> None:
    found = resampled(series([one for one in range(10, 60) if one != 20]), QUARTER)
    assert found is not None
    assert found.times.tolist() == [BEGIN + 2 * QUARTER, BEGIN + 3 * QUARTER]


def test_longer_candles_make_no_shorter_ones() -> None:
    hours = series([0, 60, 120])
    assert resampled(hours, QUARTER) is None
    assert resampled(series([0, 7, 14]), QUARTER) is None
    same = resampled(hours, 60 * MINUTE)
    assert same is not None
    assert same.times.tolist() == hours.times.tolist()


def test_contracts_share_one_grid_with_holes_where_nothing_is_known(tmp_path: Path) -> None:
    eth = file(tmp_path, HEADER, *map(line, range(15, 30)), name="ETHUSDT-1m.csv")
    btc = file(tmp_path, HEADER, *map(line, [*range(15), *range(30, 45)]))
    bars = bars_of_files([eth, btc], Timeframe.QUARTER)
    assert bars.symbols == ("BTCUSDT", "ETHUSDT")
    assert bars.times.tolist() == [BEGIN, BEGIN + QUARTER, BEGIN + 2 * QUARTER]
    assert np.isnan(bars.close).tolist() == [[False, True, False], [True, False, True]]
    assert bars.volume[0, 0] == 30


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "line 1 names no column time, open"),
        (["time,open,high,low,close"], "line 1 names no column volume"),
        ([HEADER], "holds fewer than two candles"),
        ([HEADER, line(0), "what is this"], "line 3 cannot be read: what is this"),
        ([HEADER, line(0), line(1)[:20]], "line 3 cannot be read"),
        ([HEADER, line(0), "", line(1, high=104)], "line 4 holds a high below"),
        ([HEADER, line(0, low=101), line(1)], "line 2 holds a low above"),
        ([HEADER, line(0, low=0), line(1)], "line 2 holds a price that is not above zero"),
        ([HEADER, line(0, close=float("nan")), line(1)], "line 2 holds a figure that is no number"),
        ([HEADER, line(0), "1746374460,1,1,1,1,1"], "line 3 holds a time that is not in milliseconds"),
        ([HEADER, line(1), line(0), line(1)], "line 4 tells of a time that an earlier line told of"),
    ],
)
def test_a_bad_file_is_told_of_with_its_line(tmp_path: Path, lines: list[str], sentence: str) -> None:
    with pytest.raises(BadFile, match=f"^BTCUSDT-1m.csv {sentence}"):
        bars_of_files([file(tmp_path, *lines)], Timeframe.QUARTER)


def test_a_file_that_is_none_is_told_of(tmp_path: Path) -> None:
    broken = tmp_path / "BTCUSDT-1m.csv.gz"
    broken.write_bytes(gzip.compress(b"x" * 9999)[:-9])
    for path in (broken, tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(BadFile, match="cannot be read"):
            read(path)
    with pytest.raises(BadFile, match="no whole 15 minutes"):
        bars_of_files([file(tmp_path, HEADER, line(0), line(1))], Timeframe.QUARTER)
    with pytest.raises(BadFile, match="no file"):
        bars_of_files([], Timeframe.QUARTER)
