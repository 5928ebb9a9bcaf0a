"""Binance's prices over REST: those of now, and candles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial

from exchanges.ccxt_calls import Calls, readable
from exchanges.types import Candle, PriceKind, PriceTick, Timeframe
from exchanges.venues import binance
from exchanges.venues.words import milliseconds_of, number


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


async def best_prices(calls: Calls, symbol: str) -> tuple[PriceTick, PriceTick]:
    row = (await calls.ask(lambda: _asked(calls, symbol, PriceKind.BID)))["info"]
    told = partial(binance.price_tick, row, symbol)
    return readable(lambda: (told(PriceKind.BID), told(PriceKind.ASK)))


async def open_interest(calls: Calls, symbol: str) -> Decimal:
    row = (await calls.ask(lambda: calls.reader.fetch_open_interest(symbol)))["info"]
    return readable(lambda: number(row["openInterest"]))


async def candles(
    calls: Calls, symbol: str, timeframe: Timeframe, since: datetime | None, limit: int, of_mark: bool
) -> Sequence[Candle]:
    start = None if since is None else milliseconds_of(since)
    kind = {"price": "mark"} if of_mark else {}
    rows = await calls.rows(lambda: calls.reader.fetch_ohlcv(symbol, timeframe.value, start, limit, kind))
    return readable(lambda: [binance.candle(row) for row in rows])
