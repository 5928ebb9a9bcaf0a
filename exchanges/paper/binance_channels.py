"""Public stream messages of the Binance dialect, made from a subscription's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from exchanges.paper import candles
from exchanges.paper.binance_public import day_figures
from exchanges.paper.figures import text
from exchanges.paper.market_view import LEVEL, touches
from exchanges.paper.venue import PaperVenue

Message = dict[str, Any]


class Channels:
    """What each subscription says at the current prices. advance() first, once per change of prices."""

    def __init__(self, venue: PaperVenue) -> None:
        self._venue = venue
        self._shown: dict[str, tuple[str, str]] = {}
        self._gone: dict[str, tuple[str, str]] = {}

    def advance(self) -> None:
        self._venue.book_version += 1
        self._gone = self._shown
        self._shown = {symbol: touches(self._venue, symbol) for symbol in self._venue.engine.prices}

    def message(self, name: str) -> str:
        """Empty for a name that nothing is known of, as the venue stays silent on those."""
        found: Message | list[Message] | None
        if name.startswith("!"):
            make = _EVERY.get(name.split("@")[0])
            found = [make(self._venue, symbol) for symbol in self._venue.engine.prices] if make else None
        else:
            found = self._of_one(*name.partition("@")[::2])
        return json.dumps(found) if found else ""

    def _of_one(self, symbol: str, kind: str) -> Message | None:
        symbol, kind = symbol.upper(), kind.split("@")[0]
        if symbol not in self._shown:
            return None
        if kind.startswith("depth"):
            return self._depth(symbol)
        if kind.startswith("kline_"):
            return _kline(self._venue, symbol, kind.removeprefix("kline_"))
        make = _EACH.get(kind)
        return make(self._venue, symbol) if make else None

    def _depth(self, symbol: str) -> Message:
        """One level a side; the levels shown before are taken away."""
        version, at = self._venue.book_version, self._venue.now_ms()
        (bid, ask), (old_bid, old_ask) = self._shown[symbol], self._gone.get(symbol, ("", ""))
        return {
            "e": "depthUpdate", "E": at, "T": at, "s": symbol, "U": version, "u": version, "pu": version - 1,
            "b": _levels(old_bid, bid), "a": _levels(old_ask, ask),
        }  # fmt: skip


def _levels(old: str, new: str) -> list[list[str]]:
    gone = [[old, "0"]] if old and old != new else []
    return [*gone, [new, LEVEL]]


def _mark(venue: PaperVenue, symbol: str) -> Message:
    price = text(venue.engine.prices[symbol])
    return {
        "e": "markPriceUpdate", "E": venue.now_ms(), "s": symbol, "p": price, "ap": price, "P": price, "i": price,
        "r": "0.00000000", "T": venue.now_ms() + 3_600_000,
    }  # fmt: skip


def _mini_ticker(venue: PaperVenue, symbol: str) -> Message:
    day = day_figures(venue, symbol)
    return {
        "e": "24hrMiniTicker", "E": venue.now_ms(), "s": symbol, "c": day["lastPrice"], "o": day["openPrice"],
        "h": day["highPrice"], "l": day["lowPrice"], "v": day["volume"], "q": day["quoteVolume"],
    }  # fmt: skip


def _book_ticker(venue: PaperVenue, symbol: str) -> Message:
    bid, ask = touches(venue, symbol)
    return {
        "e": "bookTicker", "u": venue.now_ms(), "s": symbol, "b": bid, "B": LEVEL, "a": ask, "A": LEVEL,
        "T": venue.now_ms(), "E": venue.now_ms(),
    }  # fmt: skip


def _trade(venue: PaperVenue, symbol: str) -> Message:
    price, at = text(venue.engine.last(symbol)), venue.now_ms()
    return {
        "e": "trade", "E": at, "T": at, "s": symbol, "t": at, "p": price, "q": "0.1", "X": "MARKET", "m": False,
    }  # fmt: skip


def _kline(venue: PaperVenue, symbol: str, interval: str) -> Message | None:
    if interval not in candles.MINUTES:
        return None
    row = candles.joined(venue.engine.candles(symbol), interval)[-1]
    figures = {"o": row.open, "h": row.high, "l": row.low, "c": row.close, "v": row.volume}
    return {
        "e": "kline", "E": venue.now_ms(), "s": symbol,
        "k": {
            "t": row.open_ms, "T": row.open_ms + candles.length_ms(interval) - 1, "s": symbol, "i": interval,
            "x": False, "n": 10, "f": 1, "L": 2, "q": "1", "V": "1", "Q": "1", "B": "0",
            **{key: text(value) for key, value in figures.items()},
        },
    }  # fmt: skip


_EACH: Mapping[str, Callable[[PaperVenue, str], Message]] = {
    "markPrice": _mark,
    "miniTicker": _mini_ticker,
    "bookTicker": _book_ticker,
    "trade": _trade,
}
_EVERY: Mapping[str, Callable[[PaperVenue, str], Message]] = {
    "!markPrice": _mark,
    "!miniTicker": _mini_ticker,
}
