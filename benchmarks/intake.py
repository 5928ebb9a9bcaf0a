"""`python -m benchmarks.intake`: what a signal costs until it is durable, routed and answered, beside the bare insert.

Signals that are logged and routed, and open nothing: one strategy knows their phrase and is switched off, so each makes
a row, a verdict and their entries in the trail. All ways take turns in one run on one durable PostgreSQL.
"""

from __future__ import annotations

import argparse
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.report import machine, p99
from benchmarks.stores import own_stores
from ops.verification.frames import frame

BATCH = 100
WARM_UP = 2  # rounds
FLOOR_TABLE = "CREATE TABLE floor (uid text PRIMARY KEY, raw text NOT NULL)"
FLOOR = "INSERT INTO floor SELECT * FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING RETURNING uid"


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
    """Each way takes frames and sees to it that all were taken as they should be."""

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

    def accepted(self, frames: Sequence[str]) -> None:
        from signals_app.services.intake import accept

        (arrival,) = self._arrivals(frames)
        assert accept(arrival, self._registry).status == "new"

    def dispatched(self, frames: Sequence[str]) -> None:
        from signals_app.services.dispatch import dispatch_accepted

        assert dispatch_accepted(len(frames), self._registry) == len(frames)

    def _arrivals(self, frames: Sequence[str]) -> list[Any]:
        from signals_app.services.arrivals import Arrival

        return [Arrival(one, "bench", datetime.now(UTC), self._rule) for one in frames]


def _check(verdicts: Sequence[Any]) -> None:
    assert all(one.status == "new" and one.entries[0].status == "skipped" for one in verdicts), verdicts[0]


@dataclass
class Way:
    name: str
    call: Callable[[Sequence[str]], None]
    size: int
    times: int  # in each round
    floor: Way | None = None
    seen: list[float] = field(default_factory=list)  # milliseconds per call

    def take(self) -> None:
        for _ in range(self.times):
            frames = [frame() for _ in range(self.size)]
            began = time.perf_counter()
            self.call(frames)
            self.seen.append((time.perf_counter() - began) * 1000)

    def row(self) -> list[str]:
        middle, worst = median(self.seen), p99(self.seen)
        cells = [
            self.name,
            str(len(self.seen)),
            f"{middle:.2f}",
            f"{worst:.2f}",
            f"{self.size * 1000 / middle:,.0f}",
        ]
        if self.floor is None:
            return [*cells, "", ""]
        return [*cells, f"{middle / median(self.floor.seen):.1f}", f"{worst / p99(self.floor.seen):.1f}"]


def prepare() -> None:
    from ops.verification.services.desk import a_strategy_that_is_off

    a_strategy_that_is_off()


def measure(rounds: int, singles: int) -> list[Way]:
    floor, intake = Floor(), Intake()
    one, many = Way("bare insert, one", floor, 1, singles), Way(f"bare insert, {BATCH}", floor, BATCH, 1)
    ways = [
        one,
        Way("receive_signal", intake.one, 1, singles, one),
        Way("accept", intake.accepted, 1, singles, one),
        Way("dispatch_accepted, one", intake.dispatched, 1, singles, one),
        many,
        Way(f"receive_batch, {BATCH}", intake.many, BATCH, 1, many),
    ]
    for turn in track(range(rounds + WARM_UP), "measuring", transient=True):
        for way in ways:
            way.take()
            if turn < WARM_UP:
                way.seen.clear()
    return ways


def report(console: Console, ways: Sequence[Way]) -> None:
    console.print(f"\n{machine()}")
    table = Table("way", "calls", "median ms", "p99 ms", "signals/s", "x median", "x p99")
    for way in ways:
        table.add_row(*way.row())
    console.print(table)
    console.print(
        "Floor: one prepared INSERT .. ON CONFLICT .. RETURNING and its durable commit, by psycopg."
    )


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
