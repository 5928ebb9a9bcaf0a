"""A Bybit account on the engine of this process: its rows, read by the reader of the real ones, without the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from exchanges.errors import ExchangeError, OrderNotFound
from exchanges.paper import bybit_codes, bybit_figures, bybit_words, one_book
from exchanges.paper.book import VenueRefusal
from exchanges.paper.inprocess import InProcessClient
from exchanges.paper.inprocess_words import contract_of
from exchanges.paper.margin import leverage_of
from exchanges.paper.one_book import Seen
from exchanges.types import (
    Book,
    FillReport,
    MarginMode,
    OrderReport,
    OrderRequest,
    PositionMode,
    ReportStatus,
    TimeInForce,
)
from exchanges.venue_codes import error_for_code
from exchanges.venues.bybit import book_of, order_words
from exchanges.venues.bybit_reports import fill_report, report_in

_Result = TypeVar("_Result")
UNCHANGED = -5027


class InProcessBybitClient(InProcessClient):
    async def position_mode(self, symbol: str) -> PositionMode:
        is_dual = self.engine.account(self.account).is_dual(contract_of(symbol))
        return PositionMode.HEDGE if is_dual else PositionMode.ONE_WAY

    async def ensure_margin_mode(self, symbol: str, mode: MarginMode) -> None:
        """Of the whole account."""
        wanted = "CROSSED" if mode is MarginMode.CROSS else "ISOLATED"
        if self.engine.account(self.account).margin_type.get(contract_of(symbol), "CROSSED") != wanted:
            self._do(lambda: self.engine.set_margin_mode(self.account, wanted))

    async def ensure_leverage(self, symbol: str, leverage: int) -> None:
        contract = contract_of(symbol)
        if leverage_of(self.engine.account(self.account), contract) != leverage:
            await super().ensure_leverage(symbol, leverage)

    async def create_order(self, request: OrderRequest) -> OrderReport:
        """The answer says which order it is, and no more."""
        order_words(request)  # what cannot be said is refused
        number = self._do(lambda: self._placed(request))
        self.engine.match_acknowledged(self._ms())
        return OrderReport(
            symbol=request.symbol,
            client_order_id=request.client_order_id,
            exchange_order_id=bybit_words.order_id(number),
            book=book_of(request),
            status=ReportStatus.OPEN,
            quantity=request.quantity,
            price=request.price,
            is_acknowledgement=True,
        )

    def _placed(self, request: OrderRequest) -> int:
        if request.order_type.is_conditional:
            return self._place_algo(request).algo_id
        dateless = request.time_in_force is TimeInForce.GTD  # no order ends at a date of its own here
        wanted = replace(request, time_in_force=TimeInForce.GTC) if dateless else request
        return self._place(wanted).order_id

    async def amend_order(self, request: OrderRequest) -> OrderReport:
        try:
            self._amend(request)
        except VenueRefusal as refusal:
            if refusal.code != UNCHANGED:
                raise self._error(refusal) from None
        self.engine.match_acknowledged(self._ms())
        return await self.find_order(request.symbol, request.client_order_id, Book.PLAIN)

    async def cancel_order(self, symbol: str, client_order_id: str, book: Book) -> OrderReport | None:
        self._do(lambda: self._cancel(symbol, None, client_order_id))
        return await self.find_order(symbol, client_order_id, book)

    async def cancel_by_number(self, symbol: str, exchange_order_id: str, book: Book) -> None:
        self._do(lambda: self._cancel(symbol, exchange_order_id, None))

    def _cancel(self, symbol: str, number: str | None, client_order_id: str | None) -> None:
        state = self.engine.account(self.account)
        wanted = bybit_words.number_of(number) if number else None
        found = one_book.find_open(state, contract_of(symbol), wanted, client_order_id)
        one_book.cancel(self.engine, self.account, found, self._ms())

    async def find_order(self, symbol: str, client_order_id: str, book: Book) -> OrderReport:
        return self._in_its_book(self._seen(symbol, None, client_order_id), symbol, book)

    async def find_child(self, symbol: str, exchange_order_id: str) -> OrderReport:
        return self._in_its_book(self._seen(symbol, exchange_order_id, None), symbol, Book.PLAIN)

    async def name_of_order(self, symbol: str, exchange_order_id: str) -> str:
        return bybit_words.told_id(self._seen(symbol, exchange_order_id, None).client_order_id)

    async def open_orders(self) -> Sequence[OrderReport]:
        state = self.engine.account(self.account)
        return [self._report(one) for one in one_book.all_seen(state) if one.is_open]

    async def fills(self, symbol: str, since: datetime, *, after: str = "") -> Sequence[FillReport]:
        """Trades have no numbers that grow: the list begins at the time of the one named."""
        state, start = self.engine.account(self.account), int(since.timestamp() * 1000)
        contract = contract_of(symbol)
        reports = [
            fill_report(bybit_figures.execution(trade, one_book.order_of(state, trade)), symbol)
            for trade in state.trades
            if trade.symbol == contract and trade.time_ms >= start
        ]
        return [report for report in reports if report.trade_id != after]

    def _report(self, seen: Seen) -> OrderReport:
        symbol = self._symbol(seen.symbol)
        return self._in_its_book(seen, symbol, Book.ALGO if seen.plain is None else Book.PLAIN)

    def _seen(self, symbol: str, order_id: str | None, client_order_id: str | None) -> Seen:
        def look() -> Seen:
            number = bybit_words.number_of(order_id) if order_id else None
            state = self.engine.account(self.account)
            return one_book.find(state, contract_of(symbol), number, client_order_id)

        return self._do(look)

    def _in_its_book(self, seen: Seen, symbol: str, book: Book) -> OrderReport:
        report = report_in(bybit_words.order(seen), symbol, book)
        if report is None:
            raise OrderNotFound(f"The order is not in the {book} book.")
        return report

    def _do(self, act: Callable[[], _Result]) -> _Result:
        try:
            return act()
        except VenueRefusal as refusal:
            raise self._error(refusal) from None

    def _error(self, refusal: VenueRefusal) -> ExchangeError:
        code, message = bybit_codes.told(refusal)
        return error_for_code("bybit", str(code), message)
