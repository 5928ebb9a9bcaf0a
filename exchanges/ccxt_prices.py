"""Prices over REST: those of now, and candles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from exchanges.ccxt_calls import Calls, readable
from exchanges.types import Candle, PriceKind, PriceTick, Timeframe
from exchanges.venues import binance
from exchanges.venues.words import milliseconds_of


async def price(calls: Calls, symbol: str, kind: PriceKind) -> PriceTick:
    row = (await calls.ask(lambda: _asked(calls, symbol, kind)))["info"]
    return readable(lambda: binance.price_tick(row, symbol, kind))


async def _asked(calls: Calls, symbol: str, kind: PriceKind) -> dict[str, dict[str, object]]:
    match kind:
        case PriceKind.MARK:
            return await calls.reader.fetch_mark_price(symbol)  # type: ignore[no-any-return]
        case PriceKind.LAST:
            return await calls.reader.fetch_ticker(symbol)  # type: ignore[no-any-return]
        case PriceKind.BID | PriceKind.ASK:
            return (await calls.reader.fetch_bids_asks([symbol]))[symbol]  # type: ignore[no-any-return]


async def candles(
    calls: Calls, symbol: str, timeframe: Timeframe, since: datetime | None, limit: int, of_mark: bool
) -> Sequence[Candle]:
    start = None if since is None else milliseconds_of(since)
    kind = {"price": "mark"} if of_mark else {}
    rows = await calls.rows(lambda: calls.reader.fetch_ohlcv(symbol, timeframe.value, start, limit, kind))
    return readable(lambda: [binance.candle(row) for row in rows])
