"""Recorded prices, from files: one-minute candles, and raw frames of best bid and ask or of trades."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from exchanges.types import PositionSide
from trailing.protection import Seen

ATR_PERIOD = 14
MINUTES, NANOSECONDS = 60, 3_600_000_000_000  # of an hour


@dataclass(frozen=True)
class Recording:
    """`exits`: what each side would get when it left at that moment. `hours` since the beginning."""

    name: str
    price_increment: Decimal
    exits: dict[PositionSide, list[Decimal]]
    hours: list[Decimal]
    atrs: list[Decimal | None]

    def __len__(self) -> int:
        return len(self.hours)


@dataclass(frozen=True)
class Way:
    """All that came after one moment."""

    recording: Recording
    side: PositionSide
    start: int

    def __iter__(self) -> Iterator[Seen]:
        recording = self.recording
        prices, began = recording.exits[self.side], recording.hours[self.start]
        for index in range(self.start + 1, len(recording)):
            yield Seen(prices[index], recording.hours[index] - began, recording.atrs[index])


def candles(path: Path) -> Recording:
    """A candle is four prices: open, the extreme on the other side of its close, the other extreme, close."""
    prices: list[Decimal] = []
    hours: list[Decimal] = []
    atrs: list[Decimal | None] = []
    ranges = TrueRange()
    with gzip.open(path, "rt") as file:
        for minute, row in enumerate(csv.DictReader(file)):
            opened, high, low, close = (Decimal(row[name]) for name in ("open", "high", "low", "close"))
            prices += [opened, low, high, close] if close >= opened else [opened, high, low, close]
            hours += [Decimal(minute) / MINUTES] * 4
            atrs += [ranges.average] * 4
            ranges.add(high, low, close)
    return _recording(f"{path.name.split('-')[0]} candles", dict.fromkeys(PositionSide, prices), hours, atrs)


class TrueRange:
    """Wilder's average of closed candles; None until there are enough."""

    def __init__(self) -> None:
        self.average: Decimal | None = None
        self._first: list[Decimal] = []
        self._close: Decimal | None = None

    def add(self, high: Decimal, low: Decimal, close: Decimal) -> None:
        before = close if self._close is None else self._close
        reach, self._close = max(high, before) - min(low, before), close
        if self.average is not None:
            self.average = round((self.average * (ATR_PERIOD - 1) + reach) / ATR_PERIOD, 8)
            return
        self._first.append(reach)
        if len(self._first) == ATR_PERIOD:
            self.average = round(sum(self._first, Decimal(0)) / ATR_PERIOD, 8)


def ticks(path: Path) -> list[Recording]:
    """Lines of `<receive time in nanoseconds> <raw frame>`: best bid and ask as one recording, trades as another."""
    book: list[tuple[int, Decimal, Decimal]] = []
    trades: list[tuple[int, Decimal, Decimal]] = []
    with gzip.open(path, "rt") as file:
        for line in file:
            received, frame = line.split(" ", 1)
            said = json.loads(frame).get("data", {})
            if said.get("e") == "bookTicker":
                book.append((int(received), Decimal(said["b"]), Decimal(said["a"])))
            elif said.get("e") == "trade":
                trades.append((int(received), Decimal(said["p"]), Decimal(said["p"])))
    name = path.name.split(".")[0].upper()
    return [_of_ticks(f"{name} book", book), _of_ticks(f"{name} trades", trades)]


def _of_ticks(name: str, seen: list[tuple[int, Decimal, Decimal]]) -> Recording:
    exits = {PositionSide.LONG: [bid for _, bid, _ in seen], PositionSide.SHORT: [ask for *_, ask in seen]}
    hours = [Decimal(received - seen[0][0]) / NANOSECONDS for received, *_ in seen]
    return _recording(name, exits, hours, [None] * len(seen))


def _recording(
    name: str, exits: dict[PositionSide, list[Decimal]], hours: list[Decimal], atrs: list[Decimal | None]
) -> Recording:
    """The price increment is the finest that occurs."""
    finest = min(price.normalize().as_tuple().exponent for prices in exits.values() for price in prices)
    return Recording(name, Decimal(1).scaleb(finest), exits, hours, atrs)
