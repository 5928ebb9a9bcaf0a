"""Public requests of the Binance USDT-M dialect, and what every request knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from exchanges.paper import binance_words as words
from exchanges.paper.binance_params import Params, page, required, window
from exchanges.paper.book import VenueRefusal
from exchanges.paper.candles import joined
from exchanges.paper.venue import PaperVenue

Answer = Any
MAX_CANDLES = 1500


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
    def optional_symbol(self) -> str | None:
        return self.symbol if self.params.get("symbol") else None

    @property
    def symbols(self) -> list[str]:
        return [self.symbol] if self.params.get("symbol") else list(self.venue.engine.rules)

    def each(self, make: Callable[[PaperVenue, str], Answer]) -> Answer:
        """One answer for the symbol asked for, or a list of all."""
        rows = [make(self.venue, symbol) for symbol in self.symbols]
        return rows[0] if self.params.get("symbol") else rows


def ping(call: Call) -> Answer:
    return {}


def server_time(call: Call) -> Answer:
    return {"serverTime": call.venue.now_ms()}


def exchange_info(call: Call) -> Answer:
    contracts = [words.contract(rules) for rules in call.venue.engine.rules.values()]
    return {
        "timezone": "UTC",
        "serverTime": call.venue.now_ms(),
        "rateLimits": words.rate_limits(call.venue.rate_limits.limits),
        "assets": [],
        "symbols": contracts,
    }


def klines(call: Call) -> Answer:
    return _klines(call, of_mark=False)


def mark_klines(call: Call) -> Answer:
    return _klines(call, of_mark=True)


def _klines(call: Call, *, of_mark: bool) -> Answer:
    symbol, interval = call.symbol, required(call.params, "interval")
    rows = joined(call.venue.engine.candles(symbol, of_mark=of_mark), interval)
    is_wanted = window(call.params)
    wanted = [row for row in rows if is_wanted(row.open_ms)]
    return [words.kline(row, interval) for row in page(wanted, call.params, most=MAX_CANDLES)]


def day_figures(venue: PaperVenue, symbol: str) -> dict[str, str]:
    """Of the candles there are: first, last, highest and lowest price, and the volume."""
    rows, last = venue.engine.candles(symbol), venue.engine.last(symbol)
    return {
        "openPrice": words.text(rows[0].open), "lastPrice": words.text(last),
        "highPrice": words.text(max(last, *(row.high for row in rows))),
        "lowPrice": words.text(min(last, *(row.low for row in rows))),
        "volume": words.text(sum((row.volume for row in rows), Decimal(0))),
        "quoteVolume": words.text(sum((row.volume * row.close for row in rows), Decimal(0))),
    }  # fmt: skip


def day_ticker(call: Call) -> Answer:
    return call.each(_day_ticker)


def _day_ticker(venue: PaperVenue, symbol: str) -> Answer:
    figures = day_figures(venue, symbol)
    opened, last = Decimal(figures["openPrice"]), Decimal(figures["lastPrice"])
    change = last - opened
    return {
        "symbol": symbol, **figures, "weightedAvgPrice": figures["lastPrice"], "priceChange": words.text(change),
        "priceChangePercent": f"{change / opened * 100:.3f}", "closeTime": venue.now_ms(), "count": 1,
    }  # fmt: skip


def book_ticker(call: Call) -> Answer:
    return call.each(_book_ticker)


def _book_ticker(venue: PaperVenue, symbol: str) -> Answer:
    bid, ask = touches(venue, symbol)
    return {
        "symbol": symbol, "bidPrice": bid, "bidQty": words.LEVEL, "askPrice": ask, "askQty": words.LEVEL,
        "time": venue.now_ms(),
    }  # fmt: skip


def touches(venue: PaperVenue, symbol: str) -> tuple[str, str]:
    """Best bid and best ask."""
    return words.text(venue.engine.touch(symbol, "SELL")), words.text(venue.engine.touch(symbol, "BUY"))


def open_interest(call: Call) -> Answer:
    held = call.venue.engine.held_by_all(call.symbol)
    return {"symbol": call.symbol, "openInterest": words.text(held), "time": call.venue.now_ms()}


def depth(call: Call) -> Answer:
    bid, ask = touches(call.venue, call.symbol)
    at = call.venue.now_ms()
    return {
        "lastUpdateId": call.venue.book_version, "E": at, "T": at,
        "bids": [[bid, words.LEVEL]], "asks": [[ask, words.LEVEL]],
    }  # fmt: skip


def premium_index(call: Call) -> Answer:
    return call.each(_premium_index)


def _premium_index(venue: PaperVenue, symbol: str) -> Answer:
    price = words.text(venue.engine.prices[symbol])
    return {
        "symbol": symbol, "markPrice": price, "indexPrice": price, "estimatedSettlePrice": price,
        "lastFundingRate": "0.00000000", "interestRate": "0.00010000",
        "nextFundingTime": venue.now_ms() + 3_600_000, "time": venue.now_ms(),
    }  # fmt: skip
