"""Public requests of the Binance USDT-M dialect."""

from __future__ import annotations

from decimal import Decimal

from exchanges.paper import binance_words as words
from exchanges.paper.call import Answer, Call
from exchanges.paper.candles import joined
from exchanges.paper.figures import text
from exchanges.paper.market_view import LEVEL, day_of, touches
from exchanges.paper.params import page, required, window
from exchanges.paper.venue import PaperVenue

MAX_CANDLES = 1500


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
    day = day_of(venue, symbol)
    return {
        "openPrice": text(day.open), "lastPrice": text(day.last), "highPrice": text(day.high),
        "lowPrice": text(day.low), "volume": text(day.volume),
        "quoteVolume": text(day.quote_volume),
    }  # fmt: skip


def day_ticker(call: Call) -> Answer:
    return call.each(_day_ticker)


def _day_ticker(venue: PaperVenue, symbol: str) -> Answer:
    figures = day_figures(venue, symbol)
    opened, last = Decimal(figures["openPrice"]), Decimal(figures["lastPrice"])
    change = last - opened
    return {
        "symbol": symbol, **figures, "weightedAvgPrice": figures["lastPrice"], "priceChange": text(change),
        "priceChangePercent": f"{change / opened * 100:.3f}", "closeTime": venue.now_ms(), "count": 1,
    }  # fmt: skip


def book_ticker(call: Call) -> Answer:
    return call.each(_book_ticker)


def _book_ticker(venue: PaperVenue, symbol: str) -> Answer:
    bid, ask = touches(venue, symbol)
    return {
        "symbol": symbol, "bidPrice": bid, "bidQty": LEVEL, "askPrice": ask, "askQty": LEVEL,
        "time": venue.now_ms(),
    }  # fmt: skip


def open_interest(call: Call) -> Answer:
    held = call.venue.engine.held_by_all(call.symbol)
    return {"symbol": call.symbol, "openInterest": text(held), "time": call.venue.now_ms()}


def depth(call: Call) -> Answer:
    bid, ask = touches(call.venue, call.symbol)
    at = call.venue.now_ms()
    return {
        "lastUpdateId": call.venue.book_version, "E": at, "T": at,
        "bids": [[bid, LEVEL]], "asks": [[ask, LEVEL]],
    }  # fmt: skip


def premium_index(call: Call) -> Answer:
    return call.each(_premium_index)


def _premium_index(venue: PaperVenue, symbol: str) -> Answer:
    price = text(venue.engine.prices[symbol])
    return {
        "symbol": symbol, "markPrice": price, "indexPrice": price, "estimatedSettlePrice": price,
        "lastFundingRate": "0.00000000", "interestRate": "0.00010000",
        "nextFundingTime": venue.now_ms() + 3_600_000, "time": venue.now_ms(),
    }  # fmt: skip
