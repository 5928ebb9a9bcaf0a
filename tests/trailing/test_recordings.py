"""What the recorded prices are read as, and that a replay which tells something else is noticed."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from decimal import Decimal as D
from itertools import islice
from pathlib import Path

import pytest

from benchmarks import replays
from benchmarks.recordings import Recording, TrueRange, Way, candles, ticks
from exchanges.types import PositionSide
from tests.trailing.brute_force import Story
from tests.trailing.comparing import Case
from trailing.plan import read_plan
from trailing.replay import Outcome

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def candle_file(folder: Path, rows: list[str]) -> Path:
    path = folder / "XUSDT-1m.csv.gz"
    path.write_bytes(gzip.compress("\n".join(["ts_ms,open,high,low,close,volume", *rows]).encode()))
    return path


def wandering(count: int) -> list[str]:
    dice, price, rows = random.Random(1), 100.0, []
    for minute in range(count):
        close = price * (1 + dice.gauss(0, 0.004))
        high, low = max(price, close) * 1.001, min(price, close) * 0.999
        rows.append(f"{minute},{price:.2f},{high:.2f},{low:.2f},{close:.2f},1")
        price = close
    return rows


def test_a_candle_goes_against_its_close_first(tmp_path: Path) -> None:
    recording = candles(candle_file(tmp_path, ["0,100,103,99,102,1", "60000,102,104,100.5,101,1"]))
    told = [D(text) for text in ("100", "99", "103", "102", "102", "104", "100.5", "101")]
    assert recording.exits == {LONG: told, SHORT: told}
    assert (recording.name, recording.price_increment) == ("XUSDT candles", D("0.1"))
    assert [seen.age_hours for seen in Way(recording, LONG, 0)] == [0, 0, 0, *[D(1) / 60] * 4]


def test_volatility_is_known_after_fourteen_closed_candles() -> None:
    ranges = TrueRange()
    for _ in range(13):
        ranges.add(D(102), D(100), D(101))
    assert ranges.average is None
    ranges.add(D(102), D(100), D(101))
    assert ranges.average == 2
    ranges.add(D(117), D(115), D(116))  # a gap from the close at 101 counts
    assert ranges.average == D(3)


def test_each_side_leaves_at_its_side_of_the_book(tmp_path: Path) -> None:
    frames = [
        {"e": "bookTicker", "b": "99.9", "a": "100.1"},
        {"e": "trade", "p": "100.05"},
        {"e": "bookTicker", "b": "100", "a": "100.2"},
    ]
    lines = [f"{second * 10**9} {json.dumps({'data': frame})}" for second, frame in enumerate(frames)]
    path = tmp_path / "xusdt.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    book, trades = ticks(path)
    assert book.exits == {LONG: [D("99.9"), D(100)], SHORT: [D("100.1"), D("100.2")]}
    assert trades.exits[LONG] == trades.exits[SHORT] == [D("100.05")]
    assert book.hours == [0, D(2) / 3600]


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    (path,) = [candle_file(tmp_path, wandering(400))]
    replays.load([path], [])
    return replays.RECORDINGS["XUSDT candles"]


def test_all_plans_agree_on_any_candles(recording: Recording) -> None:
    for plan in replays.plans_for(recording):
        result = replays.examine(recording.name, plan, range(5))
        assert (result.differences, sum(result.exits.values())) == ([], 5)


class Mistold(Case):
    def retold(self) -> Story:
        return Case.retold(replace(self, plan=read_plan({"stop_loss": {"type": "percent", "percent": 3}})))


class Forgetful(Case):
    def restarted(self, every: int) -> Outcome:
        return self.replayed(islice(self.prices, 2))


@pytest.mark.parametrize(
    ("kind", "said"), [(Mistold, "not what the rules say"), (Forgetful, "another end after restarts")]
)
def test_a_difference_is_noticed(recording: Recording, kind: type[Case], said: str) -> None:
    honest = replays.entered(recording, "default", random.Random(0))
    result = replays.Result(recording.name, "default")
    replays.compare(kind(**vars(honest)), 7, result)
    assert result.differences == [f"XUSDT candles, default, 7: {said}"]
