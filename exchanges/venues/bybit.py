"""Bybit v5 linear contracts: our requests in its words."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from exchanges.errors import InvalidRequest
from exchanges.types import (
    Book,
    NativeExits,
    OrderRequest,
    OrderType,
    PriceKind,
    Side,
    TimeInForce,
)
from exchanges.venues.words import OrderWords, plain, price_of, trigger_of

QUOTE_CURRENCY = "USDT"
CATEGORY = "linear"
_TRIGGER_BY = {PriceKind.MARK: "MarkPrice", PriceKind.LAST: "LastPrice"}
_FORCES = {
    TimeInForce.GTC: "GTC",
    TimeInForce.GTD: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.GTX: "PostOnly",
}
_ORDER_LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")


def order_words(request: OrderRequest) -> OrderWords:
    if not _ORDER_LINK_ID.fullmatch(request.client_order_id):
        raise InvalidRequest(f"The client order id {request.client_order_id!r} is not one Bybit accepts.")
    native = request.native or NativeExits()
    if native.callback_rate is not None:
        raise InvalidRequest("Bybit trails by an amount of quote currency, not by a rate.")
    kind = "limit" if request.order_type is OrderType.LIMIT else "market"
    wishes = _wishes(request, native) if native.callback_amount is None else _trailing(native)
    params = {"positionIdx": request.position_idx} | wishes
    amount = plain(request.quantity)
    return OrderWords(request.symbol, kind, request.side.value, amount, price_of(request), params)


def book_of(request: OrderRequest) -> Book:
    return Book.ALGO if request.order_type.is_conditional else Book.PLAIN


def amend_words(request: OrderRequest, market_id: str) -> dict[str, str]:
    """Fields of /v5/order/amend. Without a quantity it stays whole."""
    return named(request.client_order_id, market_id) | {"price": price_of(request) or ""}


def named(client_order_id: str, market_id: str) -> dict[str, str]:
    return {"category": CATEGORY, "symbol": market_id, "orderLinkId": client_order_id}


def numbered(exchange_order_id: str, market_id: str) -> dict[str, str]:
    return {"category": CATEGORY, "symbol": market_id, "orderId": exchange_order_id}


def leverage_words(market_id: str, leverage: int) -> dict[str, str]:
    both = {"buyLeverage": str(leverage), "sellLeverage": str(leverage)}
    return {"category": CATEGORY, "symbol": market_id, **both}


def _trigger_by(request: OrderRequest) -> str:
    if request.trigger_by not in _TRIGGER_BY:
        raise InvalidRequest(f"Bybit triggers no order by the {request.trigger_by} price.")
    return _TRIGGER_BY[request.trigger_by]


def _trailing(native: NativeExits) -> dict[str, Any]:
    """Goes to the position's trading-stop, which knows no order ids."""
    params = {"trailingAmount": plain(native.callback_amount or Decimal(0))}
    if native.activation_price is not None:
        params["trailingTriggerPrice"] = plain(native.activation_price)
    return params


def _wishes(request: OrderRequest, native: NativeExits) -> dict[str, Any]:
    params: dict[str, Any] = {"clientOrderId": request.client_order_id} | _endurance(request)
    if request.reduce_only:
        params["reduceOnly"] = True
    if request.order_type is OrderType.TRAILING_STOP_MARKET:
        raise InvalidRequest("A trailing stop on Bybit needs an amount to trail by.")
    if request.order_type.is_conditional:
        params |= _condition(request)
    if native.stop_price is not None:
        params["stopLoss"] = {"triggerPrice": plain(native.stop_price)}
    if native.take_profit_price is not None:
        params["takeProfit"] = {"triggerPrice": plain(native.take_profit_price)}
    return params


def _condition(request: OrderRequest) -> dict[str, Any]:
    """ccxt makes whatever it calls a stop loss or a take-profit reduce-only."""
    stops = request.order_type is OrderType.STOP_MARKET
    by = {"triggerBy": _trigger_by(request)}
    if request.reduce_only:
        return {"stopLossPrice" if stops else "takeProfitPrice": trigger_of(request), **by}
    rises = stops is (request.side is Side.BUY)
    return {
        "triggerPrice": trigger_of(request), "triggerDirection": "ascending" if rises else "descending", **by,
    }  # fmt: skip


def _endurance(request: OrderRequest) -> dict[str, Any]:
    """No order ends at a date of its own here: one that should is taken back by us."""
    if request.time_in_force is None:
        return {}
    if request.order_type is not OrderType.LIMIT:
        raise InvalidRequest("Only a limit order has a time in force.")
    return {"timeInForce": _FORCES[request.time_in_force]}
