"""Bybit v5: the raw messages of the private stream and the price streams in our words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from exchanges.types import PriceKind, PriceTick, PrivateEvent, Reference
from exchanges.venues import bybit_reports
from exchanges.venues.bybit import CATEGORY
from exchanges.venues.words import exact_moment, number, number_or_none

Message = Mapping[str, Any]
SymbolOf = Callable[[str], str]
Known = dict[tuple[str, PriceKind], Decimal]

_ORDERS, _EXECUTIONS = "order", "execution"
PRIVATE_TOPICS = (_ORDERS, _EXECUTIONS)
_TICKER_FIELDS = {Reference.MARK: (PriceKind.MARK,), Reference.LAST: (PriceKind.LAST,)}


def is_subscribed(message: Message) -> bool:
    return message.get("op") == "subscribe" and message.get("success") is True


def refusal_to_sign_in(message: Message) -> str | None:
    """The venue's sentence, when it does not let us in; ccxt knows only one of the two ways in which it is said."""
    asked = message.get("request")
    operation = message.get("op") or (asked.get("op") if isinstance(asked, Mapping) else None)
    is_refused = operation == "auth" and message.get("success") is False
    return str(message.get("ret_msg") or "refused") if is_refused else None


def private_event(message: Message, symbol_of: SymbolOf) -> PrivateEvent | None:
    """None for what is about no order, execution or funding of ours."""
    rows = [row for row in _rows(message) if row.get("category", CATEGORY) == CATEGORY]
    topic = str(message.get("topic", "")).partition(".")[0]
    if topic == _ORDERS and rows:
        return PrivateEvent(orders=tuple(_reports(rows, symbol_of)))
    if topic == _EXECUTIONS and rows:
        return _of_executions(rows, symbol_of)
    return None


def _rows(message: Message) -> Sequence[Mapping[str, Any]]:
    data = message.get("data")
    return data if isinstance(data, list) else ()


def _reports(rows: Sequence[Mapping[str, Any]], symbol_of: SymbolOf) -> Iterator[Any]:
    for row in rows:
        if bybit_reports.is_readable(row):
            yield from bybit_reports.order_reports(row, symbol_of(row["symbol"]))


def _of_executions(rows: Sequence[Mapping[str, Any]], symbol_of: SymbolOf) -> PrivateEvent | None:
    fills = tuple(
        bybit_reports.fill_report(row, symbol_of(row["symbol"]))
        for row in rows
        if bybit_reports.is_trade(row)
    )
    was_paid = any(row["execType"] == bybit_reports.FUNDING for row in rows)
    return PrivateEvent(fills=fills, funding_was_paid=was_paid) if fills or was_paid else None


def ticks_of(
    message: Message, reference: Reference, known: Known, symbol_of: SymbolOf
) -> Iterator[PriceTick]:
    """A message tells only what has changed; what it leaves out is as it was before, and now."""
    data, topic = message.get("data"), str(message.get("topic", ""))
    if not isinstance(data, Mapping):
        return
    if reference is Reference.BOOK and topic.startswith("orderbook."):
        name, news = str(data["s"]), dict(_best(data))
    elif reference in _TICKER_FIELDS and topic.startswith("tickers."):
        name, news = str(data["symbol"]), dict(_told(data, _TICKER_FIELDS[reference]))
    else:
        return
    symbol, at = symbol_of(name), exact_moment(message["ts"])
    known |= {(symbol, kind): price for kind, price in news.items()}
    for kind in kinds_of(reference):
        if (symbol, kind) in known:
            yield PriceTick(symbol, known[symbol, kind], at, kind)


def kinds_of(reference: Reference) -> tuple[PriceKind, ...]:
    return _TICKER_FIELDS.get(reference, (PriceKind.BID, PriceKind.ASK))


def _told(data: Mapping[str, Any], kinds: Sequence[PriceKind]) -> Iterator[tuple[PriceKind, Decimal]]:
    for kind in kinds:
        if (price := number_or_none(data.get(bybit_reports.PRICE_FIELDS[kind]))) is not None:
            yield kind, price


def _best(data: Mapping[str, Any]) -> Iterator[tuple[PriceKind, Decimal]]:
    """One level a side; a price whose quantity is zero has left the book."""
    for kind, field, best in ((PriceKind.BID, "b", max), (PriceKind.ASK, "a", min)):
        standing = [number(price) for price, quantity in data.get(field, ()) if number(quantity)]
        if standing:
            yield kind, best(standing)
