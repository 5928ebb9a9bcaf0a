"""An exchange account through ccxt's REST calls. Translates words, numbers and errors; decides nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

import ccxt.pro
from django.conf import settings

from exchanges.budget_rules import Lane, lane_of
from exchanges.budgets import Budget
from exchanges.ccxt_calls import Calls, check_same, readable
from exchanges.ccxt_errors import CONNECTED, WIRE, Wire, told_to_wait
from exchanges.ccxt_listings import (
    fills_after,
    fills_since,
    funding_since,
    instrument_of,
    last_trades_since,
)
from exchanges.ccxt_prices import best_prices, candles, open_interest, price
from exchanges.clock import ClockReading, reading
from exchanges.credentials import Credentials
from exchanges.errors import (
    AccountUnusable,
    InvalidRequest,
    OrderNotFound,
    OutcomeUnknown,
    Refused,
)
from exchanges.types import (
    BalanceReport,
    Book,
    Candle,
    FillReport,
    FundingReport,
    InstrumentSpec,
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
from exchanges.venues.words import OrderWords

TIMEOUT_MS = 5000
Parsed = TypeVar("Parsed")


# ccxt logs whole requests, signature and key included, at debug level
_quiet = logging.getLogger("exchanges.ccxt")
_quiet.setLevel(logging.WARNING)


class _Recorded:
    """Mixed into ccxt's classes: asks the shared budget, notes what reached the wire, refuses an answer that is not
    JSON, and lets a stream hear every raw message (ccxt's own caches merge and delay them)."""

    venue: str
    budget: Budget
    clock: ClockReading | None = None
    listener: Callable[[Any], None] | None = None

    async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        wire = WIRE.get() or Wire()
        admission = await self.budget.admit(method, url, wire.lane)
        wire.begins(method)
        try:
            return await super().fetch(url, method, headers, body)  # type: ignore[misc]
        finally:
            if wire.status is not None:
                await self.budget.hear(admission, wire.headers, told_to_wait(self.venue, wire))

    async def load_time_difference(self, params: Any = None) -> int:
        """ccxt counts the answer's whole way as time difference; a signed request then looks too old."""
        before = datetime.now(UTC)
        server_ms = int(await self.fetch_time())  # type: ignore[attr-defined]
        self.clock = reading(before, server_ms, datetime.now(UTC))
        self.options["timeDifference"] = self.clock.offset_ms  # type: ignore[attr-defined]
        return self.clock.offset_ms

    async def close(self, clean_instance_data: bool = False) -> None:
        await super().close(clean_instance_data)  # type: ignore[misc]
        await self.budget.close()

    def handle_errors(self, code: int, reason: str, url: str, method: str, headers: Any, body: str,
                      response: Any, request_headers: Any, request_body: Any) -> None:  # fmt: skip
        if (wire := WIRE.get()) is not None:
            wire.answered(code, headers, response)
        super().handle_errors(  # type: ignore[misc]
            code, reason, url, method, headers, body, response, request_headers, request_body
        )
        if response is None and 200 <= code < 300:
            raise ccxt.BadResponse("The answer is not JSON")

    def on_connected(self, client: Any, message: Any = None) -> None:
        if self.listener is not None:
            self.listener(CONNECTED)
        super().on_connected(client, message)  # type: ignore[misc]

    def handle_message(self, client: Any, message: Any) -> None:
        if self.listener is not None:
            self.listener(message)
        super().handle_message(client, message)  # type: ignore[misc]


class _Binance(_Recorded, ccxt.pro.binanceusdm):  # type: ignore[misc]
    venue = "binance"


class _Bybit(_Recorded, ccxt.pro.bybit):  # type: ignore[misc]
    venue = "bybit"


_COMMON: Mapping[str, Any] = {
    "timeout": TIMEOUT_MS,
    "enableRateLimit": False,  # it delays, and knows nothing of other processes; the budget does
    "logger": _quiet,
}
_BINANCE_OPTIONS: Mapping[str, Any] = {
    "fetchCurrencies": False,
    "fetchOpenOrders": {"warnWithoutSymbol": False},
    "setMarginMode": {"throwMarginModeAlreadySet": False},
    "watchPositions": {"fetchPositionsSnapshot": False},
    "adjustForTimeDifference": True,
}
_BYBIT_OPTIONS: Mapping[str, Any] = {
    "defaultType": "swap",
    "fetchMarkets": {"types": ["linear"]},
    "enableUnifiedAccount": True,
    "enableUnifiedMargin": False,
    "unifiedMarginStatus": 6,
}


def build_exchange(credentials: Credentials) -> Any:
    """The one factory for live and paper: paper only points the same object at another host."""
    keys = {"apiKey": credentials.api_key, "secret": credentials.api_secret}
    if credentials.venue == "binance":
        exchange = _Binance({**_COMMON, **keys, "options": dict(_BINANCE_OPTIONS)})
        # ccxt picks this table by the host's name, which is another one on paper
        exact = exchange.exceptions
        exact["exact"] = {**exact["exact"], **exact["linear"]["exact"]}
    elif credentials.venue == "bybit":
        has = {"fetchCurrencies": False}
        exchange = _Bybit({**_COMMON, **keys, "has": has, "options": dict(_BYBIT_OPTIONS)})
    else:
        raise AccountUnusable(f"The venue {credentials.venue!r} is not known.")
    exchange.options["recvWindow"] = settings.ORDER_RECEIVE_WINDOW // timedelta(milliseconds=1)
    exchange.budget = Budget(credentials)
    if credentials.base_url:
        exchange.urls = {"api": _pointed(exchange.urls["api"], credentials.base_url.rstrip("/"))}
    return exchange


def _pointed(urls: Any, base: str) -> Any:
    """The same tree of addresses with every host replaced; paths stay, because ccxt reads meaning in them."""
    if isinstance(urls, Mapping):
        return {name: _pointed(value, base) for name, value in urls.items()}
    parts = urlsplit(urls)
    root = "ws" + base.removeprefix("http") if parts.scheme in ("ws", "wss") else base
    return root + parts.path


class CcxtClient:
    """Implements exchanges.client.ExchangeClient for Binance USDT-M futures."""

    def __init__(self, credentials: Credentials) -> None:
        if credentials.venue != "binance":
            raise AccountUnusable(f"Trading on {credentials.venue} is not built yet; only Binance is.")
        self._calls = Calls(credentials.venue, lambda: build_exchange(credentials))
        self._mode = PositionMode.HEDGE

    async def close(self) -> None:
        await self._calls.close()

    async def clock(self) -> ClockReading | None:
        return self._calls.clock

    # -- reads -----------------------------------------------------------------------------------------

    async def instruments(self) -> Sequence[InstrumentSpec]:
        await self._calls.ask(self._calls.contracts.renew)
        markets = self._calls.reader.markets.values()
        return [spec for market in markets if (spec := instrument_of(market)) is not None]

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

    # -- writes ----------------------------------------------------------------------------------------

    async def ensure_hedge_mode(self) -> PositionMode:
        # ccxt asks for the mode without knowing the time
        await self._calls.ask(self._calls.ready, Lane.ENTRY)
        answer = await self._calls.ask(lambda: self._calls.reader.fetch_position_mode(), Lane.ENTRY)
        if not isinstance(answer["hedged"], bool):
            raise OutcomeUnknown("The venue did not say which position mode the account is in.")
        hedged = answer["hedged"] or await self._switched_to_hedge()
        self._mode = PositionMode.HEDGE if hedged else PositionMode.ONE_WAY
        return self._mode

    async def _switched_to_hedge(self) -> bool:
        """False when open positions or orders forbid the switch."""
        try:
            await self._calls.change(lambda: self._calls.writer.set_position_mode(True), Lane.ENTRY)
        except Refused as error:
            return is_already_so(self._calls.venue, error.code)
        return True

    async def ensure_leverage(self, symbol: str, leverage: int) -> None:
        market = {"symbol": await self._calls.ask(lambda: self._id_of(symbol), Lane.ENTRY)}
        rows = await self._calls.rows(
            lambda: self._calls.reader.fapiPrivateGetSymbolConfig(market), Lane.ENTRY
        )
        if any(int(row["leverage"]) == leverage for row in rows if row["symbol"] == market["symbol"]):
            return
        await self._calls.change(lambda: self._calls.writer.set_leverage(leverage, symbol), Lane.ENTRY)

    async def create_order(self, request: OrderRequest) -> OrderReport:
        words = binance.order_words(request, self._mode)
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

    async def _send(self, words: OrderWords) -> Any:
        self._check_steps(words)
        return await self._calls.writer.create_order(
            words.symbol, words.type, words.side, words.amount, words.price, words.params
        )

    def _check_steps(self, words: OrderWords) -> None:
        """ccxt would silently cut a number to the step; an order that is not the one asked for is our bug."""
        for text in (words.price, words.params.get("stopPrice"), words.params.get("activationPrice")):
            if text is not None:
                self._check_step(words.symbol, text)
        check_same(words.amount, self._cut_amount(words), "quantity step")

    def _cut_amount(self, words: OrderWords) -> str:
        try:
            return str(self._calls.writer.amount_to_precision(words.symbol, words.amount))
        except ccxt.InvalidOrder:  # ccxt's word for less than one step
            return "nothing"

    def _check_step(self, symbol: str, price: str) -> None:
        check_same(price, self._calls.writer.price_to_precision(symbol, price), "price step")

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

    def _symbol(self, row: Mapping[str, Any]) -> str:
        """A contract that is not listed any more keeps the venue's name: its position must not vanish."""
        return str(self._calls.reader.safe_symbol(row["symbol"], None, None, "swap"))

    def _named(self, parse: Callable[[Any, str], Parsed], row: Any) -> Parsed:
        return readable(lambda: parse(row, self._symbol(row)))

    async def _id_of(self, symbol: str) -> str:
        await self._calls.ready()
        if symbol not in self._calls.reader.markets:
            raise InvalidRequest(f"The venue has no contract {symbol}.")
        return str(self._calls.reader.markets[symbol]["id"])
