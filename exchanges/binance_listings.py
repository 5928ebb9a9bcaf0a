"""Binance's listings of an account's executions and funding, which come in pages and are read to their end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from exchanges.ccxt_calls import Calls, readable
from exchanges.types import FillReport, FundingReport
from exchanges.venues import binance
from exchanges.venues.words import milliseconds_of

FILLS_PER_PAGE = 1000
INCOMES_PER_PAGE = 1000
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
    rows = await _incomes(calls, {"incomeType": "FUNDING_FEE"}, since)
    payments = readable(lambda: [binance.funding_report(row, symbol_of(row)) for row in rows])
    return sorted({one.payment_id: one for one in payments}.values(), key=lambda payment: payment.at)


async def last_trades_since(
    calls: Calls, since: datetime, symbol_of: Callable[[Mapping[str, Any]], str]
) -> Mapping[str, datetime]:
    """An execution moves the wallet, by its fee and its profit, and such a row names the contract and the trade."""
    rows = await _incomes(calls, {}, since)
    return readable(lambda: dict(binance.trade_moment(row, symbol_of(row)) for row in rows if row["tradeId"]))


async def _incomes(calls: Calls, kind: Mapping[str, str], since: datetime) -> list[Mapping[str, Any]]:
    """Oldest first; rows of the moment where a page ended come twice."""
    found: list[Mapping[str, Any]] = []
    start: int | None = milliseconds_of(since)
    while start is not None:
        page = await _page_of_incomes(calls, {**kind, "startTime": start, "limit": INCOMES_PER_PAGE})
        found += page
        start = _following(page, start) if len(page) == INCOMES_PER_PAGE else None
    return found


async def _page_of_incomes(calls: Calls, asked: Mapping[str, str | int]) -> Sequence[Mapping[str, Any]]:
    return await calls.rows(lambda: calls.reader.fapiPrivateGetIncome(asked))


def _following(page: Sequence[Mapping[str, Any]], start: int) -> int:
    return readable(lambda: max(start + 1, *(int(row["time"]) for row in page)))
