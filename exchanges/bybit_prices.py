"""Bybit's prices over REST: one ticker tells all of those of now; and candles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from exchanges.ccxt_calls import Calls, readable
from exchanges.types import Candle, PriceKind, PriceTick, Timeframe
from exchanges.venues import bybit_reports
from exchanges.venues.bybit import CATEGORY
from exchanges.venues.words import exact_moment, milliseconds_of, number

MOST_CANDLES = 1000


async def price(calls: Calls, symbol: str, market_id: str, kind: PriceKind) -> PriceTick:
    return (await _told(calls, symbol, market_id, [kind]))[0]


async def best_prices(calls: Calls, symbol: str, market_id: str) -> tuple[PriceTick, PriceTick]:
    bid, ask = await _told(calls, symbol, market_id, [PriceKind.BID, PriceKind.ASK])
    return bid, ask


async def open_interest(calls: Calls, market_id: str) -> Decimal:
    row, _ = await _ticker(calls, market_id)
    return readable(lambda: number(row["openInterest"]))


async def _told(calls: Calls, symbol: str, market_id: str, kinds: Sequence[PriceKind]) -> list[PriceTick]:
    row, at = await _ticker(calls, market_id)
    return readable(lambda: [bybit_reports.price_tick(row, symbol, kind, at) for kind in kinds])


async def _ticker(calls: Calls, market_id: str) -> tuple[Mapping[str, Any], datetime]:
    """Of the answer's own moment: a ticker says none."""
    words = {"category": CATEGORY, "symbol": market_id}
    answer = await calls.ask(lambda: calls.reader.publicGetV5MarketTickers(words))
    return readable(lambda: (answer["result"]["list"][0], exact_moment(answer["time"])))


async def candles(
    calls: Calls, market_id: str, timeframe: Timeframe, since: datetime | None, limit: int, of_mark: bool
) -> Sequence[Candle]:
    words = _words(market_id, timeframe, since, min(limit, MOST_CANDLES))
    reader = calls.reader
    endpoint = reader.publicGetV5MarketMarkPriceKline if of_mark else reader.publicGetV5MarketKline
    rows = await calls.rows_in(lambda: endpoint(words), lambda answer: answer["result"]["list"])
    found = readable(lambda: [bybit_reports.candle(row) for row in reversed(rows)])
    return [candle for candle in found if since is None or candle.at >= since]


def _words(market_id: str, timeframe: Timeframe, since: datetime | None, limit: int) -> dict[str, Any]:
    """The venue gives the newest ones of a span, so the span is no longer than what is wanted."""
    minutes = int(timeframe.length.total_seconds()) // 60
    words = {"category": CATEGORY, "symbol": market_id, "interval": str(minutes), "limit": limit}
    if since is None:
        return words
    length = minutes * 60_000
    first = -(-milliseconds_of(since) // length) * length
    if first > milliseconds_of(datetime.now(UTC)):
        return words  # the newest ones, of which none is young enough
    return {**words, "start": first, "end": first + limit * length - 1}
