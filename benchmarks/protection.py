"""`python -m benchmarks.protection`: what a price costs the market process, beside a look at every band.

The desk of the market process alone: no socket, no database; hints are counted, not sent. All ways take ticks by turns
in one run and share the core with whatever else runs here: see the load, and read ratios.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from statistics import median

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.report import machine, p99

VENUE = "binance"
NAPS = 0.0005
BATCH = 50
START = Decimal(1000)
NOTHING_TO_CONNECT_TO = {
    "DATABASE_URL": "postgresql:///none?host=/nonexistent",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "only-for-a-benchmark-0123456789abcdef",
    "FIELD_KEYS": "A" * 43 + "=",
    "DRY_RUN": "true",
    "PAPER_EXCHANGE_URL": "http://127.0.0.1:9",
    "DJANGO_SETTINGS_MODULE": "tradingbot.settings",
}


def prepare() -> None:
    import django

    for name, value in NOTHING_TO_CONNECT_TO.items():
        os.environ.setdefault(name, value)
    django.setup()


class Nothing:
    """What the measuring itself costs."""

    def watch(self, wanted: Mapping) -> None: ...

    def take(self, venue: str, ticks: Sequence) -> None: ...


class Scan:
    """Looks at every position of the contract at every tick."""

    def __init__(self, left: Callable[[Sequence[int], object], None]) -> None:
        from trailing.watching import HINT_AGAIN_SECONDS

        self._left, self._pause = left, HINT_AGAIN_SECONDS
        self._hinted_at: dict[int, float] = {}
        self._bands: Mapping[tuple[str, str], list] = {}

    def watch(self, wanted: Mapping) -> None:
        bands = defaultdict(list)
        for position_id, watched in wanted.items():
            bands[watched.contract].append((position_id, watched.band))
        self._bands = bands

    def take(self, venue: str, ticks: Sequence) -> None:
        for tick in ticks:
            for position_id, band in self._bands.get((venue, tick.symbol), ()):
                if band.is_left_by(tick.price):
                    now = time.monotonic()
                    if now - self._hinted_at.get(position_id, 0.0) >= self._pause:
                        self._hinted_at[position_id] = now
                        self._left([position_id], tick)


class World:
    """Positions around the prices of their contracts; a band that was left is set anew once a second."""

    def __init__(self, way: str, positions: int, contracts: int) -> None:
        from exchanges.types import PriceTick
        from trailing.watching import PriceDesk

        self._tick, self._dice = PriceTick, random.Random(7)
        self.hinted: list[int] = []
        self.hints = 0
        ways = {"crossings": PriceDesk, "scan": Scan}
        self.desk = ways[way](self._left) if way in ways else Nothing()
        self._prices = {f"C{number}/USDT:USDT": START for number in range(contracts)}
        self._symbols = list(self._prices)
        self._watched = {
            number: self._around(self._symbols[number % contracts]) for number in range(positions)
        }
        self.desk.watch(self._watched)

    def _around(self, symbol: str) -> object:
        from trailing.bands import Watched
        from trailing.thresholds import Band

        price, dice = self._prices[symbol], self._dice
        below, above = (Decimal(dice.randint(50, 3000)) / 100_000 for _ in range(2))
        return Watched((VENUE, symbol), Band(price * (1 - below), price * (1 + above)))

    def _left(self, position_ids: Sequence[int], tick: object) -> None:
        self.hints += len(position_ids)
        self.hinted.extend(position_ids)

    def next_tick(self) -> object:
        symbol = self._dice.choice(self._symbols)
        self._prices[symbol] *= 1 + Decimal(self._dice.randint(-10, 10)) / 100_000
        return self.tick(symbol, round(self._prices[symbol], 4))

    def tick(self, symbol: str, price: Decimal) -> object:
        return self._tick(symbol, price, datetime.now(UTC))

    def set_anew(self) -> None:
        """As after a load: all of them, most unchanged."""
        hinted, self.hinted = self.hinted, []
        moved = {number: self._around(self._watched[number].contract[1]) for number in hinted}
        self._watched = self._watched | moved

    def watch(self) -> None:
        self.desk.watch(self._watched)

    def close(self) -> None:
        if hasattr(self.desk, "close"):
            self.desk.close()


@dataclass
class Paced:
    """Seconds, of one way."""

    decided: list[float] = field(default_factory=list)
    behind: list[float] = field(default_factory=list)
    busy: float = 0
    wanted: float = 0

    @property
    def share(self) -> float:
        """Of a core; more than all of it is a way that never gets there."""
        return self.busy / self.wanted


def pace(world: World, result: Paced, rate: int, seconds: float) -> None:
    """`rate` ticks a second, each decided alone; what fell behind is taken as soon as possible."""
    ticks = [world.next_tick() for _ in range(int(rate * seconds))]
    world.set_anew()
    busy, began = time.process_time(), time.perf_counter()
    world.watch()
    for number, tick in enumerate(ticks):
        due = began + number / rate
        while (now := time.perf_counter()) < due:
            time.sleep(NAPS)
        world.desk.take(VENUE, [tick])
        done = time.perf_counter()
        result.decided.append(done - now)
        result.behind.append(done - due)
    result.wanted += seconds
    result.busy += time.process_time() - busy


def one_tick(world: World) -> float:
    """Microseconds of this thread for a price that leaves no band."""
    ticks = [world.tick("C0/USDT:USDT", START)] * BATCH
    began = time.thread_time()
    world.desk.take(VENUE, ticks)
    return (time.thread_time() - began) / BATCH * 1e6


def a_gap(world: World) -> float:
    """Milliseconds of this thread for a price that leaves every band at once."""
    tick = world.tick("C0/USDT:USDT", Decimal(1))
    began = time.thread_time()
    world.desk.take(VENUE, [tick])
    return (time.thread_time() - began) * 1e3


def measure_pace(options: argparse.Namespace, progress: Progress) -> dict[str, Paced]:
    worlds = {
        way: World(way, options.positions, options.contracts) for way in ("nothing", "crossings", "scan")
    }
    results = {way: Paced() for way in worlds}
    for _ in progress.track(range(options.turns), description="paced, by turns of a second"):
        for way, world in worlds.items():
            pace(world, results[way], options.rate, 1.0)
    for world in worlds.values():
        world.close()
    return results


def measure_single(options: argparse.Namespace, progress: Progress) -> dict[tuple[str, int], list[float]]:
    counts = (1, options.positions)
    worlds = {(way, count): World(way, count, 1) for way in ("crossings", "scan") for count in counts}
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    for _ in progress.track(range(options.turns * 5), description="one tick, by turns"):
        for key, world in worlds.items():
            found[key].append(one_tick(world))
    found["gap", options.positions] = [a_gap(worlds["crossings", options.positions])]
    for world in worlds.values():
        world.close()
    return found


def print_pace(console: Console, options: argparse.Namespace, results: Mapping[str, Paced]) -> None:
    console.print(
        f"\n[bold]{options.positions:,} positions x {options.contracts} contracts x {options.rate:,} ticks/s, "
        f"{options.turns} turns of a second each[/bold]\nShares are processor time; the rest is by the clock on "
        "the wall, with the time that other processes took."
    )
    table = Table(
        "way", "share of a core", "of it deciding", "decided p50 µs", "p99 µs", "due to decided p99 ms"
    )
    measuring = results["nothing"].share
    for way, one in results.items():
        micro = [seconds * 1e6 for seconds in one.decided]
        table.add_row(
            way, f"{one.share:.1%}", f"{one.share - measuring:.1%}", f"{median(micro):.1f}", f"{p99(micro):.1f}",
            f"{p99(one.behind) * 1e3:.2f}",
        )  # fmt: skip
    console.print(table)


def print_single(console: Console, count: int, found: Mapping[tuple[str, int], list[float]]) -> None:
    table = Table("a price that leaves no band", "1 position µs", f"{count:,} positions µs", "ratio")
    for way in ("crossings", "scan"):
        one, many = median(found[way, 1]), median(found[way, count])
        table.add_row(way, f"{one:.2f}", f"{many:.2f}", f"{many / one:.2f}")
    console.print(table)
    console.print(f"A gap that leaves all {count:,} bands at once: {found['gap', count][0]:.1f} ms, once.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.protection")
    parser.add_argument("--positions", type=int, default=10_000)
    parser.add_argument("--contracts", type=int, default=100)
    parser.add_argument("--rate", type=int, default=10_000, help="ticks per second")
    parser.add_argument("--turns", type=int, default=10, help="seconds of each way")
    options = parser.parse_args()
    console = Console()
    prepare()
    console.print(machine())
    with Progress(console=console, transient=True) as progress:
        paced, single = measure_pace(options, progress), measure_single(options, progress)
    print_pace(console, options, paced)
    print_single(console, options.positions, single)
    console.print(machine())


if __name__ == "__main__":
    main()
