"""Public requests of Bybit's linear contracts."""

from __future__ import annotations

from typing import Any

from exchanges.paper import bybit_words as words
from exchanges.paper.book import VenueRefusal
from exchanges.paper.call import Answer, Call
from exchanges.paper.candles import joined
from exchanges.paper.figures import text
from exchanges.paper.market_view import LEVEL, day_of, touches
from exchanges.paper.params import optional_whole, required
from exchanges.paper.venue import PaperVenue

MAX_CANDLES = 1000
INTERVALS = {
    "1": "1m", "3": "3m", "5": "5m", "15": "15m", "30": "30m", "60": "1h", "120": "2h", "240": "4h", "360": "6h",
    "720": "12h", "D": "1d",
}  # fmt: skip


def linear(rows: list[Any], cursor: str = "") -> Answer:
    return {"category": "linear", "list": rows, "nextPageCursor": cursor}


def is_linear(call: Call) -> bool:
    return required(call.params, "category") == "linear"


def server_time(call: Call) -> Answer:
    at = call.venue.now_ms()
    return {"timeSecond": str(at // 1000), "timeNano": str(at * 1_000_000)}


def instruments(call: Call) -> Answer:
    listed = is_linear(call) and call.params.get("status", "Trading") == "Trading"
    rules = call.venue.engine.rules
    return linear([words.contract(rules[symbol]) for symbol in call.symbols] if listed else [])


def tickers(call: Call) -> Answer:
    return linear([ticker(call.venue, symbol) for symbol in call.symbols] if is_linear(call) else [])


def ticker(venue: PaperVenue, symbol: str) -> dict[str, str]:
    day, mark = day_of(venue, symbol), venue.engine.prices[symbol]
    bid, ask = touches(venue, symbol)
    held = venue.engine.held_by_all(symbol)
    return {
        "symbol": symbol, "lastPrice": text(day.last), "markPrice": text(mark), "indexPrice": text(mark),
        "prevPrice24h": text(day.open), "prevPrice1h": text(day.open), "highPrice24h": text(day.high),
        "lowPrice24h": text(day.low), "price24hPcnt": f"{(day.last - day.open) / day.open:.6f}",
        "volume24h": text(day.volume), "turnover24h": text(day.quote_volume), "openInterest": text(held),
        "openInterestValue": text(held * mark), "fundingRate": "0.0001",
        "nextFundingTime": str(venue.now_ms() + 3_600_000), "bid1Price": bid, "bid1Size": LEVEL,
        "ask1Price": ask, "ask1Size": LEVEL, "tickDirection": "ZeroPlusTick", "predictedDeliveryPrice": "",
        "basisRate": "", "deliveryFeeRate": "", "deliveryTime": "0", "preOpenPrice": "", "preQty": "",
        "curPreListingPhase": "",
    }  # fmt: skip


def klines(call: Call) -> Answer:
    return _klines(call, of_mark=False)


def mark_klines(call: Call) -> Answer:
    return _klines(call, of_mark=True)


def _klines(call: Call, *, of_mark: bool) -> Answer:
    """Newest first; of more than the limit the newest, whatever the start."""
    symbol, interval = call.symbol, required(call.params, "interval")
    if interval not in INTERVALS:
        raise VenueRefusal(-1120, "Invalid interval.")
    rows = joined(call.venue.engine.candles(symbol, of_mark=of_mark), INTERVALS[interval])
    start, end = optional_whole(call.params, "start") or 0, optional_whole(call.params, "end")
    wanted = [row for row in rows if row.open_ms >= start and (end is None or row.open_ms <= end)]
    limit = min(optional_whole(call.params, "limit") or 200, MAX_CANDLES)
    told = [words.kline(row, of_mark=of_mark) for row in reversed(wanted[-limit:])]
    return {"category": "linear", "symbol": symbol, "list": told}


def orderbook(call: Call) -> Answer:
    return book(call.venue, call.symbol) | {"ts": call.venue.now_ms()}


def book(venue: PaperVenue, symbol: str) -> dict[str, Any]:
    bid, ask = touches(venue, symbol)
    version = venue.book_version
    return {"s": symbol, "b": [[bid, LEVEL]], "a": [[ask, LEVEL]], "u": version, "seq": version}


def open_interest(call: Call) -> Answer:
    required(call.params, "intervalTime")
    row = {
        "openInterest": text(call.venue.engine.held_by_all(call.symbol)),
        "timestamp": str(call.venue.now_ms()),
    }
    return linear([row]) | {"symbol": call.symbol}


def risk_limits(call: Call) -> Answer:
    return linear([_risk_limit(call.venue, symbol) for symbol in call.symbols])


def _risk_limit(venue: PaperVenue, symbol: str) -> dict[str, Any]:
    rules = venue.engine.rules[symbol]
    return {
        "id": 1, "symbol": symbol, "riskLimitValue": "1000000000", "isLowestRisk": 1, "mmDeduction": "",
        "maintenanceMargin": text(rules.maintenance_margin_ratio), "initialMargin": f"{1 / rules.max_leverage:.4f}",
        "maxLeverage": f"{rules.max_leverage}.00",
    }  # fmt: skip
