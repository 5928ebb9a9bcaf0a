"""Orders of Bybit's linear contracts: one book, in which conditional ones keep their number."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from exchanges.paper import bybit_words as words
from exchanges.paper import one_book
from exchanges.paper.book import VenueRefusal
from exchanges.paper.bybit_account import trigger_by
from exchanges.paper.bybit_paging import page, time_window
from exchanges.paper.call import Answer, Call
from exchanges.paper.matching import Engine
from exchanges.paper.one_book import Seen
from exchanges.paper.params import flag, number, one_of, optional_number, required

SIDES = {"Buy": "BUY", "Sell": "SELL"}
TYPES = {"Market": "MARKET", "Limit": "LIMIT"}
FORCES = {"GTC": "GTC", "IOC": "IOC", "FOK": "FOK", "PostOnly": "GTX"}
RISES = {"1": True, "2": False}


def create(call: Call) -> Answer:
    one_of(call.params, "category", ("linear",))
    if optional_number(call.params, "triggerPrice"):
        return _create_conditional(call)
    wanted = _common(call) | _plain_terms(call)
    order = call.venue.act(lambda engine: engine.place(call.account, now_ms=call.venue.now_ms(), **wanted))
    return _ids(order.order_id, order.client_order_id)


def _common(call: Call) -> dict[str, Any]:
    params = {"positionIdx": "0", **call.params}
    return {
        "symbol": call.symbol,
        "side": SIDES[one_of(params, "side", tuple(SIDES))],
        "quantity": number(params, "qty"),
        "position_side": words.LEGS[one_of(params, "positionIdx", tuple(words.LEGS))],
        "reduce_only": flag(params, "reduceOnly"),
    }


def _plain_terms(call: Call) -> dict[str, Any]:
    params, kind = call.params, TYPES[one_of(call.params, "orderType", tuple(TYPES))]
    force = FORCES[one_of({"timeInForce": "GTC", **params}, "timeInForce", tuple(FORCES))]
    exits = optional_number(params, "stopLoss") or None, optional_number(params, "takeProfit") or None
    return {
        "type": kind,
        "price": number(params, "price") if kind == "LIMIT" else None,
        "time_in_force": force if kind == "LIMIT" else "GTC",
        "client_order_id": params.get("orderLinkId"),
        "exits": exits,
    }


def _create_conditional(call: Call) -> Answer:
    """Which way the price must go is said; by it and the side the engine knows a stop from a take-profit."""
    params, common = call.params, _common(call)
    kind = TYPES[one_of(params, "orderType", tuple(TYPES))]
    rises = RISES[one_of(params, "triggerDirection", tuple(RISES))]
    stops = rises == (common["side"] == "BUY")
    wanted = common | {
        "type": "STOP_MARKET" if stops else "TAKE_PROFIT_MARKET",
        "price": number(params, "price") if kind == "LIMIT" else None,
        "trigger_price": number(params, "triggerPrice"),
        "working_type": trigger_by(call, "triggerBy"),
        "client_algo_id": params.get("orderLinkId"),
    }
    algo = call.venue.act(
        lambda engine: engine.place_algo(call.account, now_ms=call.venue.now_ms(), **wanted)
    )
    return _ids(algo.algo_id, algo.client_algo_id)


def _ids(order_number: int, client_order_id: str) -> Answer:
    return {"orderId": words.order_id(order_number), "orderLinkId": words.told_id(client_order_id)}


def _named(call: Call) -> tuple[int | None, str | None]:
    order_id, client_id = call.params.get("orderId"), call.params.get("orderLinkId")
    if not order_id and not client_id:
        raise VenueRefusal(10001, "params error: orderId or orderLinkId is required")
    return (words.number_of(order_id) if order_id else None), client_id


def _wanted(call: Call) -> Seen:
    state = call.venue.engine.account(call.account)
    return one_book.find_open(state, call.symbol, *_named(call))


def cancel(call: Call) -> Answer:
    found = _wanted(call)
    call.venue.act(lambda engine: one_book.cancel(engine, call.account, found, call.venue.now_ms()))
    return _ids(found.number, found.client_order_id)


def cancel_all(call: Call) -> Answer:
    one_of(call.params, "category", ("linear",))
    if not call.params.get("symbol") and not call.params.get("settleCoin"):
        raise VenueRefusal(10001, "params error: symbol or settleCoin is required")
    state = call.venue.engine.account(call.account)
    symbol, filtered = call.optional_symbol, _by_filter(call)
    gone = [
        one
        for one in one_book.all_seen(state)
        if one.is_open and symbol in (None, one.symbol) and filtered(one)
    ]
    call.venue.act(lambda engine: _cancel_each(engine, call, gone))
    return {"list": [_ids(one.number, one.client_order_id) for one in gone], "success": "1"}


def _cancel_each(engine: Engine, call: Call, gone: list[Seen]) -> None:
    for one in gone:
        one_book.cancel(engine, call.account, one, call.venue.now_ms())


def amend(call: Call) -> Answer:
    found = _wanted(call)
    if found.plain is None:
        _amend_conditional(call, found)
    else:
        _amend_plain(call, found)
    return _ids(found.number, found.client_order_id)


def _amend_plain(call: Call, found: Seen) -> None:
    plain = found.plain
    assert plain is not None  # noqa: S101  (the caller has seen to it)
    quantity = optional_number(call.params, "qty") or plain.quantity
    price = optional_number(call.params, "price") or plain.price or Decimal(0)
    call.venue.act(
        lambda engine: engine.amend(
            call.account, plain.symbol, plain.order_id, side=plain.side, quantity=quantity, price=price,
            now_ms=call.venue.now_ms(),
        )
    )  # fmt: skip


def _amend_conditional(call: Call, found: Seen) -> None:
    algo = found.algo
    assert algo is not None  # noqa: S101
    trigger = optional_number(call.params, "triggerPrice") or algo.trigger_price
    quantity = optional_number(call.params, "qty") or algo.quantity
    call.venue.act(
        lambda engine: engine.amend_algo(call.account, algo.algo_id, trigger, quantity, call.venue.now_ms())
    )


# listings


def realtime(call: Call) -> Answer:
    """Open ones; named by an id, also one that has ended not long ago."""
    named = call.params.get("orderId") or call.params.get("orderLinkId")
    is_meant = _meant(call)
    closed_too = bool(named) or call.params.get("openOnly") == "1"
    rows = [one for one in _all(call) if is_meant(one) and (one.is_open or closed_too)]
    return page(call, rows, _key, words.order, 20, 50)


def history(call: Call) -> Answer:
    is_meant, is_wanted = _meant(call), time_window(call)
    rows = [one for one in _all(call) if is_meant(one) and not one.is_open and is_wanted(one.created_ms)]
    return page(call, rows, _key, words.order, 20, 50)


def _all(call: Call) -> list[Seen]:
    required(call.params, "category")
    return one_book.all_seen(call.venue.engine.account(call.account))


def _key(one: Seen) -> str:
    return words.order_id(one.number)


def _meant(call: Call) -> Any:
    symbol, filtered = call.optional_symbol, _by_filter(call)
    order_id, client_id = call.params.get("orderId"), call.params.get("orderLinkId")

    def is_meant(one: Seen) -> bool:
        named = order_id in (None, "", _key(one)) and client_id in (
            None,
            "",
            words.told_id(one.client_order_id),
        )
        return named and symbol in (None, one.symbol) and filtered(one)

    return is_meant


def _by_filter(call: Call) -> Any:
    wanted = call.params.get("orderFilter")
    if not wanted:
        return lambda one: True
    one_of(call.params, "orderFilter", ("Order", "StopOrder", "tpslOrder"))
    return lambda one: (one.plain is None) == (wanted != "Order")
