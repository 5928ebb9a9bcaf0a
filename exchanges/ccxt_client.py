"""An exchange account through ccxt's REST calls. Translates words, numbers and errors; decides nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit

import ccxt.pro

from exchanges.ccxt_errors import WIRE, Wire, translate
from exchanges.credentials import Credentials
from exchanges.errors import (
    AccountUnusable,
    ExchangeError,
    InvalidRequest,
    OrderNotFound,
    OutcomeUnknown,
    Refused,
)
from exchanges.types import (
    BalanceReport,
    Book,
    FillReport,
    InstrumentSpec,
    OrderReport,
    OrderRequest,
    PositionMode,
    PositionReport,
    PriceTick,
)
from exchanges.venue_codes import is_already_so, is_clock_skew
from exchanges.venues import binance
from exchanges.venues.words import OrderWords

TIMEOUT_MS = 5000
RECEIVE_WINDOW_MS = 5000
FILLS_PER_PAGE = 1000
Parsed = TypeVar("Parsed")
CONNECTED = object()  # what a stream's listener hears when its socket is open
_PAGE_SPAN = timedelta(days=7)  # ccxt ends the page of an older start after one week, as the venue wants
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# ccxt logs whole requests, signature and key included, at debug level
_quiet = logging.getLogger("exchanges.ccxt")
_quiet.setLevel(logging.WARNING)


class _Recorded:
    """Mixed into ccxt's classes: notes what reached the wire, refuses an answer that is not JSON, and lets a
    stream hear every raw message (ccxt's own caches merge and delay them)."""

    listener: Callable[[Any], None] | None = None

    async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        if (wire := WIRE.get()) is not None:
            wire.begins(method)
        return await super().fetch(url, method, headers, body)  # type: ignore[misc]

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
    pass


class _Bybit(_Recorded, ccxt.pro.bybit):  # type: ignore[misc]
    pass


_COMMON: Mapping[str, Any] = {
    "timeout": TIMEOUT_MS,
    "rateLimiterAlgorithm": "rollingWindow",  # the default one adds 200 ms to every order
    "logger": _quiet,
}
_BINANCE_OPTIONS: Mapping[str, Any] = {
    "fetchCurrencies": False,
    "fetchOpenOrders": {"warnWithoutSymbol": False},
    "setMarginMode": {"throwMarginModeAlreadySet": False},
    "watchPositions": {"fetchPositionsSnapshot": False},
    "adjustForTimeDifference": True,
    "recvWindow": RECEIVE_WINDOW_MS,
}
_BYBIT_OPTIONS: Mapping[str, Any] = {
    "defaultType": "swap",
    "fetchMarkets": {"types": ["linear"]},
    "recvWindow": RECEIVE_WINDOW_MS,
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
        self._credentials = credentials
        self._mode = PositionMode.HEDGE
        self._opened: list[Any] = []

    @cached_property
    def _reader(self) -> Any:
        """Built on first use, inside the event loop that will serve it."""
        return self._build()

    @cached_property
    def _writer(self) -> Any:
        """Apart from the reader, so that no order waits in ccxt's rate limiter behind a poll."""
        return self._build()

    def _build(self) -> Any:
        self._opened.append(build_exchange(self._credentials))
        return self._opened[-1]

    async def close(self) -> None:
        await asyncio.gather(*(exchange.close() for exchange in self._opened))

    async def _ready(self) -> None:
        """Contracts and clock, learnt once by the reader and shared with the writer."""
        await self._reader.load_markets()
        if self._writer.markets is not self._reader.markets:
            self._share()

    def _share(self) -> None:
        self._writer.set_markets_from_exchange(self._reader)
        self._writer.options["timeDifference"] = self._reader.options["timeDifference"]

    # -- reads -----------------------------------------------------------------------------------------

    async def instruments(self) -> Sequence[InstrumentSpec]:
        markets = await self._ask(lambda: self._reader.load_markets(True))
        return [
            binance.instrument(market["info"], market["symbol"])
            for market in markets.values()
            if market["swap"] and market["linear"] and market["settle"] == binance.QUOTE_CURRENCY
        ]

    async def balance(self) -> BalanceReport:
        account = await self._ask(lambda: self._reader.fetch_balance())
        return self._read(binance.balance_report, account["info"])

    async def positions(self) -> Sequence[PositionReport]:
        """From the raw rows: ccxt drops a row without entry price and guesses the side by the notional."""
        await self._ask(self._ready)
        rows = await self._rows(lambda: self._reader.fapiPrivateV3GetPositionRisk())
        reports = [self._read(binance.position_report, row, self._symbol(row)) for row in rows]
        return [report for report in reports if report is not None]

    async def mark_price(self, symbol: str) -> PriceTick:
        ticker = await self._ask(lambda: self._reader.fetch_mark_price(symbol))
        return self._read(binance.price_tick, ticker["info"], symbol)

    async def find_order(self, symbol: str, client_order_id: str, book: Book) -> OrderReport:
        params = _name_of(client_order_id, book)
        order = await self._ask(lambda: self._reader.fetch_order(None, symbol, params))
        return self._read(binance.order_report, order["info"], symbol)

    async def open_orders(self) -> Sequence[OrderReport]:
        plain = await self._rows(lambda: self._reader.fetch_open_orders())
        algo = await self._rows(lambda: self._reader.fetch_open_orders(params={"trigger": True}))
        return [self._read(binance.order_report, order["info"], order["symbol"]) for order in (*plain, *algo)]

    async def fills(self, symbol: str, since: datetime) -> Sequence[FillReport]:
        found: dict[str, FillReport] = {}
        start: datetime | None = since
        while start is not None:
            page = await self._page_of_fills(symbol, start)
            found |= {fill.trade_id: fill for fill in page}
            start = _next_start(page, start)
        return sorted(found.values(), key=lambda fill: (fill.at, int(fill.trade_id)))

    async def _page_of_fills(self, symbol: str, start: datetime) -> list[FillReport]:
        since = (start - _EPOCH) // timedelta(milliseconds=1)
        trades = await self._rows(lambda: self._reader.fetch_my_trades(symbol, since, FILLS_PER_PAGE))
        return [self._read(binance.fill_report, trade["info"], symbol) for trade in trades]

    # -- writes ----------------------------------------------------------------------------------------

    async def ensure_hedge_mode(self) -> PositionMode:
        answer = await self._ask(lambda: self._reader.fetch_position_mode())
        if not isinstance(answer["hedged"], bool):
            raise OutcomeUnknown("The venue did not say which position mode the account is in.")
        hedged = answer["hedged"] or await self._switched_to_hedge()
        self._mode = PositionMode.HEDGE if hedged else PositionMode.ONE_WAY
        return self._mode

    async def _switched_to_hedge(self) -> bool:
        """False when open positions or orders forbid the switch."""
        try:
            await self._change(lambda: self._writer.set_position_mode(True))
        except Refused as error:
            return is_already_so(self._credentials.venue, error.code)
        return True

    async def ensure_leverage(self, symbol: str, leverage: int) -> None:
        await self._ask(self._ready)
        market = {"symbol": self._market(symbol)["id"]}
        rows = await self._rows(lambda: self._reader.fapiPrivateGetSymbolConfig(market))
        if any(int(row["leverage"]) == leverage for row in rows if row["symbol"] == market["symbol"]):
            return
        await self._change(lambda: self._writer.set_leverage(leverage, symbol))

    async def create_order(self, request: OrderRequest) -> OrderReport:
        words = binance.order_words(request, self._mode)
        try:
            order = await self._change(lambda: self._send(words))
        except OrderNotFound as error:
            raise OutcomeUnknown(str(error), code=error.code) from None
        report = self._read(binance.order_report, order["info"], request.symbol)
        if report.client_order_id != request.client_order_id or report.book is not binance.book_of(request):
            raise OutcomeUnknown("The answer to the order is about another order.")
        return report

    async def _send(self, words: OrderWords) -> Any:
        self._check_steps(words)
        return await self._writer.create_order(
            words.symbol, words.type, words.side, words.amount, words.price, words.params
        )

    def _check_steps(self, words: OrderWords) -> None:
        """ccxt would silently cut a number to the step; an order that is not the one asked for is our bug."""
        for text in (words.price, words.params.get("stopPrice"), words.params.get("activationPrice")):
            if text is not None:
                _same(text, self._writer.price_to_precision(words.symbol, text), "price step")
        _same(words.amount, self._writer.amount_to_precision(words.symbol, words.amount), "quantity step")

    async def cancel_order(self, symbol: str, client_order_id: str, book: Book) -> None:
        params = _name_of(client_order_id, book)
        await self._change(lambda: self._writer.cancel_order(None, symbol, params))

    async def _prepared(self, call: Callable[[], Awaitable[Any]]) -> Any:
        await self._ready()
        return await call()

    # -- one call --------------------------------------------------------------------------------------

    async def _ask(self, call: Callable[[], Awaitable[Any]]) -> Any:
        return (await self._call(call, writing=False))[0]

    async def _change(self, call: Callable[[], Awaitable[Any]]) -> Any:
        return (await self._call(lambda: self._prepared(call), writing=True))[0]

    async def _rows(self, call: Callable[[], Awaitable[Any]]) -> list[Any]:
        """A list must be a list on the wire too: ccxt reads an empty object as 'nothing there'."""
        result, wire = await self._call(call, writing=False)
        if not isinstance(wire.answer, list) or not isinstance(result, list):
            raise OutcomeUnknown("The venue answered something that is not a list.")
        return result

    async def _call(self, call: Callable[[], Awaitable[Any]], *, writing: bool) -> tuple[Any, Wire]:
        wire = Wire()
        token = WIRE.set(wire)
        try:
            return await call(), wire
        except Exception as error:  # every kind, by the table; a cancelled task is no Exception
            failure = translate(self._credentials.venue, error, wire, writing=writing)
        finally:
            WIRE.reset(token)
        await self._learn_time_after(failure)
        raise failure  # outside the handler: ccxt's text must not travel along as context

    async def _learn_time_after(self, failure: ExchangeError) -> None:
        if is_clock_skew(self._credentials.venue, failure.code):
            try:
                await self._reader.load_time_difference()
            except Exception:
                return  # the caller already gets the error that matters
            self._writer.options["timeDifference"] = self._reader.options["timeDifference"]

    # -- reading ---------------------------------------------------------------------------------------

    def _read(self, parse: Callable[..., Parsed], *arguments: Any) -> Parsed:
        try:
            return parse(*arguments)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            problem = type(error).__name__
        raise OutcomeUnknown(f"An answer we cannot read: {problem}")

    def _symbol(self, row: Mapping[str, Any]) -> str:
        """A contract that is not listed any more keeps the venue's name: its position must not vanish."""
        return str(self._reader.safe_symbol(row["symbol"], None, None, "swap"))

    def _market(self, symbol: str) -> Any:
        if symbol not in self._reader.markets:
            raise InvalidRequest(f"The venue has no contract {symbol}.")
        return self._reader.markets[symbol]


def _name_of(client_order_id: str, book: Book) -> dict[str, Any]:
    if book is Book.ALGO:
        return {"trigger": True, "clientAlgoId": client_order_id}
    return {"clientOrderId": client_order_id}


def _same(wanted: str, sent: str, step: str) -> None:
    if wanted != sent:
        raise InvalidRequest(f"{wanted} does not fit the contract's {step}: it would be sent as {sent}.")


def _next_start(page: Sequence[FillReport], start: datetime) -> datetime | None:
    """Where the next page begins: at the last fill of a full page, or after the week that was asked for."""
    if len(page) == FILLS_PER_PAGE:
        return max(page[-1].at, start + timedelta(milliseconds=1))
    return start + _PAGE_SPAN if datetime.now(UTC) - start >= _PAGE_SPAN else None
