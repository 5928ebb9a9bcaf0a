"""One-minute candles of the prices an engine was given, and longer ones put together from them. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from exchanges.paper.book import ZERO, VenueRefusal

CANDLE_MS = 60_000
KEPT_CANDLES = 4000  # more than the 200 quarters of an hour that forecasts look back on
MINUTES = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480,
    "12h": 720, "1d": 1440,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Candle:
    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Minutes:
    """The newest candles of one contract, oldest first."""

    def __init__(self) -> None:
        self._rows: deque[Candle] = deque(maxlen=KEPT_CANDLES)

    def copy(self) -> Minutes:
        made = Minutes()
        made._rows.extend(self._rows)
        return made

    def rows(self) -> list[Candle]:
        return list(self._rows)

    def take(self, price: Decimal, at_ms: int, volume: Decimal) -> None:
        """A price told late, by a clock set back, belongs to the newest candle."""
        open_ms = at_ms - at_ms % CANDLE_MS
        if not self._rows or self._rows[-1].open_ms < open_ms:
            self._rows.append(Candle(open_ms, price, price, price, price, volume))
            return
        last = self._rows[-1]
        high, low = max(last.high, price), min(last.low, price)
        self._rows[-1] = Candle(last.open_ms, last.open, high, low, price, last.volume + volume)

    def restore(self, row: Candle) -> None:
        """The later word on a minute, and on those after it, counts."""
        while self._rows and self._rows[-1].open_ms >= row.open_ms:
            self._rows.pop()
        self._rows.append(row)

    def stand_still(self, until_ms: int) -> None:
        """Candles for the minutes in which nobody told a price: the last one stood, and nothing was traded."""
        if not self._rows:
            return
        price, newest = self._rows[-1].close, self._rows[-1].open_ms
        first = max(newest + CANDLE_MS, until_ms - KEPT_CANDLES * CANDLE_MS)
        for open_ms in range(first, until_ms - until_ms % CANDLE_MS, CANDLE_MS):
            self._rows.append(Candle(open_ms, price, price, price, price, ZERO))


def length_ms(interval: str) -> int:
    if interval not in MINUTES:
        raise VenueRefusal(-1120, "Invalid interval.")
    return MINUTES[interval] * CANDLE_MS


def joined(minutes: Iterable[Candle], interval: str) -> list[Candle]:
    length = length_ms(interval)
    return [
        _join(open_ms, list(rows))
        for open_ms, rows in groupby(minutes, lambda row: row.open_ms // length * length)
    ]


def _join(open_ms: int, rows: list[Candle]) -> Candle:
    volume = sum((row.volume for row in rows), ZERO)
    high, low = max(row.high for row in rows), min(row.low for row in rows)
    return Candle(open_ms, rows[0].open, high, low, rows[-1].close, volume)
