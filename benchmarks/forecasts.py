"""`python -m benchmarks.forecasts`: what one round of forecasts costs: candles from the database, features, a model's
answers, and the memory of a process that makes them. Each beside the least it could cost in the same run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.report import machine
from benchmarks.stores import own_stores

MEGABYTE = 1024 * 1024
NEWEST = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Result:
    what: str
    seconds: list[float]
    floor: list[float]
    floor_is: str
    target: str = ""


def timed(act: Callable[[], object], turns: int) -> list[float]:
    """Processor seconds: neighbours on the machine are not measured along."""
    found = []
    for _ in range(turns):
        began = time.process_time()
        act()
        found.append(time.process_time() - began)
    return found


def made_bars(contracts: int, times: int) -> object:
    from tests.forecasts.made_candles import bars_from

    returns = np.random.default_rng(1).normal(0, 0.003, (contracts, times))
    return bars_from(returns, 1, ("BTCUSDT", *(f"C{number}USDT" for number in range(1, contracts))))


def of_features(bars: object, turns: int) -> Result:
    import bottleneck as bn

    from signals_app.forecasts.features.table import features

    columns = len(features(bars).names)

    def least() -> object:
        means = [bn.move_mean(bars.close, 20, axis=1).astype(np.float32) for _ in range(columns)]
        return np.stack(means, axis=2)

    floor = f"{columns} moving means of as many candles"
    return Result("features", timed(lambda: features(bars), turns), timed(least, turns), floor, "1 s")


def trained_bytes(console: Console) -> tuple[bytes, str]:
    """As many trees as a real one has; what it has learned does not matter here."""
    from signals_app.forecasts.training import Wishes, train
    from tests.forecasts.made_candles import pattern

    with console.status("training a model"):
        model = train(pattern(1500, contracts=4), Wishes(folds=1)).model
    return model.to_bytes(), model.version


def of_answers(bars: object, content: bytes, version: str, turns: int) -> list[Result]:
    from signals_app.forecasts.features.table import features
    from signals_app.forecasts.model import opened

    rows = features(bars).values[:, -1]
    model = opened(content, version)

    def cold() -> object:
        return opened(content, version).answers(rows)

    def least() -> None:
        for forest in model.forests.values():
            trees = np.arange(forest.value.shape[0])
            forest.value[trees, np.zeros((rows.shape[0], trees.size), dtype=np.int32)].sum()

    floor, floor_is = timed(least, turns), "one look-up for each tree and contract"
    return [
        Result(
            "a model's answers, opened before", timed(lambda: model.answers(rows), turns), floor, floor_is
        ),
        Result("a model's answers, opened for them", timed(cold, turns), floor, floor_is),
    ]


def stored_candles(contracts: int, times: int) -> object:
    """An account with so many candles of so many contracts."""
    from exchanges.models import ExchangeAccount, Instrument
    from exchanges.types import Candle, Timeframe
    from signals_app.forecasts.services.candles import keep_candles

    account = ExchangeAccount.objects.create(name="bench")
    steps = dict.fromkeys(("price_increment", "size_increment", "min_quantity", "min_notional"), 1)
    figures = [Decimal(one) for one in (100, 110, 90, 105, 3)]
    opened = [NEWEST - number * Timeframe.QUARTER.length for number in range(times, 0, -1)]
    for number in range(contracts):
        names = {"symbol": f"C{number}/USDT:USDT", "exchange_symbol": f"C{number}USDT"}
        one = Instrument.objects.create(venue="binance", **names, **steps, refreshed_at=NEWEST)
        rows = [Candle(at, *figures) for at in opened]
        keep_candles(account, one, Timeframe.QUARTER, True, rows, now=NEWEST + timedelta(minutes=1))
    return account


def of_reading(contracts: int, times: int, turns: int) -> Result:
    """Wall time: the database works meanwhile."""
    from django.db import connection

    from exchanges.types import Timeframe
    from signals_app.forecasts.stored import stored_bars

    account = stored_candles(contracts, times)

    def least() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT instrument_id, opened_at, open::float8, high::float8, low::float8, "
                           "close::float8, volume::float8 FROM market_candles")  # fmt: skip
            assert len(cursor.fetchall()) == contracts * times

    def read() -> None:
        assert stored_bars(account, Timeframe.QUARTER, True).close.shape == (contracts, times)

    return Result("candles from the database", _waited(read, turns), _waited(least, turns), "its plain rows")


def _waited(act: Callable[[], object], turns: int) -> list[float]:
    found = []
    for _ in range(turns):
        began = time.perf_counter()
        act()
        found.append(time.perf_counter() - began)
    return found


def memory(content: bytes, version: str, contracts: int, times: int) -> list[tuple[str, float]]:
    """Of a process of its own: without libraries of forecasts, with them, and after a round."""
    ours, theirs = multiprocessing.Pipe()
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        words = (theirs, file.name, version, contracts, times)
        process = multiprocessing.get_context("spawn").Process(target=_forecasting, args=words)
        process.start()
        found = [ours.recv() for _ in range(3)]
        process.join()
    return found


def _forecasting(ready: Connection, file: str, version: str, contracts: int, times: int) -> None:
    import sys

    def tell(what: str) -> None:
        ready.send((what, psutil.Process().memory_info().rss / MEGABYTE))

    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "tradingbot.settings"
    django.setup()
    tell("Django, numpy")
    from signals_app.forecasts.features.table import features
    from signals_app.forecasts.model import opened

    tell("and the libraries of features")
    bars = made_bars(contracts, times)
    for _ in range(3):
        opened(Path(file).read_bytes(), version).answers(features(bars).values[:, -1])
    assert "sklearn" not in sys.modules, "a process that forecasts needs no training library"
    tell(f"after rounds of {contracts} x {times}")


def show(console: Console, results: list[Result], held: list[tuple[str, float]]) -> None:
    table = Table("", "median ms", "most", "target", "floor ms", "x floor", "floor is")
    for one in results:
        ours, floor = median(one.seconds) * 1000, median(one.floor) * 1000
        most = max(one.seconds) * 1000
        table.add_row(
            one.what,
            f"{ours:.1f}",
            f"{most:.1f}",
            one.target,
            f"{floor:.2f}",
            f"{ours / floor:.1f}",
            one.floor_is,
        )
    console.print(table)
    memory = Table("a process that forecasts has", "MB")
    for what, megabytes in held:
        memory.add_row(what, f"{megabytes:.0f}")
    console.print(memory)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecasts")
    parser.add_argument("--contracts", type=int, default=100)
    parser.add_argument("--candles", type=int, default=200, help="of each contract")
    parser.add_argument("--turns", type=int, default=9)
    options, console = parser.parse_args(), Console()
    size = options.contracts, options.candles
    with own_stores():
        bars = made_bars(*size)
        content, version = trained_bytes(console)
        results = [
            of_reading(*size, options.turns),
            of_features(bars, options.turns),
            *of_answers(bars, content, version, options.turns),
        ]
        held = memory(content, version, *size)
    console.print(
        f"\n{machine()}; {size[0]} contracts x {size[1]} candles; a model of {len(content) / MEGABYTE:.1f} MB"
    )
    show(console, results, held)


if __name__ == "__main__":
    main()
