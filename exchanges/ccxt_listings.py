"""Listings: an account's executions and funding, which come in pages and are read to their end, and candles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from exchanges.ccxt_calls import Calls, readable
from exchanges.types import Candle, FillReport, FundingReport, Timeframe
from exchanges.venues import binance
from exchanges.venues.words import milliseconds_of

FILLS_PER_PAGE = 1000
FUNDING_PER_PAGE = 1000
_PAGE_SPAN = timedelta(days=7)  # ccxt ends the page of an older start after one week, as the venue wants


async def fills_after(calls: Calls, symbol: str, trade_id: int) -> Sequence[FillReport]:
    """The venue lists by its own number whatever the time; numbers of one symbol only grow."""
    found: list[FillReport] = []
    while True:
        page = await _page_of_fills(calls, symbol, None, {"fromId": trade_id + 1})
        found += page
        if len(page) < FILLS_PER_PAGE:
            return sorted(found, key=_by_trade_id)
        trade_id = max(int(fill.trade_id) for fill in found)


async def fills_since(calls: Calls, symbol: str, since: datetime) -> Sequence[FillReport]:
    found: dict[str, FillReport] = {}
    start: datetime | None = since
    while start is not None:
        page = await _page_of_fills(calls, symbol, milliseconds_of(start), {})
        found |= {fill.trade_id: fill for fill in page}
        start = _next_start(page, start)
    return sorted(found.values(), key=_by_trade_id)


async def _page_of_fills(
    calls: Calls, symbol: str, since: int | None, params: Mapping[str, int]
) -> list[FillReport]:
    rows = await calls.rows(lambda: calls.reader.fetch_my_trades(symbol, since, FILLS_PER_PAGE, params))
    return readable(lambda: [binance.fill_report(row, symbol) for row in rows])


def _by_trade_id(fill: FillReport) -> tuple[datetime, int]:
    return fill.at, int(fill.trade_id)


def _next_start(page: Sequence[FillReport], start: datetime) -> datetime | None:
    """Where the next page begins: at the last fill of a full page, or after the week that was asked for."""
    if len(page) == FILLS_PER_PAGE:
        return max(page[-1].at, start + timedelta(milliseconds=1))
    return start + _PAGE_SPAN if datetime.now(UTC) - start >= _PAGE_SPAN else None


async def funding_since(
    calls: Calls, since: datetime, symbol_of: Callable[[Mapping[str, Any]], str]
) -> Sequence[FundingReport]:
    """The venue gives the oldest rows first; the next page begins at the last moment of a full one, whose rows may
    be told twice."""
    found: dict[str, FundingReport] = {}
    start: int | None = milliseconds_of(since)
    while start is not None:
        page = await _page_of_funding(calls, start, symbol_of)
        found |= {payment.payment_id: payment for payment in page}
        is_full = len(page) == FUNDING_PER_PAGE
        start = max(*(milliseconds_of(payment.at) for payment in page), start + 1) if is_full else None
    return sorted(found.values(), key=lambda payment: payment.at)


async def _page_of_funding(
    calls: Calls, start: int, symbol_of: Callable[[Mapping[str, Any]], str]
) -> list[FundingReport]:
    asked = {"incomeType": "FUNDING_FEE", "startTime": start, "limit": FUNDING_PER_PAGE}
    rows = await calls.rows(lambda: calls.reader.fapiPrivateGetIncome(asked))
    return readable(lambda: [binance.funding_report(row, symbol_of(row)) for row in rows])


async def candles(
    calls: Calls, symbol: str, timeframe: Timeframe, since: datetime | None, limit: int, of_mark: bool
) -> Sequence[Candle]:
    start = None if since is None else milliseconds_of(since)
    kind = {"price": "mark"} if of_mark else {}
    rows = await calls.rows(lambda: calls.reader.fetch_ohlcv(symbol, timeframe.value, start, limit, kind))
    return readable(lambda: [binance.candle(row) for row in rows])
