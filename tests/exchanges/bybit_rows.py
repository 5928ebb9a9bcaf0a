"""Rows as Bybit tells them, each with what a story changes."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def listed(*rows: Any, cursor: str = "", **result: Any) -> Row:
    told = {"category": "linear", "list": list(rows), "nextPageCursor": cursor, **result}
    return {"retCode": 0, "retMsg": "OK", "result": told, "retExtInfo": {}, "time": 1_700_000_000_000}


def refusal(code: int, sentence: str) -> Row:
    return {"retCode": code, "retMsg": sentence, "result": {}, "retExtInfo": {}, "time": 1_700_000_000_000}


def acknowledged(name: str = "tb-1-entry-1", number: str = "a-1") -> Row:
    return {"retCode": 0, "retMsg": "OK", "result": {"orderId": number, "orderLinkId": name}, "time": 1}


def an_order(**fields: Any) -> Row:
    return {
        "category": "linear", "symbol": "BTCUSDT", "orderId": "a-1", "orderLinkId": "tb-1-entry-1", "side": "Buy",
        "positionIdx": 1, "orderType": "Limit", "orderStatus": "New", "price": "60000", "qty": "0.010",
        "cumExecQty": "0", "avgPrice": "", "rejectReason": "EC_NoError", "cancelType": "UNKNOWN",
        "stopOrderType": "", "triggerPrice": "", "reduceOnly": False, "createdTime": "1700000000000",
        "updatedTime": "1700000000500",
    } | fields  # fmt: skip


def a_stop(**fields: Any) -> Row:
    """It stands; once it fired it is the same order with the same number."""
    waiting = {
        "orderLinkId": "tb-1-protect-1", "side": "Sell", "orderType": "Market", "orderStatus": "Untriggered",
        "price": "0", "stopOrderType": "Stop", "triggerPrice": "59000", "triggerBy": "MarkPrice",
        "triggerDirection": 2, "reduceOnly": True,
    }  # fmt: skip
    return an_order(**waiting | fields)


def an_execution(**fields: Any) -> Row:
    return {
        "category": "linear", "symbol": "BTCUSDT", "orderId": "a-1", "orderLinkId": "tb-1-entry-1", "side": "Buy",
        "execId": "e-1", "execPrice": "60000.10", "execQty": "0.010", "execType": "Trade", "execFee": "0.33000055",
        "feeCurrency": "USDT", "closedSize": "0", "execPnl": "0", "execTime": "1700000000400", "leavesQty": "0",
    } | fields  # fmt: skip


def a_position(**fields: Any) -> Row:
    return {
        "symbol": "BTCUSDT", "positionIdx": 1, "side": "Buy", "size": "0.010", "avgPrice": "60000.1",
        "markPrice": "60100", "unrealisedPnl": "0.999", "liqPrice": "", "leverage": "5", "takeProfit": "",
        "stopLoss": "", "trailingStop": "0", "positionStatus": "Normal",
    } | fields  # fmt: skip
