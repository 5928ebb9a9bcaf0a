"""Public topics of Bybit's linear contracts: tickers, order books, trades, candles."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from exchanges.paper import candles
from exchanges.paper.bybit_public import INTERVALS, book, ticker
from exchanges.paper.figures import text
from exchanges.paper.speaker import Json
from exchanges.paper.venue import PaperVenue

BOOKS = ("1", "50", "200", "1000")


class Channels:
    """What each topic says at the current prices. advance() first, once per change of prices."""

    def __init__(self, venue: PaperVenue) -> None:
        self._venue = venue
        self._shown: dict[str, dict[str, str]] = {}
        self._gone: dict[str, dict[str, str]] = {}

    def advance(self) -> None:
        self._gone = self._shown
        self._shown = {symbol: ticker(self._venue, symbol) for symbol in self._venue.engine.prices}

    def knows(self, topic: str) -> bool:
        kind, _, symbol = topic.rpartition(".")
        return symbol in self._venue.engine.rules and (kind in ("tickers", "publicTrade") or _is_part(kind))

    def whole(self, topic: str) -> Json | None:
        """What is told at once to who subscribes."""
        kind, _, symbol = topic.rpartition(".")
        if kind == "tickers":
            return self._message(topic, "snapshot", self._shown.get(symbol) or ticker(self._venue, symbol))
        return self._book(topic) if kind.startswith("orderbook.") else None

    def change(self, topic: str) -> Json | None:
        make = self._makers[topic.partition(".")[0]]
        return make(self, topic)

    def _message(self, topic: str, kind: str, data: object) -> Json:
        at = self._venue.now_ms()
        return {"topic": topic, "type": kind, "cs": self._venue.book_version, "ts": at, "data": data}

    def _ticker(self, topic: str) -> Json | None:
        """Only what is another than before."""
        symbol = topic.rpartition(".")[2]
        now, before = self._shown.get(symbol, {}), self._gone.get(symbol, {})
        changed = {name: value for name, value in now.items() if before.get(name) != value}
        changed.pop("nextFundingTime", None)  # it always is
        return self._message(topic, "delta", {"symbol": symbol, **changed}) if changed else None

    def _book(self, topic: str) -> Json | None:
        return self._message(topic, "snapshot", book(self._venue, topic.rpartition(".")[2]))

    def _trade(self, topic: str) -> Json | None:
        symbol, at = topic.rpartition(".")[2], self._venue.now_ms()
        row = {
            "T": at, "s": symbol, "S": "Buy", "v": "0.1", "p": text(self._venue.engine.last(symbol)),
            "L": "ZeroPlusTick", "i": f"{symbol}-{at}", "BT": False,
        }  # fmt: skip
        return self._message(topic, "snapshot", [row])

    def _kline(self, topic: str) -> Json | None:
        _, interval, symbol = topic.split(".")
        row = candles.joined(self._venue.engine.candles(symbol), INTERVALS[interval])[-1]
        length = candles.length_ms(INTERVALS[interval])
        told = {
            "start": row.open_ms, "end": row.open_ms + length - 1, "interval": interval, "open": text(row.open),
            "close": text(row.close), "high": text(row.high), "low": text(row.low), "volume": text(row.volume),
            "turnover": text(row.volume * row.close), "confirm": False, "timestamp": self._venue.now_ms(),
        }  # fmt: skip
        return self._message(topic, "snapshot", [told])

    _makers: Mapping[str, Callable[[Channels, str], Json | None]] = {
        "tickers": _ticker,
        "orderbook": _book,
        "publicTrade": _trade,
        "kline": _kline,
    }


def _is_part(kind: str) -> bool:
    name, _, part = kind.partition(".")
    return (name == "orderbook" and part in BOOKS) or (name == "kline" and part in INTERVALS)
