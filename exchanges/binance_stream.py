"""A Binance account's live streams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from exchanges.ccxt_errors import CONNECTED
from exchanges.ccxt_stream import CcxtStream, symbol_of
from exchanges.errors import OutcomeUnknown
from exchanges.types import PriceTick, PrivateEvent, Reference
from exchanges.venues import binance_events

# of ccxt: mark prices once a second, last prices twice, the book at every change
_WATCHES = {
    Reference.MARK: "watch_mark_prices",
    Reference.LAST: "watch_tickers",
    Reference.BOOK: "watch_bids_asks",
}
_SESSION_ENDED = "listenKeyExpired"  # ccxt ignores it and stays silently deaf


class BinanceStream(CcxtStream):
    """Implements exchanges.client.ExchangeStream for Binance USDT-M futures."""

    venue = "binance"

    def forget_session(self) -> None:
        """ccxt keeps using a dead listenKey for 20 minutes unless it believes the key is old."""
        private = self._opened.get("private")
        if private is not None and "linear" in private.options:
            private.options["linear"]["lastAuthenticatedTime"] = 0

    async def _watch_prices(self, exchange: Any, symbols: Sequence[str], reference: Reference) -> None:
        await getattr(exchange, _WATCHES[reference])(list(symbols) or None)

    async def _watch_private(self, exchange: Any) -> None:
        await exchange.watch_orders()

    def _ticks(self, exchange: Any, batch: Sequence[Any], reference: Reference) -> Iterator[PriceTick]:
        for row in (row for message in batch for row in _rows(message)):
            yield from binance_events.ticks_of_update(row, symbol_of(exchange, row["s"]), reference)

    def _event(self, exchange: Any, message: Any) -> PrivateEvent | None:
        if message is CONNECTED:
            return PrivateEvent()
        if _kind(message) == _SESSION_ENDED:
            self.forget_session()
            raise OutcomeUnknown("The private session has expired.")
        return _private_event(exchange, message)


def _body(message: Any) -> Any:
    """A combined stream wraps each message and names its stream."""
    if isinstance(message, Mapping) and "stream" in message:
        return message.get("data")
    return message


def _kind(message: Any) -> str:
    body = _body(message)
    return str(body.get("e", "")) if isinstance(body, Mapping) else ""


def _rows(message: Any) -> list[Mapping[str, Any]]:
    body = _body(message)
    rows = body if isinstance(body, list) else [body]
    return [row for row in rows if isinstance(row, Mapping) and "s" in row]


def _private_event(exchange: Any, message: Any) -> PrivateEvent | None:
    body = _body(message)
    kind = _kind(message)
    if kind == "ACCOUNT_UPDATE" and body["a"].get("m") == "FUNDING_FEE":
        return PrivateEvent(funding_was_paid=True)
    if kind not in ("ORDER_TRADE_UPDATE", "ALGO_UPDATE"):
        return None
    symbol = symbol_of(exchange, body["o"]["s"])
    if kind == "ALGO_UPDATE":
        order, fill = binance_events.algo_of_update(body, symbol), None
    else:
        order = binance_events.order_of_update(body, symbol)
        fill = binance_events.fill_of_update(body, symbol)
    return PrivateEvent(orders=(order,) if order else (), fills=(fill,) if fill else ())
