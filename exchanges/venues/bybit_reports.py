"""Bybit v5 linear contracts: the rows of its answers and of its private stream in our words.

A conditional order keeps its number when it fires and fills itself. Our two books are two views of its one row: the
conditional one until it has fired, and from then on also a plain one, which has the fills.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from exchanges.key_rights import KeyPermissions
from exchanges.types import (
    BalanceReport,
    Book,
    Candle,
    FillReport,
    Forced,
    FundingReport,
    InstrumentSpec,
    OrderReport,
    PositionReport,
    PositionSide,
    PriceKind,
    PriceTick,
    ReportStatus,
    Side,
)
from exchanges.venues.bybit import QUOTE_CURRENCY
from exchanges.venues.words import direction, exact_moment, moment, number, number_or_none

Row = Mapping[str, Any]
ZERO = Decimal(0)

_PLAIN: Mapping[str, ReportStatus] = {
    "Created": ReportStatus.OPEN,
    "New": ReportStatus.OPEN,
    "Active": ReportStatus.OPEN,
    "Triggered": ReportStatus.OPEN,
    "PartiallyFilled": ReportStatus.PARTIALLY_FILLED,
    "Filled": ReportStatus.FILLED,
    "PartiallyFilledCanceled": ReportStatus.CANCELED,
    "Cancelled": ReportStatus.CANCELED,
    "Deactivated": ReportStatus.CANCELED,
    "Rejected": ReportStatus.REJECTED,
}
_WAITING: Mapping[str, ReportStatus] = {
    "Created": ReportStatus.OPEN,
    "Untriggered": ReportStatus.OPEN,
    "Cancelled": ReportStatus.CANCELED,
    "Deactivated": ReportStatus.CANCELED,
    "Rejected": ReportStatus.REJECTED,
}
# taken in, and not yet put before the matching
_ACKNOWLEDGED = "Created"
_SIDES = {"Buy": PositionSide.LONG, "Sell": PositionSide.SHORT}
_LEGS = {"1": PositionSide.LONG, "2": PositionSide.SHORT}
_NO_REASON = ("", "EC_NoError", "EC_PerCancelRequest")
# what is acknowledged and cannot be done is canceled at once, and says why
_ENDED_BY: Mapping[str, ReportStatus] = {
    "EC_PostOnlyWillTakeLiquidity": ReportStatus.REJECTED,
    "EC_NoImmediateQtyToFill": ReportStatus.EXPIRED,
}
FORCED = {"BustTrade": Forced.LIQUIDATION, "AdlTrade": Forced.ADL}
# execTypes by which a position changes; the others move only the wallet
_TRADES = frozenset({"Trade", "BlockTrade", "Settle", "Delivery", "MovePosition", "FutureSpread", *FORCED})
FUNDING = "Funding"


# orders


def is_conditional(row: Row) -> bool:
    return row.get("stopOrderType") not in (None, "", "UNKNOWN") or bool(
        number_or_none(row.get("triggerPrice"))
    )


def has_fired(row: Row) -> bool:
    """One that ended with nothing filled has not, whatever ended it."""
    return row["orderStatus"] not in _WAITING or _filled(row) > 0


def is_readable(row: Row) -> bool:
    """A stream goes on over a state that we do not know; the executions still tell what was traded."""
    return row["orderStatus"] in _PLAIN or row["orderStatus"] in _WAITING


def order_reports(row: Row, symbol: str) -> tuple[OrderReport, ...]:
    """What one row tells of each book, the conditional one first."""
    if not is_conditional(row):
        return (plain_report(row, symbol),)
    waiting = conditional_report(row, symbol)
    return (waiting, plain_report(row, symbol)) if has_fired(row) else (waiting,)


def report_in(row: Row, symbol: str, book: Book) -> OrderReport | None:
    return next((report for report in order_reports(row, symbol) if report.book is book), None)


def plain_report(row: Row, symbol: str) -> OrderReport:
    filled, status = _filled(row), _plain_status(row)
    return OrderReport(
        symbol=symbol,
        client_order_id=str(row["orderLinkId"]),
        exchange_order_id=str(row["orderId"]),
        book=Book.PLAIN,
        # what was filled before the rest was refused is held
        status=ReportStatus.CANCELED if status is ReportStatus.REJECTED and filled else status,
        quantity=number(row["qty"]),
        filled_quantity=filled,
        average_price=number_or_none(row.get("avgPrice")),
        reason=_reason(row),
        at=moment(row.get("updatedTime")),
        position_side=leg_of(row),
        trigger_price=number_or_none(row.get("triggerPrice")),
        price=number_or_none(row.get("price")),
        is_acknowledgement=row["orderStatus"] == _ACKNOWLEDGED,
        **direction(row, "closeOnTrigger"),
    )


def _plain_status(row: Row) -> ReportStatus:
    status = _PLAIN[row["orderStatus"]]
    return _ENDED_BY.get(_reason(row), status) if status is ReportStatus.CANCELED else status


def conditional_report(row: Row, symbol: str) -> OrderReport:
    fired = has_fired(row)
    return OrderReport(
        symbol=symbol,
        client_order_id=str(row["orderLinkId"]),
        exchange_order_id=str(row["orderId"]),
        book=Book.ALGO,
        status=ReportStatus.TRIGGERED if fired else _WAITING[row["orderStatus"]],
        quantity=number_or_none(row.get("qty")),
        child_order_id=str(row["orderId"]) if fired else None,
        reason="" if fired else _reason(row),
        at=moment(row.get("updatedTime")),
        position_side=leg_of(row),
        trigger_price=number_or_none(row.get("triggerPrice")),
        is_acknowledgement=row["orderStatus"] == _ACKNOWLEDGED,
        **direction(row, "closeOnTrigger"),
    )


def _filled(row: Row) -> Decimal:
    return number_or_none(row.get("cumExecQty")) or ZERO


def _reason(row: Row) -> str:
    reason = str(row.get("rejectReason") or "")
    return "" if reason in _NO_REASON else reason


def leg_of(row: Row) -> PositionSide | None:
    """None in one-way mode: the row does not say."""
    return _LEGS.get(str(row.get("positionIdx")))


# executions


def is_trade(row: Row) -> bool:
    return row["execType"] in _TRADES and number(row["execQty"]) > 0


def closes(row: Row) -> bool:
    return bool(number_or_none(row.get("closedSize")))


def fill_report(row: Row, symbol: str, profit: Decimal | None = None) -> FillReport:
    """`profit` where the row itself does not tell it."""
    side = Side(row["side"].lower())
    opens = PositionSide.LONG if (side is Side.BUY) is not closes(row) else PositionSide.SHORT
    return FillReport(
        symbol=symbol,
        trade_id=str(row["execId"]),
        exchange_order_id=str(row["orderId"]),
        side=side,
        position_side=leg_of(row) or opens,
        quantity=number(row["execQty"]),
        price=number(row["execPrice"]),
        fee=number(row.get("execFee") or 0),
        fee_currency=str(row.get("feeCurrency") or row.get("feeCoin") or QUOTE_CURRENCY),
        realized_pnl=number_or_none(row.get("execPnl")) or profit or ZERO,
        at=exact_moment(row["execTime"]),
        client_order_id=str(row.get("orderLinkId") or ""),
        forced=FORCED.get(row["execType"]),
    )


def funding_report(row: Row, symbol: str) -> FundingReport:
    """An execution of the kind Funding. Its fee is a cost: below zero we received it."""
    return FundingReport(
        symbol=symbol,
        payment_id=str(row["execId"]),
        amount=-number(row["execFee"]),
        currency=str(row.get("feeCurrency") or row.get("feeCoin") or QUOTE_CURRENCY),
        at=exact_moment(row["execTime"]),
    )


def last_of_each(rows: Sequence[Row], symbol_of: Any) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for row in rows:
        symbol, at = symbol_of(row), exact_moment(row["execTime"])
        found[symbol] = max(at, found.get(symbol, at))
    return found


# what is held


def position_report(row: Row, symbol: str) -> PositionReport | None:
    """None for a flat slot, which is listed too."""
    quantity = number(row["size"] or 0)
    if quantity == 0:
        return None
    return PositionReport(
        symbol=symbol,
        position_side=leg_of(row) or _SIDES[row["side"]],
        quantity=quantity,
        entry_price=number(row["avgPrice"]),
        mark_price=number_or_none(row.get("markPrice")),
        unrealized_pnl=None if row.get("unrealisedPnl") in (None, "") else number(row["unrealisedPnl"]),
        liquidation_price=number_or_none(row.get("liqPrice")),
        leverage=_leverage(row),
    )


def _leverage(row: Row) -> int | None:
    """Whole; it may have two decimals there."""
    told = number_or_none(row.get("leverage"))
    return max(int(told), 1) if told else None


def balance_report(account: Row) -> BalanceReport:
    """Zero when the account holds no coin of the quote currency."""
    rows = [row for row in account["coin"] if row["coin"] == QUOTE_CURRENCY]
    if not rows:
        return BalanceReport(ZERO, ZERO, ZERO)
    return BalanceReport(
        wallet_balance=number(rows[0]["walletBalance"]),
        equity=number(rows[0]["equity"]),
        available_balance=_available(account, rows[0]),
    )


def _available(account: Row, coin: Row) -> Decimal:
    """An empty total means that margin is kept apart for each contract: what the coin has left is available."""
    told = account.get("totalAvailableBalance")
    if told not in (None, ""):
        return number(told)
    held_back = (number(coin.get(name) or 0) for name in ("totalPositionIM", "totalOrderIM", "locked"))
    return max(number(coin["walletBalance"]) - sum(held_back, ZERO), ZERO)


# prices and contracts

PRICE_FIELDS: Mapping[PriceKind, str] = {
    PriceKind.MARK: "markPrice",
    PriceKind.LAST: "lastPrice",
    PriceKind.BID: "bid1Price",
    PriceKind.ASK: "ask1Price",
}


def price_tick(row: Row, symbol: str, kind: PriceKind, at: datetime) -> PriceTick:
    return PriceTick(symbol, number(row[PRICE_FIELDS[kind]]), at, kind)


def candle(row: Sequence[Any]) -> Candle:
    """Those of the mark price have no volume."""
    at, opened, high, low, closed, *volume = row
    figures = (opened, high, low, closed, volume[0] if volume else 0)
    return Candle(exact_moment(at), *map(number, figures))


def instrument(row: Row, symbol: str) -> InstrumentSpec:
    """The tighter of the limits for limit and for market orders, so that both are always allowed."""
    lots = row["lotSizeFilter"]
    maxima = [number_or_none(lots.get(name)) for name in ("maxOrderQty", "maxMktOrderQty")]
    return InstrumentSpec(
        symbol=symbol,
        exchange_symbol=str(row["symbol"]),
        price_increment=number(row["priceFilter"]["tickSize"]),
        size_increment=number(lots["qtyStep"]),
        min_quantity=number(lots["minOrderQty"]),
        max_quantity=min((one for one in maxima if one), default=None),
        min_notional=number(lots.get("minNotionalValue") or 0),
        active=row.get("status") == "Trading",
    )


def key_permissions(row: Row) -> KeyPermissions:
    rights = row["permissions"]
    return KeyPermissions(
        can_trade=int(row["readOnly"]) == 0 and "Order" in rights["ContractTrade"],
        can_withdraw="Withdraw" in rights["Wallet"],
        is_bound_to_addresses=bool(row["ips"]) and "*" not in row["ips"],
        owner=str(row.get("userID") or ""),
    )
