"""The engine's values in Binance's words: fields of the documented answers and events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from exchanges.paper.book import (
    AccountEvent,
    AlgoEvent,
    AlgoOrder,
    OrderEvent,
    PaperIncome,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    Rules,
)
from exchanges.paper.candles import Candle, length_ms
from exchanges.paper.figures import decimals, text
from exchanges.paper.rate_limits import Limits

ORDER_TYPES = [
    "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET",
]  # fmt: skip
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Risk:
    """What surrounds a position. margin_type is only repeated: the engine works every position as cross."""

    leverage: int
    margin_type: str
    liquidation_price: Decimal
    maintenance_ratio: Decimal


def contract(rules: Rules) -> Json:
    lots = {
        "minQty": text(rules.min_quantity),
        "maxQty": text(rules.max_quantity),
        "stepSize": text(rules.size_increment),
    }
    tick = text(rules.price_increment)
    return {
        "symbol": rules.symbol, "pair": rules.symbol, "contractType": "PERPETUAL", "status": "TRADING",
        "deliveryDate": 4133404800000, "onboardDate": 1569398400000,
        "baseAsset": rules.base, "quoteAsset": rules.quote, "marginAsset": rules.quote,
        "pricePrecision": decimals(rules.price_increment), "quantityPrecision": decimals(rules.size_increment),
        "baseAssetPrecision": 8, "quotePrecision": 8, "underlyingType": "COIN",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "10000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", **lots},
            {"filterType": "MARKET_LOT_SIZE", **lots},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
            {"filterType": "MIN_NOTIONAL", "notional": text(rules.min_notional)},
        ],
        "orderTypes": ORDER_TYPES, "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }  # fmt: skip


def rate_limits(limits: Limits) -> list[Json]:
    rows = (
        ("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute),
        ("ORDERS", "MINUTE", 1, limits.orders_per_minute),
        ("ORDERS", "SECOND", 10, limits.orders_per_10s),
    )
    names = ("rateLimitType", "interval", "intervalNum", "limit")
    return [dict(zip(names, row, strict=True)) for row in rows]


def order(row: PaperOrder) -> Json:
    return {
        "orderId": row.order_id, "symbol": row.symbol, "status": row.status, "clientOrderId": row.client_order_id,
        "price": text(row.price), "avgPrice": text(row.average_price), "origQty": text(row.quantity),
        "executedQty": text(row.executed), "cumQty": text(row.executed), "cumQuote": text(row.cum_quote),
        "timeInForce": row.time_in_force, "type": row.type, "reduceOnly": row.reduce_only, "closePosition": False,
        "side": row.side, "positionSide": row.position_side, "stopPrice": "0", "workingType": "CONTRACT_PRICE",
        "priceProtect": False, "origType": row.orig_type, "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE", "goodTillDate": row.good_till_ms, "time": row.created_ms,
        "updateTime": row.updated_ms,
    }  # fmt: skip


def algo_order(row: AlgoOrder, child: PaperOrder | None) -> Json:
    """child is the real order it became."""
    return {
        "algoId": row.algo_id, "clientAlgoId": row.client_algo_id, "algoType": "CONDITIONAL",
        "orderType": row.type, "type": row.type,
        "symbol": row.symbol, "side": row.side, "positionSide": row.position_side,
        "timeInForce": "GTC", "quantity": text(row.quantity), "algoStatus": row.status,
        "triggerPrice": text(row.trigger_price), "price": "0", "workingType": row.working_type,
        "activatePrice": text(row.activate_price) if row.activate_price else None,
        "callbackRate": text(row.callback_rate) if row.callback_rate else None,
        "priceProtect": False, "reduceOnly": row.reduce_only, "closePosition": row.close_position,
        "actualOrderId": str(row.actual_order_id or ""),
        "actualPrice": text(child.average_price if child else None), "createTime": row.created_ms,
        "updateTime": row.updated_ms, "triggerTime": child.created_ms if child else 0, "goodTillDate": 0,
    }  # fmt: skip


def trade(row: PaperTrade) -> Json:
    return {
        "symbol": row.symbol, "id": row.trade_id, "orderId": row.order_id, "side": row.side,
        "price": text(row.price), "qty": text(row.quantity), "realizedPnl": text(row.realized_pnl),
        "quoteQty": text(row.quote), "commission": text(row.commission), "commissionAsset": row.commission_asset,
        "marginAsset": row.commission_asset, "time": row.time_ms, "positionSide": row.position_side,
        "buyer": row.side == "BUY", "maker": row.maker,
    }  # fmt: skip


def income(row: PaperIncome) -> Json:
    return {
        "symbol": row.symbol, "incomeType": row.type, "income": text(row.amount), "asset": row.asset,
        "info": row.type, "time": row.time_ms, "tranId": row.transaction_id, "tradeId": str(row.trade_id or ""),
    }  # fmt: skip


def position(row: PaperPosition, mark: Decimal, risk: Risk) -> Json:
    """notional is signed like the amount: clients take the side from it."""
    notional, profit = row.amount * mark, (mark - row.entry_price) * row.amount
    margin = abs(notional) / risk.leverage
    isolated = margin if risk.margin_type == "ISOLATED" else None
    return {
        "symbol": row.symbol, "positionSide": row.position_side, "positionAmt": text(row.amount),
        "entryPrice": text(row.entry_price), "breakEvenPrice": text(row.entry_price), "markPrice": text(mark),
        "unRealizedProfit": text(profit), "unrealizedProfit": text(profit),
        "liquidationPrice": text(risk.liquidation_price), "isolatedMargin": text(isolated),
        "notional": text(notional), "marginAsset": "USDT", "isolatedWallet": text(isolated),
        "initialMargin": text(margin), "maintMargin": text(abs(notional) * risk.maintenance_ratio),
        "positionInitialMargin": text(margin), "openOrderInitialMargin": "0", "adl": "1", "bidNotional": "0",
        "askNotional": "0", "updateTime": row.updated_ms,
    }  # fmt: skip


def order_update(event: OrderEvent, at: int) -> Json:
    row, done = event.order, event.trade
    return {
        "e": "ORDER_TRADE_UPDATE", "E": at, "T": row.updated_ms,
        "o": {
            "s": row.symbol, "c": row.client_order_id, "S": row.side, "o": row.type, "f": row.time_in_force,
            "q": text(row.quantity), "p": text(row.price), "ap": text(row.average_price), "sp": "0",
            "x": event.execution, "X": row.status, "i": row.order_id, "l": text(done.quantity if done else None),
            "z": text(row.executed), "L": text(done.price if done else None), "N": "USDT",
            "n": text(done.commission if done else None), "T": row.updated_ms, "t": done.trade_id if done else 0,
            "b": "0", "a": "0", "m": done.maker if done else False, "R": row.reduce_only, "wt": "CONTRACT_PRICE",
            "ot": row.orig_type, "ps": row.position_side, "cp": False, "AP": "0", "cr": "0", "pP": False,
            "si": row.algo_id or 0, "ss": 0, "rp": text(done.realized_pnl if done else None), "V": "NONE",
        },
    }  # fmt: skip


def kline(row: Candle, interval: str) -> list[Any]:
    quote = text(row.volume * row.close)
    figures = [text(value) for value in (row.open, row.high, row.low, row.close, row.volume)]
    return [row.open_ms, *figures, row.open_ms + length_ms(interval) - 1, quote, 10, "0", "0", "0"]


def algo_update(event: AlgoEvent, at: int, child: PaperOrder | None) -> Json:
    """What the real order got is told when the algo order is finished."""
    row, done = event.algo, child if event.algo.status == "FINISHED" else None
    return {
        "e": "ALGO_UPDATE", "E": at, "T": row.updated_ms,
        "o": {
            "caid": row.client_algo_id, "aid": row.algo_id, "at": "CONDITIONAL", "o": row.type, "s": row.symbol,
            "S": row.side, "ps": row.position_side, "f": "GTC", "q": text(row.quantity), "X": row.status,
            "ai": str(row.actual_order_id or ""), "ap": text(done.average_price if done else None),
            "aq": text(done.executed if done else None), "act": "0", "tp": text(row.trigger_price),
            "p": "0", "V": "NONE", "wt": row.working_type, "pm": "NONE", "cp": row.close_position, "pP": False,
            "R": row.reduce_only, "tt": 0, "gtd": 0, "rm": row.reason,
        },
    }  # fmt: skip


def account_update(event: AccountEvent, at: int, prices: Mapping[str, Decimal]) -> Json:
    wallet, change = text(event.wallet_balance), text(event.income.amount if event.income else None)
    return {
        "e": "ACCOUNT_UPDATE", "E": at, "T": at,
        "a": {
            "m": event.reason,
            "B": [{"a": "USDT", "wb": wallet, "cw": wallet, "bc": change}],
            "P": [_changed_position(row, prices[row.symbol]) for row in event.positions],
        },
    }  # fmt: skip


def _changed_position(row: PaperPosition, mark: Decimal) -> Json:
    return {
        "s": row.symbol, "pa": text(row.amount), "ep": text(row.entry_price), "bep": "0", "cr": "0",
        "up": text((mark - row.entry_price) * row.amount), "mt": "cross", "iw": "0", "ps": row.position_side,
    }  # fmt: skip
