"""Orders of the Binance USDT-M dialect: the plain book, the book of conditional orders, and executions."""

from __future__ import annotations

from typing import Any

from exchanges.paper import binance_words as words
from exchanges.paper import checks, interventions
from exchanges.paper.book import AlgoOrder, PaperOrder, VenueRefusal
from exchanges.paper.call import Answer, Call
from exchanges.paper.matching import ALGO_TYPES
from exchanges.paper.params import (
    Params,
    flag,
    number,
    one_of,
    optional_number,
    optional_whole,
    page,
    required,
    whole,
    window,
)

ALL_CANCELED = {"code": 200, "msg": "The operation of cancel all open order is done."}
PLAIN_TYPES = ("MARKET", "LIMIT")
POSITION_SIDES = ("BOTH", "LONG", "SHORT")
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTX", "GTD")


# plain orders


def place_order(call: Call) -> Answer:
    wanted = _common(call) | _plain_terms(call)
    return words.order(
        call.venue.act(lambda engine: engine.place(call.account, now_ms=call.venue.now_ms(), **wanted)),
    )


def _common(call: Call) -> dict[str, Any]:
    params = call.params
    return {
        "symbol": call.symbol,
        "side": required(params, "side"),
        "type": required(params, "type"),
        "position_side": one_of({"positionSide": "BOTH", **params}, "positionSide", POSITION_SIDES),
        "reduce_only": flag(params, "reduceOnly"),
    }


def _plain_terms(call: Call) -> dict[str, Any]:
    params, kind = call.params, call.params["type"]
    checks.check_words(params["side"], kind, PLAIN_TYPES)
    return {
        "quantity": number(params, "quantity"),
        "price": number(params, "price") if kind == "LIMIT" else optional_number(params, "price"),
        "time_in_force": _time_in_force(call) if kind == "LIMIT" else None,
        "good_till_ms": whole(params, "goodTillDate") if params.get("timeInForce") == "GTD" else 0,
        "client_order_id": params.get("newClientOrderId"),
    }


def _time_in_force(call: Call) -> str:
    force = required(call.params, "timeInForce")
    if force not in TIMES_IN_FORCE:
        raise VenueRefusal(-1115, "Invalid timeInForce.")
    return force


def _order_ids(call: Call) -> dict[str, Any]:
    ids = {
        "order_id": optional_whole(call.params, "orderId"),
        "client_order_id": call.params.get("origClientOrderId"),
    }
    if not any(ids.values()):
        raise VenueRefusal(-1102, "Either orderId or origClientOrderId must be sent.")
    return ids


def get_order(call: Call) -> Answer:
    return words.order(call.venue.engine.find(call.account, call.symbol, **_order_ids(call)))


def get_open_order(call: Call) -> Answer:
    found = call.venue.engine.find(call.account, call.symbol, **_order_ids(call))
    if not found.is_open:
        raise VenueRefusal(-2013, "Order does not exist.")
    return words.order(found)


def amend_order(call: Call) -> Answer:
    wanted = {"symbol": call.symbol, "side": required(call.params, "side"), **_order_ids(call)}
    wanted |= {name: number(call.params, name) for name in ("quantity", "price")}
    return words.order(
        call.venue.act(lambda engine: engine.amend(call.account, now_ms=call.venue.now_ms(), **wanted)),
    )


def cancel_order(call: Call) -> Answer:
    symbol, ids = call.symbol, _order_ids(call)
    return words.order(
        call.venue.act(lambda engine: engine.cancel(call.account, symbol, **ids, now_ms=call.venue.now_ms()))
    )


def cancel_all_orders(call: Call) -> Answer:
    symbol = call.symbol
    call.venue.act(lambda engine: engine.cancel_all(call.account, symbol, call.venue.now_ms()))
    return ALL_CANCELED


def open_orders(call: Call) -> Answer:
    return [words.order(row) for row in call.venue.engine.open_orders(call.account, call.optional_symbol)]


def all_orders(call: Call) -> Answer:
    """orderId asks for that one and the later ones."""
    first = optional_whole(call.params, "orderId") or 0
    rows = call.venue.engine.all_orders(call.account, call.symbol)
    is_wanted = window(call.params)
    wanted = [row for row in rows if row.order_id >= first and is_wanted(row.created_ms)]
    return [words.order(row) for row in page(wanted, call.params)]


def user_trades(call: Call) -> Answer:
    first, order_id = optional_whole(call.params, "fromId"), optional_whole(call.params, "orderId")
    if first is not None and (call.params.get("startTime") or call.params.get("endTime")):
        raise VenueRefusal(-1128, "Combination of optional parameters invalid.")
    rows = call.venue.engine.trades(call.account, call.symbol, None, first, 1_000_000, order_id)
    is_wanted = window(call.params)
    wanted = [row for row in rows if is_wanted(row.time_ms)]
    return [words.trade(row) for row in page(wanted, call.params)]


def forced_orders(call: Call) -> Answer:
    """Liquidations and deleveragings."""
    kinds = tuple(interventions.FORCED)
    kind = one_of(call.params, "autoCloseType", kinds) if call.params.get("autoCloseType") else None
    rows = call.venue.engine.forced_orders(call.account, kind)
    is_wanted, symbol = window(call.params), call.optional_symbol
    wanted = [row for row in rows if symbol in (None, row.symbol) and is_wanted(row.created_ms)]
    return [words.order(row) for row in page(wanted, call.params, 50, 100)]


# conditional orders


def place_algo(call: Call) -> Answer:
    one_of(call.params, "algoType", ("CONDITIONAL",))
    wanted = _common(call) | _algo_terms(call)
    algo = call.venue.act(
        lambda engine: engine.place_algo(call.account, now_ms=call.venue.now_ms(), **wanted)
    )
    return _algo(call, algo)


def _algo_terms(call: Call) -> dict[str, Any]:
    params = call.params
    if params["type"] not in ALGO_TYPES:  # the venue has more; this one does not work them
        raise VenueRefusal(-1116, "Invalid orderType.")
    return {
        **_condition(params),
        "quantity": optional_number(params, "quantity"),
        "working_type": params.get("workingType", "CONTRACT_PRICE"),
        "close_position": flag(params, "closePosition"),
        "client_algo_id": params.get("clientAlgoId"),
    }


def _condition(params: Params) -> dict[str, Any]:
    if params["type"] == "TRAILING_STOP_MARKET":
        activation = optional_number(params, "activatePrice")
        return {"callback_rate": number(params, "callbackRate"), "activate_price": activation}
    return {"trigger_price": number(params, "triggerPrice")}


def _algo(call: Call, algo: AlgoOrder) -> Answer:
    return words.algo_order(algo, child_of(call, algo))


def child_of(call: Call, algo: AlgoOrder) -> PaperOrder | None:
    return call.venue.engine.account(call.account).orders.get(algo.actual_order_id or 0)


def _algo_ids(call: Call) -> dict[str, Any]:
    ids = {
        "algo_id": optional_whole(call.params, "algoId"),
        "client_algo_id": call.params.get("clientAlgoId"),
    }
    if not any(ids.values()):
        raise VenueRefusal(-1102, "Either algoId or clientAlgoId must be sent.")
    return ids


def get_algo(call: Call) -> Answer:
    return _algo(call, call.venue.engine.find_algo(call.account, **_algo_ids(call)))


def cancel_algo(call: Call) -> Answer:
    ids = _algo_ids(call)
    gone = call.venue.act(lambda engine: engine.cancel_algo(call.account, **ids, now_ms=call.venue.now_ms()))
    return {"algoId": gone.algo_id, "clientAlgoId": gone.client_algo_id, "code": "200", "msg": "success"}


def cancel_all_algo(call: Call) -> Answer:
    symbol = call.symbol
    call.venue.act(lambda engine: engine.cancel_all_algo(call.account, symbol, call.venue.now_ms()))
    return ALL_CANCELED


def open_algos(call: Call) -> Answer:
    return [_algo(call, row) for row in call.venue.engine.open_algos(call.account, call.optional_symbol)]


def all_algos(call: Call) -> Answer:
    first = optional_whole(call.params, "algoId") or 0
    rows = call.venue.engine.all_algos(call.account, call.symbol)
    is_wanted = window(call.params)
    wanted = [row for row in rows if row.algo_id >= first and is_wanted(row.created_ms)]
    return [_algo(call, row) for row in page(wanted, call.params)]
