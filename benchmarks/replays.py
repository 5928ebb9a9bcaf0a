"""`python -m benchmarks.replays --candles DIR --ticks FILE ...`: random entries into recorded prices.

Each is replayed by the code that trades, told again by the naive reading of docs/protection.md, and replayed with a
restart every 50 prices. Ends with status 1 when any two of the three differ.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.recordings import Recording, Way, candles, ticks
from benchmarks.replay_plans import plans_for
from exchanges.types import InstrumentSpec, PositionSide
from tests.trailing.comparing import Case, told
from trailing.engine import ExitReason
from trailing.plan import read_plan

RESTART_EVERY = 50
ENOUGH = 20
AT_ONCE = 10  # entries of one job
KINDS = [reason for reason in ExitReason if reason not in (ExitReason.BY_HAND, ExitReason.OPPOSITE)]


@dataclass
class Result:
    recording: str
    plan: str
    exits: Counter = field(default_factory=Counter)
    moves: int = 0
    levels: int = 0
    prices: int = 0
    seconds: float = 0
    differences: list[str] = field(default_factory=list)

    def add(self, other: Result) -> None:
        self.exits += other.exits
        self.moves += other.moves
        self.levels += other.levels
        self.prices += other.prices
        self.seconds += other.seconds
        self.differences += other.differences


RECORDINGS: dict[str, Recording] = {}  # of this process


def load(candle_files: list[Path], tick_files: list[Path]) -> None:
    read = [candles(path) for path in candle_files]
    for path in tick_files:
        read += ticks(path)
    RECORDINGS.update({recording.name: recording for recording in read})


def examine(name: str, plan: str, seeds: range) -> Result:
    result = Result(name, plan)
    for seed in seeds:
        compare(entered(RECORDINGS[name], plan, random.Random(f"{name} {plan} {seed}")), seed, result)
    return result


def entered(recording: Recording, plan: str, dice: random.Random) -> Case:
    """Entered at what the other side pays, anywhere in the first nine tenths."""
    side, start = dice.choice(list(PositionSide)), dice.randrange(len(recording) * 9 // 10)
    spec = InstrumentSpec(
        recording.name, recording.name, recording.price_increment, *(Decimal("0.001"),) * 2, None, Decimal(5)
    )
    return Case(
        read_plan(plans_for(recording)[plan]),
        side,
        recording.exits[side.opposite][start],
        spec,
        Decimal(dice.randint(10, 5000)) / 1000,
        1,
        recording.atrs[start],
        Way(recording, side, start),
    )


def compare(case: Case, seed: int, result: Result) -> None:
    began = time.process_time()
    whole = case.replayed()
    result.seconds += time.process_time() - began
    if told(whole) != case.retold():
        result.differences.append(f"{result.recording}, {result.plan}, {seed}: not what the rules say")
    if case.restarted(RESTART_EVERY) != whole:
        result.differences.append(f"{result.recording}, {result.plan}, {seed}: another end after restarts")
    result.exits[str(whole.exit.reason) if whole.exit else "open"] += 1
    result.moves += len(whole.moves)
    result.levels += len(whole.levels)
    result.prices += whole.position.seen


def run(options: argparse.Namespace, console: Console) -> list[Result]:
    files = (_candle_files(options), options.ticks)
    load(*files)
    jobs = list(_jobs(options.entries))
    results: dict[tuple[str, str], Result] = {}
    with (
        Progress(console=console) as progress,
        ProcessPoolExecutor(options.workers, initializer=load, initargs=files) as pool,
    ):
        bar = progress.add_task("entries", total=sum(len(seeds) for *_, seeds in jobs))
        for done in as_completed([pool.submit(examine, *job) for job in jobs]):
            part = done.result()
            results.setdefault((part.recording, part.plan), Result(part.recording, part.plan)).add(part)
            progress.update(bar, advance=sum(part.exits.values()))
    return [results[name, plan] for name, recording in RECORDINGS.items() for plan in plans_for(recording)]


def _candle_files(options: argparse.Namespace) -> list[Path]:
    found = sorted(options.candles.glob("*-1m.csv.gz")) if options.candles else []
    return [path for path in found if not options.symbols or path.name.split("-")[0] in options.symbols]


def _jobs(entries: int) -> Iterator[tuple[str, str, range]]:
    for name, recording in RECORDINGS.items():
        for plan in plans_for(recording):
            for first in range(0, entries, AT_ONCE):
                yield name, plan, range(first, min(first + AT_ONCE, entries))


def print_table(console: Console, results: list[Result]) -> None:
    table = Table(pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("prices", "plan"):
        table.add_column(name, no_wrap=True)
    kinds = (kind.replace("_", " ") for kind in KINDS)
    for name in (*kinds, "open", "moves", "levels", "judged", "µs each", "differ"):
        table.add_column(name, justify="right", no_wrap=True)
    total = Result("all", "")
    for result in results:
        table.add_row(*_row(result))
        total.add(result)
    table.add_section()
    table.add_row(*_row(total))
    console.print(table)
    few = [f"{kind} ({total.exits[kind]})" for kind in KINDS if total.exits[kind] < ENOUGH]
    console.print(f"Fewer than {ENOUGH} exits of: {', '.join(few) or 'no kind'}.")
    for difference in total.differences[:20]:
        console.print(f"[red]{difference}")


def _row(result: Result) -> list[str]:
    each = result.seconds / max(result.prices, 1) * 1_000_000
    counts = [result.exits[kind] for kind in (*KINDS, "open")]
    return [
        result.recording, result.plan, *(str(count or "") for count in counts), str(result.moves), str(result.levels),
        f"{result.prices / 1000:,.0f}k", f"{each:.1f}", str(len(result.differences)),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replays")
    parser.add_argument(
        "--candles", type=Path, help="folder with SYMBOL-1m.csv.gz (ts_ms,open,high,low,close,volume)"
    )
    parser.add_argument(
        "--ticks", type=Path, nargs="+", default=[], help="symbol.jsonl.gz, `<receive ns> <raw frame>`"
    )
    parser.add_argument("--symbols", nargs="+", help="only these candle files, e.g. BTCUSDT")
    parser.add_argument("--entries", type=int, default=200, help="of each recording and plan")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if not options.candles and not options.ticks:
        parser.error("give --candles, --ticks or both")
    console = Console(width=max(Console().width, 160))
    results = run(options, console)
    print_table(console, results)
    sys.exit(any(result.differences for result in results))


if __name__ == "__main__":
    main()
