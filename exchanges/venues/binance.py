"""Binance USDT-M futures: our order request in its words, its answers in ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from exchanges.errors import InvalidRequest
from exchanges.key_rights import KeyPermissions
from exchanges.types import (
    BalanceReport,
    Book,
    Candle,
    FillReport,
    FundingReport,
    InstrumentSpec,
    NativeExits,
    OrderReport,
    OrderRequest,
    OrderType,
    PositionMode,
    PositionReport,
    PositionSide,
    PriceKind,
    PriceTick,
    ReportStatus,
    Side,
    TimeInForce,
)
from exchanges.venues.words import (
    OrderWords,
    direction,
    exact_moment,
    milliseconds_of,
    moment,
    number,
    number_or_none,
    plain,
    price_of,
    trigger_of,
)

Row = Mapping[str, Any]

QUOTE_CURRENCY = "USDT"
_CLIENT_ORDER_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")

PLAIN_STATUS: Mapping[str, ReportStatus] = {
    "NEW": ReportStatus.OPEN,
    "PENDING_CANCEL": ReportStatus.OPEN,
    "PARTIALLY_FILLED": ReportStatus.PARTIALLY_FILLED,
    "FILLED": ReportStatus.FILLED,
    "CANCELED": ReportStatus.CANCELED,
    "EXPIRED": ReportStatus.EXPIRED,
    "EXPIRED_IN_MATCH": ReportStatus.EXPIRED,
    "REJECTED": ReportStatus.REJECTED,
}

WORKING_TYPES: Mapping[PriceKind, str] = {
    PriceKind.MARK: "MARK_PRICE",
    PriceKind.LAST: "CONTRACT_PRICE",
}

ALGO_STATUS: Mapping[str, ReportStatus] = {
    "NEW": ReportStatus.OPEN,
    "ACCEPTED": ReportStatus.OPEN,
    "TRIGGERING": ReportStatus.OPEN,  # its child order may exist already, but is not named yet
    "TRIGGERED": ReportStatus.TRIGGERED,
    "FINISHED": ReportStatus.TRIGGERED,  # says nothing about fills: ask for the child order
    "CANCELED": ReportStatus.CANCELED,
    "EXPIRED": ReportStatus.EXPIRED,
    "REJECTED": ReportStatus.REJECTED,
}


def order_words(request: OrderRequest) -> OrderWords:
    """Conditional orders go to the algo book because they carry a stop price or a callback rate."""
    if not _CLIENT_ORDER_ID.fullmatch(request.client_order_id):
        raise InvalidRequest(f"The client order id {request.client_order_id!r} is not one Binance accepts.")
    params = _common(request) | _conditions(request)
    kind = _ccxt_type(request)
    side = request.side.value
    return OrderWords(request.symbol, kind, side, plain(request.quantity), price_of(request), params)


def name_of(client_order_id: str, book: Book) -> dict[str, Any]:
    if book is Book.ALGO:
        return {"trigger": True, "clientAlgoId": client_order_id}
    return {"clientOrderId": client_order_id}


def book_of(request: OrderRequest) -> Book:
    return Book.ALGO if request.order_type.is_conditional else Book.PLAIN


def _common(request: OrderRequest) -> dict[str, Any]:
    """Hedge mode names the position side and must not say reduceOnly (-1106). In one-way mode that word alone keeps
    an exit from turning the position."""
    params: dict[str, Any] = {"clientOrderId": request.client_order_id, "positionSide": _leg_word(request)}
    if request.reduce_only and request.position_mode is PositionMode.ONE_WAY:
        params["reduceOnly"] = True
    return params


def _leg_word(request: OrderRequest) -> str:
    return request.position_side.upper() if request.position_mode is PositionMode.HEDGE else "BOTH"


def _conditions(request: OrderRequest) -> dict[str, Any]:
    native = request.native or NativeExits()
    if native.stop_price or native.take_profit_price or native.callback_amount:
        raise InvalidRequest("Binance attaches no stops to an order: place the stop as an order of its own.")
    if not request.order_type.is_conditional:
        return _endurance(request)
    if request.order_type is OrderType.TRAILING_STOP_MARKET:
        return _trailing(request, native)
    if native.callback_rate is not None:
        raise InvalidRequest(f"A {request.order_type} order does not trail.")
    return {"stopPrice": trigger_of(request), "workingType": working_type(request)}


def _trailing(request: OrderRequest, native: NativeExits) -> dict[str, Any]:
    """Without an activation price it trails from the price of its arrival."""
    if native.callback_rate is None:
        raise InvalidRequest("A trailing order needs a callback rate.")
    params = {"callbackRate": plain(native.callback_rate), "workingType": working_type(request)}
    if native.activation_price is not None:
        params["activationPrice"] = plain(native.activation_price)
    return params


def working_type(request: OrderRequest) -> str:
    if request.trigger_by not in WORKING_TYPES:
        raise InvalidRequest(f"Binance triggers no order by the {request.trigger_by} price.")
    return WORKING_TYPES[request.trigger_by]


def _endurance(request: OrderRequest) -> dict[str, Any]:
    """How long a limit order works; without a word ccxt says GTC."""
    if request.time_in_force is None:
        return {}
    if request.order_type is not OrderType.LIMIT:
        raise InvalidRequest("Only a limit order has a time in force.")
    words: dict[str, Any] = {"timeInForce": request.time_in_force.upper()}
    if request.time_in_force is TimeInForce.GTD:
        if request.expires_at is None:
            raise InvalidRequest("An order that is good till a date needs the date.")
        words["goodTillDate"] = milliseconds_of(request.expires_at)
    return words


def amend_words(request: OrderRequest, market_id: str) -> dict[str, Any]:
    """Fields of PUT /fapi/v1/order. The order is named by our id alone: with the venue's beside it, that one wins."""
    return {
        "symbol": market_id,
        "side": request.side.upper(),
        "quantity": plain(request.quantity),
        "price": price_of(request),
        "origClientOrderId": request.client_order_id,
    }


def _ccxt_type(request: OrderRequest) -> str:
    return request.order_type.value.upper() if request.order_type.is_conditional else request.order_type.value


def order_report(row: Row, symbol: str) -> OrderReport:
    """A row of either book; the algo book's rows carry an algoId."""
    return _algo_report(row, symbol) if "algoId" in row else _plain_report(row, symbol)


def _plain_report(row: Row, symbol: str) -> OrderReport:
    return OrderReport(
        symbol=symbol,
        client_order_id=str(row["clientOrderId"]),
        exchange_order_id=str(row["orderId"]),
        book=Book.PLAIN,
        status=PLAIN_STATUS[row["status"]],
        quantity=number(row["origQty"]),
        filled_quantity=number(row["executedQty"]),
        average_price=number_or_none(row.get("avgPrice")),
        at=moment(row.get("updateTime")),
        position_side=position_side_or_none(row.get("positionSide")),
        trigger_price=number_or_none(row.get("stopPrice")),
        price=number_or_none(row.get("price")),
        **direction(row, "closePosition"),
    )


def _algo_report(row: Row, symbol: str) -> OrderReport:
    """Never a filled quantity: fills belong to the child order."""
    return OrderReport(
        symbol=symbol,
        client_order_id=str(row["clientAlgoId"]),
        exchange_order_id=str(row["algoId"]),
        book=Book.ALGO,
        status=ALGO_STATUS[row["algoStatus"]],
        quantity=number_or_none(row.get("quantity")),
        child_order_id=child_of(row.get("actualOrderId")),
        at=moment(row.get("updateTime")),
        position_side=position_side_or_none(row.get("positionSide")),
        trigger_price=number_or_none(row.get("triggerPrice")),
        **direction(row, "closePosition"),
    )


def child_of(text: Any) -> str | None:
    return None if text in (None, "", "0", 0) else str(text)


def position_side_or_none(word: Any) -> PositionSide | None:
    """BOTH is one-way mode: the row does not say."""
    return PositionSide(word.lower()) if word in ("LONG", "SHORT") else None


def fill_report(row: Row, symbol: str) -> FillReport:
    """A row of userTrades. It names the order by the venue's id only."""
    return FillReport(
        symbol=symbol,
        trade_id=str(row["id"]),
        exchange_order_id=str(row["orderId"]),
        side=Side(row["side"].lower()),
        position_side=position_side_or_none(row.get("positionSide")),
        quantity=number(row["qty"]),
        price=number(row["price"]),
        fee=number(row["commission"]),
        fee_currency=str(row["commissionAsset"]),
        realized_pnl=number(row["realizedPnl"]),
        at=exact_moment(row["time"]),
    )


def funding_report(row: Row, symbol: str) -> FundingReport:
    """A row of income. The venue's tranId is unique per kind of income."""
    return FundingReport(
        symbol=symbol,
        payment_id=str(row["tranId"]),
        amount=number(row["income"]),
        currency=str(row["asset"]),
        at=exact_moment(row["time"]),
    )


def trade_moment(row: Row, symbol: str) -> tuple[str, datetime]:
    """Of a row of income that an execution made."""
    return symbol, exact_moment(row["time"])


def position_report(row: Row, symbol: str) -> PositionReport | None:
    """None for a flat row. The side is read from positionSide, or from the sign in one-way mode."""
    amount = number(row["positionAmt"])
    if amount == 0:
        return None
    by_sign = PositionSide.LONG if amount > 0 else PositionSide.SHORT
    return PositionReport(
        symbol=symbol,
        position_side=position_side_or_none(row.get("positionSide")) or by_sign,
        quantity=abs(amount),
        entry_price=number(row["entryPrice"]),
        mark_price=number_or_none(row.get("markPrice")),
        unrealized_pnl=None if row.get("unRealizedProfit") in (None, "") else number(row["unRealizedProfit"]),
        liquidation_price=number_or_none(row.get("liquidationPrice")),
        leverage=_leverage(row),
    )


def _leverage(row: Row) -> int | None:
    """The listing tells the margin at today's price, which is the notional over the leverage."""
    margin, notional = (number_or_none(row.get(name)) for name in ("positionInitialMargin", "notional"))
    return max(round(abs(notional) / margin), 1) if margin and notional else None


def balance_report(account: Row) -> BalanceReport:
    """Zero when the account holds no row in the quote currency."""
    rows = [row for row in account["assets"] if row["asset"] == QUOTE_CURRENCY]
    if not rows:
        return BalanceReport(Decimal(0), Decimal(0), Decimal(0))
    row = rows[0]
    return BalanceReport(
        wallet_balance=number(row["walletBalance"]),
        equity=number(row["marginBalance"]),
        available_balance=number(row["availableBalance"]),
    )


def candle(row: Sequence[Any]) -> Candle:
    at, *figures = row[:6]
    return Candle(exact_moment(at), *map(number, figures))


# field of the price and of its time, in the answer that tells it
_PRICE_FIELDS: Mapping[PriceKind, tuple[str, str]] = {
    PriceKind.MARK: ("markPrice", "time"),
    PriceKind.LAST: ("lastPrice", "closeTime"),
    PriceKind.BID: ("bidPrice", "time"),
    PriceKind.ASK: ("askPrice", "time"),
}


def price_tick(row: Row, symbol: str, kind: PriceKind) -> PriceTick:
    price, at = _PRICE_FIELDS[kind]
    return PriceTick(symbol, number(row[price]), exact_moment(row[at]), kind)


def instrument(row: Row, symbol: str) -> InstrumentSpec:
    """The tighter of the limits for limit and for market orders, so that both are always allowed."""
    filters = {entry["filterType"]: entry for entry in row["filters"]}
    lots = [filters[name] for name in ("LOT_SIZE", "MARKET_LOT_SIZE") if name in filters]
    maxima = [number(lot["maxQty"]) for lot in lots if number(lot["maxQty"]) > 0]
    steps = [number(lot["stepSize"]) for lot in lots if number(lot["stepSize"]) > 0]
    return InstrumentSpec(
        symbol=symbol,
        exchange_symbol=str(row["symbol"]),
        price_increment=number(filters["PRICE_FILTER"]["tickSize"]),
        size_increment=max(steps),
        min_quantity=max(number(lot["minQty"]) for lot in lots),
        max_quantity=min(maxima) if maxima else None,
        min_notional=number(filters.get("MIN_NOTIONAL", {}).get("notional", "0")),
        active=row.get("status") == "TRADING",
    )


def key_permissions(row: Row, owner: str) -> KeyPermissions:
    return KeyPermissions(
        can_trade=row["enableFutures"] is True,
        can_withdraw=row["enableWithdrawals"] is not False,
        is_bound_to_addresses=row["ipRestrict"] is True,
        owner=owner,
    )
