"""`python -m benchmarks.intake`: what a signal costs until it is durable, routed and answered, beside the bare insert.

Signals that are logged and routed, and open nothing: one strategy knows their phrase and is switched off, so each makes
a row, a verdict and their entries in the trail. All ways take turns in one run on one durable PostgreSQL.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import median
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.report import machine, p99
from benchmarks.stores import own_stores

BATCH = 100
PHRASE = "BENCHMARK"
FLOOR_TABLE = "CREATE TABLE floor (uid text PRIMARY KEY, raw text NOT NULL)"
FLOOR = "INSERT INTO floor SELECT * FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING RETURNING uid"
START = datetime.now(UTC) - timedelta(hours=1)
_numbers = count()


def frame() -> str:
    """No two are equal."""
    bar_time = START + timedelta(microseconds=next(_numbers))
    now = datetime.now(UTC).isoformat()
    return json.dumps(
        {"symbol": "BTCUSDT", "message": PHRASE, "bar_time": bar_time.isoformat(), "sent_at": now,
         "signal_id": uuid.uuid4().hex}
    )  # fmt: skip


class Floor:
    """The bare commit: one prepared statement on one connection of its own."""

    def __init__(self) -> None:
        from django.db import connection

        parameters = connection.get_connection_params()
        wanted = {key: parameters[key] for key in ("host", "user", "dbname") if key in parameters}
        self._connection = psycopg.connect(**wanted, autocommit=True, prepare_threshold=0)
        self._connection.execute(FLOOR_TABLE)

    def __call__(self, frames: Sequence[str]) -> None:
        columns = [[uuid.uuid4().hex for _ in frames], list(frames)]
        assert len(self._connection.execute(FLOOR, columns).fetchall()) == len(frames)


class Intake:
    def __init__(self) -> None:
        from signals_app.registry import load
        from signals_app.sender_rules import SenderRule

        self._registry, self._rule = load(), SenderRule("bench")

    def one(self, frames: Sequence[str]) -> None:
        from signals_app.services.intake import receive_signal

        (arrival,) = self._arrivals(frames)
        _check([receive_signal(arrival, self._registry)])

    def many(self, frames: Sequence[str]) -> None:
        from signals_app.services.intake import receive_batch

        _check(receive_batch(self._arrivals(frames), self._registry))

    def _arrivals(self, frames: Sequence[str]) -> list[Any]:
        from signals_app.services.arrivals import Arrival

        return [Arrival(one, "bench", datetime.now(UTC), self._rule) for one in frames]


def _check(verdicts: Sequence[Any]) -> None:
    assert all(one.status == "new" and one.entries[0].status == "skipped" for one in verdicts), verdicts[0]


def prepare() -> None:
    from exchanges.models import ExchangeAccount
    from signals_app.models import Strategy, StrategySignal, Ticker

    Ticker.objects.create(symbol="BTCUSDT")
    account = ExchangeAccount.objects.create(name="bench")
    strategy = Strategy.objects.create(name="bench", account=account, enabled=False)
    StrategySignal.objects.create(strategy=strategy, phrase=PHRASE, direction="long")


def measure(rounds: int, singles: int) -> dict[str, list[float]]:
    """Milliseconds per call."""
    floor, intake = Floor(), Intake()
    ways: dict[str, tuple[Callable[[Sequence[str]], None], int, int]] = {
        "bare insert, one": (floor, 1, singles),
        "receive_signal": (intake.one, 1, singles),
        f"bare insert, {BATCH}": (floor, BATCH, 1),
        f"receive_batch, {BATCH}": (intake.many, BATCH, 1),
    }
    seen: dict[str, list[float]] = defaultdict(list)
    for turn in track(range(rounds + 2), "measuring", transient=True):
        for name, (call, size, times) in ways.items():
            for _ in range(times):
                frames = [frame() for _ in range(size)]
                began = time.perf_counter()
                call(frames)
                if turn > 1:  # the first ones warm up
                    seen[name].append((time.perf_counter() - began) * 1000)
    return seen


def report(console: Console, seen: dict[str, list[float]]) -> None:
    console.print(f"\n{machine()}")
    table = Table("way", "calls", "median ms", "p99 ms", "signals/s", "x median", "x p99")
    for (floor_name, floor), (name, ours) in zip(*[iter(seen.items())] * 2, strict=True):
        table.add_row(floor_name, *_figures(floor, floor_name), "", "")
        ratios = (f"{ours / least:.1f}" for ours, least in (
            (median(ours), median(floor)), (p99(ours), p99(floor))
        ))  # fmt: skip
        table.add_row(name, *_figures(ours, name), *ratios)
    console.print(table)
    console.print(
        "Floor: one prepared INSERT .. ON CONFLICT .. RETURNING and its durable commit, by psycopg."
    )


def _figures(values: list[float], name: str) -> list[str]:
    size = BATCH if str(BATCH) in name else 1
    rate = size * 1000 / median(values)
    return [str(len(values)), f"{median(values):.2f}", f"{p99(values):.2f}", f"{rate:,.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intake")
    parser.add_argument("--rounds", type=int, default=60, help="batches of each way")
    parser.add_argument("--singles", type=int, default=20, help="single signals per round")
    options = parser.parse_args()
    console = Console()
    with own_stores():
        logging.disable(logging.WARNING)
        prepare()
        report(console, measure(options.rounds, options.singles))


if __name__ == "__main__":
    main()
