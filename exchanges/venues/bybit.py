"""Bybit v5 linear contracts: the words of an order request. Nothing else of Bybit is spoken yet."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from exchanges.errors import InvalidRequest
from exchanges.types import NativeExits, OrderRequest, OrderType, PositionMode, PositionSide, PriceKind
from exchanges.venues.words import OrderWords, plain, price_of, trigger_of

_POSITION_INDEX = {PositionSide.LONG: 1, PositionSide.SHORT: 2}  # by the position's side, not the order's
_TRIGGER_BY = {PriceKind.MARK: "MarkPrice", PriceKind.LAST: "LastPrice"}


def order_words(request: OrderRequest, mode: PositionMode) -> OrderWords:
    native = request.native or NativeExits()
    if native.callback_rate is not None:
        raise InvalidRequest("Bybit trails by an amount of quote currency, not by a rate.")
    kind = "limit" if request.order_type is OrderType.LIMIT else "market"
    wishes = _wishes(request, native) if native.callback_amount is None else _trailing(native)
    params = _position(request, mode) | wishes
    amount = plain(request.quantity)
    return OrderWords(request.symbol, kind, request.side.value, amount, price_of(request), params)


def _position(request: OrderRequest, mode: PositionMode) -> dict[str, Any]:
    if mode is PositionMode.HEDGE:
        return {"positionIdx": _POSITION_INDEX[request.position_side]}
    return {}


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
    params: dict[str, Any] = {"clientOrderId": request.client_order_id}
    if request.reduce_only:
        params["reduceOnly"] = True
    if request.order_type.is_conditional:
        word = "stopLossPrice" if request.order_type is OrderType.STOP_MARKET else "takeProfitPrice"
        params |= {word: trigger_of(request), "triggerBy": _trigger_by(request)}
    if native.stop_price is not None:
        params["stopLoss"] = {"triggerPrice": plain(native.stop_price)}
    if native.take_profit_price is not None:
        params["takeProfit"] = {"triggerPrice": plain(native.take_profit_price)}
    return params
