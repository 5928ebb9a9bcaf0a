"""Bybit's listings: pages that name the next one, and executions, newest first and a week at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from exchanges.ccxt_calls import Calls, readable
from exchanges.types import FillReport, FundingReport
from exchanges.venues import bybit_reports
from exchanges.venues.bybit import CATEGORY, QUOTE_CURRENCY
from exchanges.venues.words import exact_moment, milliseconds_of, number

Row = Mapping[str, Any]
Words = Mapping[str, Any]
Endpoint = Callable[[Words], Awaitable[Any]]
SymbolOf = Callable[[Row], str]

EXECUTIONS_PER_PAGE = 100
LOG_ROWS_PER_PAGE = 50
_WEEK = timedelta(days=7)  # the longest span of one question
# not longer than the newest executions are listed once more anyway
LOG_LAG = timedelta(seconds=5)


async def all_rows(calls: Calls, endpoint: Endpoint, words: Words) -> list[Row]:
    found: list[Row] = []
    cursor = ""
    while True:
        rows, following = await _page(calls, endpoint, {**words, "cursor": cursor} if cursor else words)
        found += rows
        if not rows or following in ("", cursor):
            return found
        cursor = following


async def _page(calls: Calls, endpoint: Endpoint, words: Words) -> tuple[list[Row], str]:
    following = ""

    def listed(answer: Any) -> Any:
        nonlocal following
        following = str(answer["result"].get("nextPageCursor") or "")
        return answer["result"]["list"]

    return await calls.rows_in(lambda: endpoint(words), listed), following


async def fills_since(
    calls: Calls, symbol: str, market_id: str, since: datetime, after: str = ""
) -> list[FillReport]:
    """Oldest first, the first ones executed at `since`, without the one that `after` names."""
    rows = await _executions(calls, since, {"symbol": market_id})
    trades = readable(lambda: [row for row in rows if bybit_reports.is_trade(row) and row["execId"] != after])
    hiding = readable(lambda: [row for row in trades if _hides_its_profit(row)])
    profits = await _profits(calls, hiding)
    return readable(lambda: _in_order(symbol, trades, profits))


def _in_order(symbol: str, trades: Sequence[Row], profits: Mapping[str, Decimal]) -> list[FillReport]:
    told = [row for row in trades if not (_hides_its_profit(row) and _comes_later(row, profits))]
    fills = [bybit_reports.fill_report(row, symbol, profits.get(row["execId"])) for row in told]
    return sorted({fill.trade_id: fill for fill in fills}.values(), key=lambda fill: fill.at)


def _hides_its_profit(row: Row) -> bool:
    return bybit_reports.closes(row) and row.get("execPnl") in (None, "")


def _comes_later(row: Row, profits: Mapping[str, Decimal]) -> bool:
    """The log lags: until it must know the trade, the trade counts as not listed."""
    return row["execId"] not in profits and exact_moment(row["execTime"]) > datetime.now(UTC) - LOG_LAG


async def _profits(calls: Calls, hiding: Sequence[Row]) -> dict[str, Decimal]:
    """By the wallet's own log: what each of these trades brought before its fee."""
    if not hiding:
        return {}
    times = readable(lambda: sorted(exact_moment(row["execTime"]) for row in hiding))
    words = {
        "accountType": "UNIFIED", "category": CATEGORY, "currency": QUOTE_CURRENCY, "limit": LOG_ROWS_PER_PAGE
    }  # fmt: skip
    rows = await _log_between(calls, times[0], times[-1] + LOG_LAG, words)
    return readable(
        lambda: {row["tradeId"]: number(row["cashFlow"] or 0) for row in rows if row.get("tradeId")}
    )


async def _log_between(calls: Calls, start: datetime, end: datetime, words: Words) -> list[Row]:
    found: list[Row] = []
    while start < end:
        until = min(start + _WEEK, end)
        span = {"startTime": milliseconds_of(start), "endTime": milliseconds_of(until)}
        found += await all_rows(calls, calls.reader.privateGetV5AccountTransactionLog, {**words, **span})
        start = until
    return found


async def last_trades_since(calls: Calls, since: datetime, symbol_of: SymbolOf) -> Mapping[str, datetime]:
    rows = await _executions(calls, since, {})
    return readable(
        lambda: bybit_reports.last_of_each([row for row in rows if bybit_reports.is_trade(row)], symbol_of)
    )


async def funding_since(calls: Calls, since: datetime, symbol_of: SymbolOf) -> Sequence[FundingReport]:
    rows = await _executions(calls, since, {"execType": bybit_reports.FUNDING})
    payments = readable(lambda: [bybit_reports.funding_report(row, symbol_of(row)) for row in rows])
    known = {one.payment_id: one for one in reversed(payments)}  # listed newest first
    return sorted(known.values(), key=lambda payment: payment.at)


async def _executions(calls: Calls, since: datetime, words: Words) -> list[Row]:
    asked = {"category": CATEGORY, "limit": EXECUTIONS_PER_PAGE, **words}
    return await _weekly(calls, calls.reader.privateGetV5ExecutionList, since, asked)


async def _weekly(calls: Calls, endpoint: Endpoint, since: datetime, words: Words) -> list[Row]:
    """From `since` on; a start alone means the week after it."""
    found: list[Row] = []
    start = since
    while start == since or start <= datetime.now(UTC):
        found += await all_rows(calls, endpoint, {**words, "startTime": milliseconds_of(start)})
        start += _WEEK
    return found
