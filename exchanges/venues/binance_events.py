"""Binance USDT-M: the raw events of the private stream and the price streams in our words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from exchanges.types import (
    Book,
    FillReport,
    Forced,
    OrderReport,
    PriceKind,
    PriceTick,
    Reference,
    ReportStatus,
    Side,
)
from exchanges.venues.binance import (
    ALGO_STATUS,
    PLAIN_STATUS,
    Row,
    child_of,
    position_side_or_none,
)
from exchanges.venues.names import forced_by
from exchanges.venues.words import exact_moment, moment, number, number_or_none

_EXECUTIONS = ("TRADE", "CALCULATED")  # CALCULATED: the venue closed the position (liquidation, deleveraging)


def order_of_update(event: Mapping[str, Any], symbol: str) -> OrderReport | None:
    """None when the state is a word we do not know; the fill of the same event still counts."""
    row = event["o"]
    status = PLAIN_STATUS.get(row["X"]) or _by_quantity(row)
    if status is None:
        return None
    return OrderReport(
        symbol=symbol,
        client_order_id=str(row["c"]),
        exchange_order_id=str(row["i"]),
        book=Book.PLAIN,
        status=status,
        quantity=number(row["q"]),
        filled_quantity=number(row["z"]),
        average_price=number_or_none(row.get("ap")),
        at=moment(row.get("T")),
        position_side=position_side_or_none(row.get("ps")),
        trigger_price=number_or_none(row.get("sp")),
        price=number_or_none(row.get("p")),
    )


def _by_quantity(row: Row) -> ReportStatus | None:
    """NEW_ADL and NEW_INSURANCE arrive with the execution itself."""
    if row["X"] not in ("NEW_ADL", "NEW_INSURANCE"):
        return None
    return ReportStatus.FILLED if number(row["z"]) >= number(row["q"]) else ReportStatus.PARTIALLY_FILLED


def fill_of_update(event: Mapping[str, Any], symbol: str) -> FillReport | None:
    row = event["o"]
    if row["x"] not in _EXECUTIONS or number(row["l"]) <= 0:
        return None
    return FillReport(
        symbol=symbol,
        trade_id=str(row["t"]),
        exchange_order_id=str(row["i"]),
        side=Side(row["S"].lower()),
        position_side=position_side_or_none(row.get("ps")),
        quantity=number(row["l"]),
        price=number(row["L"]),
        fee=number(row.get("n") or 0),
        fee_currency=str(row.get("N") or ""),
        realized_pnl=number(row.get("rp") or 0),
        at=exact_moment(row["T"]),
        client_order_id=str(row["c"]),
        forced=forced_by(str(row["c"])) or (Forced.LIQUIDATION if row["x"] == "CALCULATED" else None),
    )


def algo_of_update(event: Mapping[str, Any], symbol: str) -> OrderReport | None:
    row = event["o"]
    status = ALGO_STATUS.get(row["X"])
    if status is None:
        return None
    ended_badly = status in (ReportStatus.REJECTED, ReportStatus.EXPIRED)
    return OrderReport(
        symbol=symbol,
        client_order_id=str(row["caid"]),
        exchange_order_id=str(row["aid"]),
        book=Book.ALGO,
        status=status,
        quantity=number_or_none(row.get("q")),
        child_order_id=child_of(row.get("ai")),
        reason=str(row.get("rm") or "") if ended_badly else "",
        at=moment(event.get("T")),
        position_side=position_side_or_none(row.get("ps")),
        trigger_price=number_or_none(row.get("tp")),
    )


# field of each price that an event tells
PRICE_EVENTS: Mapping[Reference, tuple[str, Mapping[PriceKind, str]]] = {
    Reference.MARK: ("markPriceUpdate", {PriceKind.MARK: "p"}),
    Reference.LAST: ("24hrMiniTicker", {PriceKind.LAST: "c"}),
    Reference.BOOK: ("bookTicker", {PriceKind.BID: "b", PriceKind.ASK: "a"}),
}


def ticks_of_update(event: Mapping[str, Any], symbol: str, reference: Reference) -> Iterator[PriceTick]:
    """Nothing from other events: a socket may say more than was asked for."""
    name, fields = PRICE_EVENTS[reference]
    if event.get("e") == name:
        for kind, price in fields.items():
            yield PriceTick(symbol, number(event[price]), exact_moment(event["E"]), kind)
