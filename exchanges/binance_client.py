"""A Binance USDT-M account: its endpoints and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from exchanges import binance_settings as settings
from exchanges.binance_listings import fills_after, fills_since, funding_since, last_trades_since
from exchanges.binance_prices import best_prices, candles, open_interest, price
from exchanges.budget_rules import Lane, lane_of
from exchanges.ccxt_calls import readable
from exchanges.ccxt_client import CcxtClient
from exchanges.errors import ExchangeError, OrderNotFound, OutcomeUnknown, Refused
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
    Timeframe,
)
from exchanges.venue_codes import is_already_so
from exchanges.venues import binance


class BinanceClient(CcxtClient):
    """Implements exchanges.client.ExchangeClient for Binance USDT-M futures."""

    def _instrument(self, row: Any, symbol: str) -> InstrumentSpec:
        return binance.instrument(row, symbol)

    # -- reads -----------------------------------------------------------------------------------------

    async def balance(self) -> BalanceReport:
        account = await self._calls.ask(lambda: self._calls.reader.fetch_balance())
        return readable(lambda: binance.balance_report(account["info"]))

    async def positions(self) -> Sequence[PositionReport]:
        """ccxt's own parser drops a row without entry price and guesses the side by the notional."""
        rows = await self._calls.rows(lambda: self._calls.reader.fapiPrivateV3GetPositionRisk())
        reports = [self._named(binance.position_report, row) for row in rows]
        return [report for report in reports if report is not None]

    async def price(self, symbol: str, kind: PriceKind) -> PriceTick:
        return await price(self._calls, symbol, kind)

    async def best_prices(self, symbol: str) -> tuple[PriceTick, PriceTick]:
        return await best_prices(self._calls, symbol)

    async def open_interest(self, symbol: str) -> Decimal:
        return await open_interest(self._calls, symbol)

    async def candles(
        self, symbol: str, timeframe: Timeframe, since: datetime | None, limit: int, *, of_mark: bool = False
    ) -> Sequence[Candle]:
        return await candles(self._calls, symbol, timeframe, since, limit, of_mark)

    async def find_order(self, symbol: str, client_order_id: str, book: Book) -> OrderReport:
        params = binance.name_of(client_order_id, book)
        order = await self._calls.ask(lambda: self._calls.reader.fetch_order(None, symbol, params))
        return readable(lambda: binance.order_report(order["info"], symbol))

    async def find_child(self, symbol: str, exchange_order_id: str) -> OrderReport:
        order = await self._calls.ask(lambda: self._calls.reader.fetch_order(exchange_order_id, symbol))
        return readable(lambda: binance.order_report(order["info"], symbol))

    async def open_orders(self) -> Sequence[OrderReport]:
        plain = await self._calls.rows(lambda: self._calls.reader.fetch_open_orders())
        algo = await self._calls.rows(lambda: self._calls.reader.fetch_open_orders(params={"trigger": True}))
        return [self._named(binance.order_report, row) for row in (*plain, *algo)]

    async def name_of_order(self, symbol: str, exchange_order_id: str) -> str:
        order = await self._calls.ask(lambda: self._calls.reader.fetch_order(exchange_order_id, symbol))
        return readable(lambda: str(order["info"]["clientOrderId"]))

    async def fills(self, symbol: str, since: datetime, *, after: str = "") -> Sequence[FillReport]:
        if after:
            return await fills_after(self._calls, symbol, int(after))
        return await fills_since(self._calls, symbol, since)

    async def last_trades(self, since: datetime) -> Mapping[str, datetime]:
        return await last_trades_since(self._calls, since, self._symbol)

    async def funding(self, since: datetime) -> Sequence[FundingReport]:
        return await funding_since(self._calls, since, self._symbol)

    async def key_permissions(self) -> KeyPermissions:
        answer = await self._calls.ask(lambda: self._calls.reader.sapiGetAccountApiRestrictions())
        owner = await self._owner()
        return readable(lambda: binance.key_permissions(answer, owner))

    async def _owner(self) -> str:
        """The futures account has no number of its own: it is that of the wallet beside it. Where that is not told,
        the key may trade all the same."""
        few = {"omitZeroBalances": "true"}
        try:
            answer = await self._calls.ask(lambda: self._calls.reader.privateGetAccount(few))
        except ExchangeError:
            return ""
        return str(answer.get("uid") or "")

    # -- writes ----------------------------------------------------------------------------------------

    async def position_mode(self, symbol: str) -> PositionMode:
        return await settings.position_mode(self._calls)

    async def set_position_mode(self, symbol: str, mode: PositionMode) -> None:
        await settings.set_position_mode(self._calls, mode)

    async def ensure_margin_mode(self, symbol: str, mode: MarginMode) -> None:
        market_id = await self._calls.ask(lambda: self._id_of(symbol), Lane.ENTRY)
        await settings.ensure_margin_mode(self._calls, symbol, market_id, mode)

    async def ensure_leverage(self, symbol: str, leverage: int) -> None:
        market_id = await self._calls.ask(lambda: self._id_of(symbol), Lane.ENTRY)
        await settings.ensure_leverage(self._calls, symbol, market_id, leverage)

    async def create_order(self, request: OrderRequest) -> OrderReport:
        words = binance.order_words(request)
        try:
            order = await self._calls.send(lambda: self._send(words), lane_of(request))
        except OrderNotFound as error:
            raise OutcomeUnknown(str(error), code=error.code) from None
        return self._answered(order["info"], request)

    def _answered(self, row: Any, request: OrderRequest) -> OrderReport:
        report = readable(lambda: binance.order_report(row, request.symbol))
        if report.client_order_id != request.client_order_id or report.book is not binance.book_of(request):
            raise OutcomeUnknown("The answer to the order is about another order.")
        return report

    async def amend_order(self, request: OrderRequest) -> OrderReport:
        """Not by ccxt's edit_order, which cannot leave the venue's own order id out."""
        try:
            row = await self._calls.send(lambda: self._amend(request), lane_of(request))
        except Refused as error:
            if not is_already_so(self._calls.venue, error.code):
                raise
            return await self.find_order(request.symbol, request.client_order_id, Book.PLAIN)
        return self._answered(row, request)

    async def _amend(self, request: OrderRequest) -> Any:
        words = binance.amend_words(request, await self._id_of(request.symbol))
        self._check_step(request.symbol, words["price"])
        return await self._calls.writer.fapiPrivatePutOrder(words)

    async def cancel_order(self, symbol: str, client_order_id: str, book: Book) -> OrderReport | None:
        params = binance.name_of(client_order_id, book)
        order = await self._calls.change(
            lambda: self._calls.writer.cancel_order(None, symbol, params), Lane.REDUCING
        )
        if book is Book.ALGO:
            return None  # the answer names the order and no state
        return readable(lambda: binance.order_report(order["info"], symbol))

    async def cancel_by_number(self, symbol: str, exchange_order_id: str, book: Book) -> None:
        params = {"trigger": True} if book is Book.ALGO else {}
        await self._calls.change(
            lambda: self._calls.writer.cancel_order(exchange_order_id, symbol, params), Lane.REDUCING
        )
