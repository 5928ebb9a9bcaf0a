"""Candles of any interval up to a day, put together from the price process's minutes."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby
from typing import Any

from exchanges.paper import binance_words as words
from exchanges.paper.book import VenueRefusal
from exchanges.paper.prices import CANDLE_MS, Candle

MINUTES = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480,
    "12h": 720, "1d": 1440,
}  # fmt: skip


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
    volume = sum((row.volume for row in rows), Decimal(0))
    high, low = max(row.high for row in rows), min(row.low for row in rows)
    return Candle(open_ms, rows[0].open, high, low, rows[-1].close, volume)


def kline(row: Candle, interval: str) -> list[Any]:
    quote = words.text(row.volume * row.close)
    figures = [words.text(value) for value in (row.open, row.high, row.low, row.close, row.volume)]
    return [row.open_ms, *figures, row.open_ms + length_ms(interval) - 1, quote, 10, "0", "0", "0"]
