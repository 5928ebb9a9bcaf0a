"""What the accounts of every venue share: the ccxt object that asks the budget and notes what reached the wire, and
the way of an order to it."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.conf import settings

from exchanges.budgets import Budget
from exchanges.ccxt_calls import Calls, check_same, readable
from exchanges.ccxt_errors import CONNECTED, WIRE, Wire, told_to_wait
from exchanges.ccxt_of_our_venues import ccxt
from exchanges.clock import ClockReading, reading
from exchanges.credentials import Credentials
from exchanges.errors import AccountUnusable, InvalidRequest, OutcomeUnknown
from exchanges.types import FundingRate, InstrumentSpec
from exchanges.venues.words import OrderWords, funding_rate_of

TIMEOUT_MS = 5000
QUOTE_CURRENCY = "USDT"
# where an order says a price
_PRICES = ("stopPrice", "activationPrice", "stopLossPrice", "takeProfitPrice", "trailingTriggerPrice")

Parsed = TypeVar("Parsed")
logger = logging.getLogger(__name__)


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
    "adjustForTimeDifference": True,
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
    exchange.ssl_context = _trusting(exchange.cafile)
    if credentials.base_url:
        exchange.urls = {"api": _pointed(exchange.urls["api"], credentials.base_url.rstrip("/"))}
    return exchange


@cache
def _trusting(authorities: str) -> ssl.SSLContext:
    """One for the clients of all accounts: to read the list takes longer than anything else of a new client."""
    return ssl.create_default_context(cafile=authorities)


def _pointed(urls: Any, base: str) -> Any:
    """The same tree of addresses with every host replaced; paths stay, because ccxt reads meaning in them."""
    if isinstance(urls, Mapping):
        return {name: _pointed(value, base) for name, value in urls.items()}
    parts = urlsplit(urls)
    root = "ws" + base.removeprefix("http") if parts.scheme in ("ws", "wss") else base
    return root + parts.path


class CcxtClient:
    """What the clients of all venues share: contracts, steps, names, and the way of an order."""

    def __init__(self, credentials: Credentials) -> None:
        self._calls = Calls(credentials.venue, lambda: build_exchange(credentials))

    async def close(self) -> None:
        await self._calls.close()

    async def clock(self) -> ClockReading | None:
        return self._calls.clock

    async def funding_rate(self, symbol: str) -> FundingRate:
        row = await self._calls.ask(lambda: self._calls.reader.fetch_funding_rate(symbol))
        return readable(lambda: funding_rate_of(row))

    async def instruments(self) -> Sequence[InstrumentSpec]:
        await self._calls.ask(self._calls.contracts.renew)
        markets = self._calls.reader.markets.values()
        return [spec for market in markets if (spec := self._instrument_of(market)) is not None]

    def _instrument_of(self, market: Mapping[str, Any]) -> InstrumentSpec | None:
        """None for what we do not trade. One contract we cannot read must not hide all the others."""
        if not (market["swap"] and market["linear"] and market["settle"] == QUOTE_CURRENCY):
            return None
        try:
            return readable(lambda: self._instrument(market["info"], market["symbol"]))
        except OutcomeUnknown as error:
            logger.warning("The contract %s is left out: %s", market["symbol"], error)
            return None

    def _instrument(self, row: Any, symbol: str) -> InstrumentSpec:
        raise NotImplementedError

    async def _send(self, words: OrderWords) -> Any:
        self._check_steps(words)
        return await self._calls.writer.create_order(
            words.symbol, words.type, words.side, words.amount, words.price, words.params
        )

    def _check_steps(self, words: OrderWords) -> None:
        """ccxt would silently cut a number to the step; an order that is not the one asked for is our bug."""
        for text in (words.price, *(words.params.get(name) for name in _PRICES)):
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
