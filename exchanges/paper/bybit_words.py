"""The engine's values in Bybit's words: fields of the documented answers and topics."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from exchanges.paper.book import (
    ZERO,
    AlgoOrder,
    PaperOrder,
    Rules,
    VenueRefusal,
)
from exchanges.paper.candles import Candle
from exchanges.paper.figures import decimals, text
from exchanges.paper.interventions import DELEVERAGING, LIQUIDATION
from exchanges.paper.one_book import Seen

Json = dict[str, Any]
INDEX = {"BOTH": 0, "LONG": 1, "SHORT": 2}
LEGS = {str(index): leg for leg, index in INDEX.items()}
SIDES = {"BUY": "Buy", "SELL": "Sell"}
FORCES = {"GTC": "GTC", "IOC": "IOC", "FOK": "FOK", "GTX": "PostOnly"}
TRIGGERS = {"CONTRACT_PRICE": "LastPrice", "MARK_PRICE": "MarkPrice"}
_PLAIN_STATUS = {
    "NEW": "New", "PARTIALLY_FILLED": "PartiallyFilled", "FILLED": "Filled", "CANCELED": "Cancelled",
    "EXPIRED": "Cancelled",
}  # fmt: skip
_ALGO_STATUS = {
    "NEW": "Untriggered", "TRIGGERING": "Triggered", "TRIGGERED": "Triggered", "FINISHED": "Triggered",
    "CANCELED": "Deactivated", "EXPIRED": "Deactivated", "REJECTED": "Rejected",
}  # fmt: skip
_EXITS = {
    "STOP_MARKET": "StopLoss",
    "TAKE_PROFIT_MARKET": "TakeProfit",
    "TRAILING_STOP_MARKET": "TrailingStop",
}
_UNSAID = {"CANCELED": "EC_PerCancelRequest", "EXPIRED": "EC_NoImmediateQtyToFill"}
_REASONS = {
    "-5022": "EC_PostOnlyWillTakeLiquidity",
    "-5021": "EC_NoImmediateQtyToFill",
    "-2022": "EC_ReduceOnly",
}


def order_id(number: int) -> str:
    return str(UUID(int=number))


def number_of(order_id: str) -> int:
    try:
        return UUID(order_id).int
    except ValueError:
        raise VenueRefusal(-2013, "Order does not exist.") from None


def contract(rules: Rules) -> Json:
    tick, step = text(rules.price_increment), text(rules.size_increment)
    return {
        "symbol": rules.symbol, "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": rules.base,
        "quoteCoin": rules.quote, "settleCoin": rules.quote, "launchTime": "1585526400000", "deliveryTime": "0",
        "deliveryFeeRate": "", "priceScale": str(decimals(rules.price_increment)), "unifiedMarginTrade": True,
        "leverageFilter": {"minLeverage": "1", "maxLeverage": f"{rules.max_leverage}.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": tick, "maxPrice": "10000000", "tickSize": tick},
        "lotSizeFilter": {
            "minOrderQty": text(rules.min_quantity), "maxOrderQty": text(rules.max_quantity), "qtyStep": step,
            "maxMktOrderQty": text(rules.max_quantity), "postOnlyMaxOrderQty": text(rules.max_quantity),
            "minNotionalValue": text(rules.min_notional),
        },
        "fundingInterval": 480, "copyTrading": "both", "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375", "isPreListing": False,
    }  # fmt: skip


# orders


def order(seen: Seen) -> Json:
    return _terms(seen) | _condition(seen.algo) | _progress(seen.plain)


def _terms(seen: Seen) -> Json:
    row: PaperOrder | AlgoOrder = seen.plain or _there(seen.algo)
    limit = row.price
    quantity = row.quantity
    is_limit = row.type == "LIMIT" or (seen.plain is None and limit is not None)
    return {
        "orderId": order_id(seen.number), "orderLinkId": told_id(seen.client_order_id), "blockTradeId": "",
        "category": "linear", "symbol": row.symbol, "price": text(limit), "qty": text(quantity),
        "side": SIDES[row.side], "isLeverage": "", "positionIdx": INDEX[row.position_side],
        "orderStatus": _status(seen), "createType": create_type(seen), "cancelType": _cancel_type(seen),
        "rejectReason": _reason(seen), "leavesQty": text(quantity), "leavesValue": "0",
        "cumExecQty": "0", "cumExecValue": "0", "cumExecFee": "0", "avgPrice": "",
        "timeInForce": FORCES.get(getattr(row, "time_in_force", "GTC"), "GTC"),
        "orderType": "Limit" if is_limit else "Market", "orderIv": "", "reduceOnly": row.reduce_only,
        "closeOnTrigger": False, "smpType": "None", "smpGroup": 0, "smpOrderId": "", "tpslMode": "Full",
        "tpLimitPrice": "", "slLimitPrice": "", "placeType": "", "takeProfit": "", "stopLoss": "",
        "tpTriggerBy": "", "slTriggerBy": "", "createdTime": str(seen.created_ms), "updatedTime": str(row.updated_ms),
    }  # fmt: skip


def _condition(algo: AlgoOrder | None) -> Json:
    if algo is None:
        return {
            "stopOrderType": "", "triggerPrice": "", "triggerDirection": 0, "triggerBy": "",
            "lastPriceOnCreated": "",
        }  # fmt: skip
    return {
        "stopOrderType": stop_type(algo), "triggerPrice": text(algo.trigger_price or None),
        "triggerDirection": 1 if algo.fires_upwards else 2, "triggerBy": TRIGGERS[algo.working_type],
        "lastPriceOnCreated": "", "closeOnTrigger": algo.close_position,
    }  # fmt: skip


def _progress(plain: PaperOrder | None) -> Json:
    if plain is None:
        return {}
    return {
        "leavesQty": text(plain.remaining if plain.is_open else None),
        "leavesValue": text(plain.remaining * (plain.price or ZERO) if plain.is_open else None),
        "cumExecQty": text(plain.executed), "cumExecValue": text(plain.cum_quote), "cumExecFee": text(plain.fee),
        "avgPrice": text(plain.average_price) if plain.executed else "",
        "takeProfit": text(plain.take_profit) if plain.take_profit else "",
        "stopLoss": text(plain.stop_loss) if plain.stop_loss else "",
    }  # fmt: skip


def _there(algo: AlgoOrder | None) -> AlgoOrder:
    assert algo is not None  # noqa: S101  (an order is one of the two)
    return algo


def stop_type(algo: AlgoOrder | None) -> str:
    if algo is None:
        return ""
    return _EXITS[algo.type] if algo.close_position else "Stop"


def create_type(seen: Seen) -> str:
    if seen.algo is not None and seen.algo.close_position:
        return f"CreateBy{_EXITS[seen.algo.type]}"
    if seen.client_order_id.startswith(LIQUIDATION):
        return "CreateByLiq"
    return "CreateByAdl_PassThrough" if seen.client_order_id.startswith(DELEVERAGING) else "CreateByUser"


def told_id(client_order_id: str) -> str:
    """The exchange's own orders have none."""
    return "" if client_order_id.startswith((LIQUIDATION, DELEVERAGING)) else client_order_id


def _status(seen: Seen) -> str:
    return _PLAIN_STATUS[seen.plain.status] if seen.plain else _ALGO_STATUS[_there(seen.algo).status]


def _cancel_type(seen: Seen) -> str:
    row: PaperOrder | AlgoOrder = seen.plain or _there(seen.algo)
    if row.status not in ("CANCELED", "EXPIRED"):
        return "UNKNOWN"
    if row.reason == "CancelByReduceOnly":
        return row.reason
    if seen.plain is None and _there(seen.algo).close_position:
        return "CancelByTpSlTsClear"
    return "UNKNOWN" if row.reason else "CancelByUser"


def _reason(seen: Seen) -> str:
    row: PaperOrder | AlgoOrder = seen.plain or _there(seen.algo)
    if row.reason == "CancelByReduceOnly":
        return "EC_ReduceOnly"
    if not row.reason:
        return _UNSAID.get(row.status, "EC_NoError")
    return _REASONS.get(row.reason.partition(" ")[0], "EC_Others")


def kline(row: Candle, *, of_mark: bool) -> list[str]:
    prices = [str(row.open_ms), *(text(price) for price in (row.open, row.high, row.low, row.close))]
    return prices if of_mark else [*prices, text(row.volume), text(row.volume * row.close)]
