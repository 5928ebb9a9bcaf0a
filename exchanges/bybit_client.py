"""A Bybit v5 account of linear contracts: its endpoints and words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from exchanges import bybit_settings as settings
from exchanges.budget_rules import Lane, lane_of
from exchanges.bybit_listings import (
    Row,
    Words,
    all_rows,
    fills_since,
    funding_since,
    last_trades_since,
)
from exchanges.bybit_prices import best_prices, candles, open_interest, price
from exchanges.ccxt_calls import readable
from exchanges.ccxt_client import CcxtClient
from exchanges.errors import OrderNotFound, OutcomeUnknown, Refused
from exchanges.key_rights import KeyPermissions
from exchanges.types import (
    BalanceReport,
    Book,
    Candle,
    FillReport,
    FundingReport,
    InstrumentSpec,
    MarginMode,
    OrderReport,
    OrderRequest,
    PositionMode,
    PositionReport,
    PriceKind,
    PriceTick,
    ReportStatus,
    Timeframe,
)
from exchanges.venues import bybit, bybit_reports
from exchanges.venues.bybit import CATEGORY, QUOTE_CURRENCY
from exchanges.venues.bybit_reports import report_in

POSITIONS_PER_PAGE = 200
ORDERS_PER_PAGE = 50
_OURS = {"category": CATEGORY, "settleCoin": QUOTE_CURRENCY}


class BybitClient(CcxtClient):
    """Implements exchanges.client.ExchangeClient for Bybit v5 linear contracts."""

    def _instrument(self, row: Any, symbol: str) -> InstrumentSpec:
        return bybit_reports.instrument(row, symbol)

    # -- reads -----------------------------------------------------------------------------------------

    async def balance(self) -> BalanceReport:
        words = {"accountType": "UNIFIED"}
        answer = await self._calls.ask(lambda: self._calls.reader.privateGetV5AccountWalletBalance(words))
        return readable(lambda: bybit_reports.balance_report(answer["result"]["list"][0]))

    async def positions(self) -> Sequence[PositionReport]:
        words = {**_OURS, "limit": POSITIONS_PER_PAGE}
        rows = await all_rows(self._calls, self._calls.reader.privateGetV5PositionList, words)
        reports = [self._named(bybit_reports.position_report, row) for row in rows]
        return [report for report in reports if report is not None]

    async def price(self, symbol: str, kind: PriceKind) -> PriceTick:
        return await price(self._calls, symbol, await self._known(symbol), kind)

    async def best_prices(self, symbol: str) -> tuple[PriceTick, PriceTick]:
        return await best_prices(self._calls, symbol, await self._known(symbol))

    async def open_interest(self, symbol: str) -> Decimal:
        return await open_interest(self._calls, await self._known(symbol))

    async def candles(
        self, symbol: str, timeframe: Timeframe, since: datetime | None, limit: int, *, of_mark: bool = False
    ) -> Sequence[Candle]:
        return await candles(self._calls, await self._known(symbol), timeframe, since, limit, of_mark)

    async def find_order(self, symbol: str, client_order_id: str, book: Book) -> OrderReport:
        row = await self._row_of(symbol, {"orderLinkId": client_order_id})
        return self._in_its_book(row, symbol, book)

    async def find_child(self, symbol: str, exchange_order_id: str) -> OrderReport:
        return self._in_its_book(
            await self._row_of(symbol, {"orderId": exchange_order_id}), symbol, Book.PLAIN
        )

    def _in_its_book(self, row: Row, symbol: str, book: Book) -> OrderReport:
        report = readable(lambda: report_in(row, symbol, book))
        if report is None:
            raise OrderNotFound(f"The order is not in the {book} book.")
        return report

    async def _row_of(self, symbol: str, name: Mapping[str, str]) -> Row:
        """An order is absent only when the open ones, those that ended just now and the older ones all say so."""
        words = {"category": CATEGORY, "symbol": await self._known(symbol), **name}
        async for rows in self._looks(words):
            found = [row for row in rows if readable(lambda row=row: name.items() <= row.items())]  # type: ignore[misc]
            if found:
                return found[0]
        raise OrderNotFound("The venue knows no such order.")

    async def _looks(self, words: Words) -> AsyncIterator[Sequence[Row]]:
        reader = self._calls.reader
        yield await all_rows(self._calls, reader.privateGetV5OrderRealtime, words)
        yield await all_rows(self._calls, reader.privateGetV5OrderRealtime, {**words, "openOnly": 1})
        yield await all_rows(self._calls, reader.privateGetV5OrderHistory, words)

    async def open_orders(self) -> Sequence[OrderReport]:
        words = {**_OURS, "limit": ORDERS_PER_PAGE}
        rows = await all_rows(self._calls, self._calls.reader.privateGetV5OrderRealtime, words)
        return [self._named(bybit_reports.order_reports, row)[-1] for row in rows]

    async def name_of_order(self, symbol: str, exchange_order_id: str) -> str:
        row = await self._row_of(symbol, {"orderId": exchange_order_id})
        return readable(lambda: str(row["orderLinkId"]))

    async def fills(self, symbol: str, since: datetime, *, after: str = "") -> Sequence[FillReport]:
        """Trades have no numbers that grow: the list begins at the time of the one named."""
        return await fills_since(self._calls, symbol, await self._known(symbol), since, after)

    async def last_trades(self, since: datetime) -> Mapping[str, datetime]:
        return await last_trades_since(self._calls, since, self._symbol)

    async def funding(self, since: datetime) -> Sequence[FundingReport]:
        return await funding_since(self._calls, since, self._symbol)

    async def _known(self, symbol: str, lane: Lane = Lane.READING) -> str:
        return str(await self._calls.ask(lambda: self._id_of(symbol), lane))

    async def key_permissions(self) -> KeyPermissions:
        answer = await self._calls.ask(lambda: self._calls.reader.privateGetV5UserQueryApi())
        return readable(lambda: bybit_reports.key_permissions(answer["result"]))

    # -- writes ----------------------------------------------------------------------------------------

    async def position_mode(self, symbol: str) -> PositionMode:
        return await settings.position_mode(self._calls, await self._known(symbol, Lane.ENTRY))

    async def set_position_mode(self, symbol: str, mode: PositionMode) -> None:
        await settings.set_position_mode(self._calls, mode)

    async def ensure_margin_mode(self, symbol: str, mode: MarginMode) -> None:
        await settings.ensure_margin_mode(self._calls, mode)

    async def ensure_leverage(self, symbol: str, leverage: int) -> None:
        market_id = await self._known(symbol, Lane.ENTRY)
        await settings.ensure_leverage(self._calls, symbol, market_id, leverage)

    async def create_order(self, request: OrderRequest) -> OrderReport:
        words = bybit.order_words(request)
        try:
            order = await self._calls.send(lambda: self._send(words), lane_of(request))
        except OrderNotFound as error:
            raise OutcomeUnknown(str(error), code=error.code) from None
        return self._acknowledged(order["info"], request)

    def _acknowledged(self, row: Any, request: OrderRequest) -> OrderReport:
        """The answer comes before the order is matched: it names it and says no more."""
        name, number = readable(lambda: (str(row["orderLinkId"]), str(row["orderId"])))
        if name != request.client_order_id or not number:
            raise OutcomeUnknown("The answer to the order is about another order.")
        return OrderReport(
            symbol=request.symbol,
            client_order_id=name,
            exchange_order_id=number,
            book=bybit.book_of(request),
            status=ReportStatus.OPEN,
            quantity=request.quantity,
            price=request.price,
            is_acknowledgement=True,
        )

    async def amend_order(self, request: OrderRequest) -> OrderReport:
        try:
            await self._calls.send(lambda: self._amend(request), lane_of(request))
        except Refused as error:
            if not _is_unchanged(error):
                raise
        return await self.find_order(request.symbol, request.client_order_id, Book.PLAIN)

    async def _amend(self, request: OrderRequest) -> Any:
        words = bybit.amend_words(request, await self._id_of(request.symbol))
        self._check_step(request.symbol, words["price"])
        return await self._calls.writer.privatePostV5OrderAmend(words)

    async def cancel_order(self, symbol: str, client_order_id: str, book: Book) -> OrderReport | None:
        """Only an acknowledgement; what became of it is asked for at once."""
        words = bybit.named(client_order_id, await self._known(symbol, Lane.REDUCING))
        await self._calls.change(lambda: self._calls.writer.privatePostV5OrderCancel(words), Lane.REDUCING)
        return await self.find_order(symbol, client_order_id, book)

    async def cancel_by_number(self, symbol: str, exchange_order_id: str, book: Book) -> None:
        words = bybit.numbered(exchange_order_id, await self._known(symbol, Lane.REDUCING))
        await self._calls.change(lambda: self._calls.writer.privatePostV5OrderCancel(words), Lane.REDUCING)


def _is_unchanged(error: Refused) -> bool:
    """Its general number for a bad parameter, told apart by the sentence."""
    return "remains unchanged" in str(error) or "not modified" in str(error)
