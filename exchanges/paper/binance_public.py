"""Public requests of the Binance USDT-M dialect, and what every request knows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from exchanges.paper import binance_words as words
from exchanges.paper.binance_params import Params, optional_whole, required
from exchanges.paper.book import VenueRefusal
from exchanges.paper.venue import PaperVenue, now_ms

Answer = Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request. account is empty where none is needed."""

    venue: PaperVenue
    account: str
    params: Params

    @property
    def symbol(self) -> str:
        symbol = required(self.params, "symbol")
        if symbol not in self.venue.engine.rules:
            raise VenueRefusal(-1121, "Invalid symbol.")
        return symbol

    @property
    def symbols(self) -> list[str]:
        return [self.symbol] if self.params.get("symbol") else list(self.venue.engine.rules)

    @property
    def is_single(self) -> bool:
        return bool(self.params.get("symbol"))


def ping(call: Call) -> Answer:
    return {}


def server_time(call: Call) -> Answer:
    return {"serverTime": now_ms()}


def exchange_info(call: Call) -> Answer:
    contracts = [words.contract(rules) for rules in call.venue.engine.rules.values()]
    return {"timezone": "UTC", "serverTime": now_ms(), "rateLimits": [], "assets": [], "symbols": contracts}


def klines(call: Call) -> Answer:
    start, limit = optional_whole(call.params, "startTime") or 0, optional_whole(call.params, "limit") or 500
    rows = [row for row in call.venue.process.candles(call.symbol) if row.open_ms >= start]
    return [words.candle(row) for row in (rows[:limit] if start else rows[-limit:])]


def day_ticker(call: Call) -> Answer:
    rows = [_day_ticker(call.venue, symbol) for symbol in call.symbols]
    return rows[0] if call.is_single else rows


def _day_ticker(venue: PaperVenue, symbol: str) -> dict[str, Any]:
    candles, last = venue.process.candles(symbol), venue.engine.prices[symbol]
    opened = candles[0].open
    change = last - opened
    return {
        "symbol": symbol, "lastPrice": words.text(last), "openPrice": words.text(opened),
        "highPrice": words.text(max(row.high for row in candles)),
        "lowPrice": words.text(min(row.low for row in candles)),
        "volume": words.text(sum((row.volume for row in candles), Decimal(0))),
        "quoteVolume": words.text(sum((row.volume * row.close for row in candles), Decimal(0))),
        "weightedAvgPrice": words.text(last), "priceChange": words.text(change),
        "priceChangePercent": f"{change / opened * 100:.3f}", "closeTime": now_ms(), "count": 1,
    }  # fmt: skip


def book_ticker(call: Call) -> Answer:
    rows = [_book_ticker(call.venue, symbol) for symbol in call.symbols]
    return rows[0] if call.is_single else rows


def _book_ticker(venue: PaperVenue, symbol: str) -> dict[str, Any]:
    bid, ask = venue.engine.touch(symbol, "SELL"), venue.engine.touch(symbol, "BUY")
    return {
        "symbol": symbol, "bidPrice": words.text(bid), "bidQty": "10", "askPrice": words.text(ask),
        "askQty": "10", "time": now_ms(),
    }  # fmt: skip


def depth(call: Call) -> Answer:
    book = _book_ticker(call.venue, call.symbol)
    return {
        "lastUpdateId": now_ms(), "E": now_ms(), "T": now_ms(),
        "bids": [[book["bidPrice"], "10"]], "asks": [[book["askPrice"], "10"]],
    }  # fmt: skip


def premium_index(call: Call) -> Answer:
    rows = [_premium_index(call.venue, symbol) for symbol in call.symbols]
    return rows[0] if call.is_single else rows


def _premium_index(venue: PaperVenue, symbol: str) -> dict[str, Any]:
    price = words.text(venue.engine.prices[symbol])
    return {
        "symbol": symbol, "markPrice": price, "indexPrice": price, "estimatedSettlePrice": price,
        "lastFundingRate": "0.00000000", "interestRate": "0.00010000",
        "nextFundingTime": now_ms() + 3_600_000, "time": now_ms(),
    }  # fmt: skip
