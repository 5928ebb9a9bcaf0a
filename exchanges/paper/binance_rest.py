"""Signed requests of the Binance USDT-M dialect, and the table of all; fields as the exchange documents them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from exchanges.paper import binance_public as public
from exchanges.paper import binance_words as words
from exchanges.paper.binance_params import (
    flag,
    number,
    optional_number,
    optional_whole,
    required,
    whole,
)
from exchanges.paper.binance_public import Answer, Call
from exchanges.paper.book import VenueRefusal
from exchanges.paper.margin import leverage_of, liquidation_price
from exchanges.paper.signing import listen_key
from exchanges.paper.venue import PaperVenue, now_ms

OK = {"code": 200, "msg": "success"}


# account


def get_mode(call: Call) -> Answer:
    return {"dualSidePosition": call.venue.engine.account(call.account).dual_side}


def set_mode(call: Call) -> Answer:
    required(call.params, "dualSidePosition")
    wanted = flag(call.params, "dualSidePosition")
    call.venue.act(lambda engine: engine.set_dual_side(call.account, wanted), call.account)
    return OK


def set_leverage(call: Call) -> Answer:
    symbol, leverage = call.symbol, whole(call.params, "leverage")
    call.venue.act(lambda engine: engine.set_leverage(call.account, symbol, leverage), call.account)
    return {"symbol": symbol, "leverage": leverage, "maxNotionalValue": "1000000000"}


def set_margin_type(call: Call) -> Answer:
    symbol, margin_type = call.symbol, required(call.params, "marginType")
    call.venue.act(lambda engine: engine.set_margin_type(call.account, symbol, margin_type), call.account)
    return OK


def leverage_brackets(call: Call) -> Answer:
    rows = [_brackets(call.venue, symbol) for symbol in call.symbols]
    return rows[0] if call.is_single else rows


def _brackets(venue: PaperVenue, symbol: str) -> dict[str, Any]:
    rules = venue.engine.rules[symbol]
    only = {
        "bracket": 1, "initialLeverage": rules.max_leverage, "notionalCap": 1_000_000_000, "notionalFloor": 0,
        "maintMarginRatio": float(rules.maintenance_margin_ratio), "cum": 0.0,
    }  # fmt: skip
    return {"symbol": symbol, "brackets": [only]}


def symbol_config(call: Call) -> Answer:
    state = call.venue.engine.account(call.account)
    return [
        {
            "symbol": symbol, "marginType": state.margin_type.get(symbol, "CROSSED"), "isAutoAddMargin": False,
            "leverage": leverage_of(state, symbol), "maxNotionalValue": "1000000000",
        }
        for symbol in call.symbols
    ]  # fmt: skip


def commission_rate(call: Call) -> Answer:
    engine = call.venue.engine
    rates = {
        "makerCommissionRate": words.text(engine.maker_fee),
        "takerCommissionRate": words.text(engine.taker_fee),
    }
    return {"symbol": call.symbol, **rates}


def account(call: Call) -> Answer:
    balance = call.venue.engine.balance(call.account)
    figures = {
        "walletBalance": words.text(balance.wallet), "unrealizedProfit": words.text(balance.unrealized),
        "marginBalance": words.text(balance.equity), "maintMargin": words.text(balance.maintenance_margin),
        "initialMargin": words.text(balance.initial_margin), "crossWalletBalance": words.text(balance.wallet),
        "positionInitialMargin": words.text(balance.initial_margin), "openOrderInitialMargin": "0",
        "crossUnPnl": words.text(balance.unrealized), "availableBalance": words.text(balance.available),
        "maxWithdrawAmount": words.text(balance.available),
    }  # fmt: skip
    asset = {"asset": "USDT", **figures, "marginAvailable": True, "updateTime": now_ms()}
    totals = {
        "totalWalletBalance": figures["walletBalance"], "totalUnrealizedProfit": figures["unrealizedProfit"],
        "totalMarginBalance": figures["marginBalance"], "totalInitialMargin": figures["initialMargin"],
        "totalMaintMargin": figures["maintMargin"], "availableBalance": figures["availableBalance"],
        "maxWithdrawAmount": figures["maxWithdrawAmount"],
    }  # fmt: skip
    return {**totals, "assets": [asset], "positions": positions(call)}


def positions(call: Call) -> Answer:
    engine = call.venue.engine
    state = engine.account(call.account)
    wanted = set(call.symbols)
    return [
        words.position(
            held,
            engine.prices[held.symbol],
            liquidation_price(state, held, engine.prices, engine.rules),
            leverage_of(state, held.symbol),
            engine.rules[held.symbol].maintenance_margin_ratio,
        )
        for held in engine.positions(call.account)
        if held.symbol in wanted
    ]


# plain orders


def place_order(call: Call) -> Answer:
    symbol, params = call.symbol, call.params
    side, kind, quantity = required(params, "side"), required(params, "type"), number(params, "quantity")
    price, reduce_only = optional_number(params, "price"), flag(params, "reduceOnly")
    return words.order(
        call.venue.act(
            lambda engine: engine.place(
                call.account,
                symbol=symbol,
                side=side,
                type=kind,
                quantity=quantity,
                position_side=params.get("positionSide", "BOTH"),
                price=price,
                time_in_force=params.get("timeInForce"),
                reduce_only=reduce_only,
                client_order_id=params.get("newClientOrderId"),
                now_ms=now_ms(),
            )
        )
    )


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


def cancel_order(call: Call) -> Answer:
    symbol, ids = call.symbol, _order_ids(call)
    return words.order(
        call.venue.act(lambda engine: engine.cancel(call.account, symbol, **ids, now_ms=now_ms()))
    )


def cancel_all_orders(call: Call) -> Answer:
    symbol = call.symbol
    call.venue.act(lambda engine: engine.cancel_all(call.account, symbol, now_ms()))
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def open_orders(call: Call) -> Answer:
    return [
        words.order(row) for row in call.venue.engine.open_orders(call.account, call.params.get("symbol"))
    ]


def all_orders(call: Call) -> Answer:
    return [words.order(row) for row in call.venue.engine.all_orders(call.account, call.symbol)][-500:]


def user_trades(call: Call) -> Answer:
    start, first = optional_whole(call.params, "startTime"), optional_whole(call.params, "fromId")
    limit, order_id = optional_whole(call.params, "limit") or 500, optional_whole(call.params, "orderId")
    rows = call.venue.engine.trades(call.account, call.symbol, start, first, 1_000_000, order_id)
    return [words.trade(row) for row in (rows[:limit] if start or first else rows[-limit:])]


# conditional orders


def place_algo(call: Call) -> Answer:
    symbol, params = call.symbol, call.params
    side, kind, trigger = required(params, "side"), required(params, "type"), number(params, "triggerPrice")
    quantity, reduce_only = optional_number(params, "quantity"), flag(params, "reduceOnly")
    close_position = flag(params, "closePosition")
    return words.algo_order(
        call.venue.act(
            lambda engine: engine.place_algo(
                call.account,
                symbol=symbol,
                side=side,
                type=kind,
                trigger_price=trigger,
                quantity=quantity,
                position_side=params.get("positionSide", "BOTH"),
                working_type=params.get("workingType", "CONTRACT_PRICE"),
                reduce_only=reduce_only,
                close_position=close_position,
                client_algo_id=params.get("clientAlgoId"),
                now_ms=now_ms(),
            )
        )
    )


def _algo_ids(call: Call) -> dict[str, Any]:
    ids = {
        "algo_id": optional_whole(call.params, "algoId"),
        "client_algo_id": call.params.get("clientAlgoId"),
    }
    if not any(ids.values()):
        raise VenueRefusal(-1102, "Either algoId or clientAlgoId must be sent.")
    return ids


def get_algo(call: Call) -> Answer:
    return words.algo_order(call.venue.engine.find_algo(call.account, **_algo_ids(call)))


def cancel_algo(call: Call) -> Answer:
    ids = _algo_ids(call)
    gone = call.venue.act(lambda engine: engine.cancel_algo(call.account, **ids, now_ms=now_ms()))
    return {"algoId": gone.algo_id, "clientAlgoId": gone.client_algo_id, "code": "200", "msg": "success"}


def cancel_all_algo(call: Call) -> Answer:
    symbol = call.symbol
    call.venue.act(lambda engine: engine.cancel_all_algo(call.account, symbol, now_ms()))
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def open_algos(call: Call) -> Answer:
    return [
        words.algo_order(row) for row in call.venue.engine.open_algos(call.account, call.params.get("symbol"))
    ]


def all_algos(call: Call) -> Answer:
    return [words.algo_order(row) for row in call.venue.engine.all_algos(call.account, call.symbol)][-500:]


# private stream keys


def make_listen_key(call: Call) -> Answer:
    call.venue.expired_sessions.discard(call.account)
    return {"listenKey": listen_key(call.account)}


def keep_listen_key(call: Call) -> Answer:
    if call.account in call.venue.expired_sessions:
        raise VenueRefusal(-1125, "This listenKey does not exist.")
    return {"listenKey": listen_key(call.account)}


def end_listen_key(call: Call) -> Answer:
    call.venue.expired_sessions.add(call.account)
    return {}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """security is none, key (header only) or signed."""

    handle: Callable[[Call], Answer]
    security: str = "signed"


ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    ("GET", "/fapi/v1/ping"): Endpoint(public.ping, "none"),
    ("GET", "/fapi/v1/time"): Endpoint(public.server_time, "none"),
    ("GET", "/fapi/v1/exchangeInfo"): Endpoint(public.exchange_info, "none"),
    ("GET", "/fapi/v1/klines"): Endpoint(public.klines, "none"),
    ("GET", "/fapi/v1/ticker/24hr"): Endpoint(public.day_ticker, "none"),
    ("GET", "/fapi/v1/ticker/bookTicker"): Endpoint(public.book_ticker, "none"),
    ("GET", "/fapi/v1/depth"): Endpoint(public.depth, "none"),
    ("GET", "/fapi/v1/premiumIndex"): Endpoint(public.premium_index, "none"),
    ("GET", "/fapi/v1/positionSide/dual"): Endpoint(get_mode),
    ("POST", "/fapi/v1/positionSide/dual"): Endpoint(set_mode),
    ("POST", "/fapi/v1/leverage"): Endpoint(set_leverage),
    ("POST", "/fapi/v1/marginType"): Endpoint(set_margin_type),
    ("GET", "/fapi/v1/leverageBracket"): Endpoint(leverage_brackets),
    ("GET", "/fapi/v1/symbolConfig"): Endpoint(symbol_config),
    ("GET", "/fapi/v1/commissionRate"): Endpoint(commission_rate),
    ("GET", "/fapi/v3/account"): Endpoint(account),
    ("GET", "/fapi/v2/account"): Endpoint(account),
    ("GET", "/fapi/v3/positionRisk"): Endpoint(positions),
    ("POST", "/fapi/v1/order"): Endpoint(place_order),
    ("GET", "/fapi/v1/order"): Endpoint(get_order),
    ("DELETE", "/fapi/v1/order"): Endpoint(cancel_order),
    ("GET", "/fapi/v1/openOrder"): Endpoint(get_open_order),
    ("GET", "/fapi/v1/openOrders"): Endpoint(open_orders),
    ("GET", "/fapi/v1/allOrders"): Endpoint(all_orders),
    ("DELETE", "/fapi/v1/allOpenOrders"): Endpoint(cancel_all_orders),
    ("GET", "/fapi/v1/userTrades"): Endpoint(user_trades),
    ("POST", "/fapi/v1/algoOrder"): Endpoint(place_algo),
    ("GET", "/fapi/v1/algoOrder"): Endpoint(get_algo),
    ("DELETE", "/fapi/v1/algoOrder"): Endpoint(cancel_algo),
    ("GET", "/fapi/v1/openAlgoOrders"): Endpoint(open_algos),
    ("GET", "/fapi/v1/allAlgoOrders"): Endpoint(all_algos),
    ("DELETE", "/fapi/v1/algoOpenOrders"): Endpoint(cancel_all_algo),
    ("POST", "/fapi/v1/listenKey"): Endpoint(make_listen_key, "key"),
    ("PUT", "/fapi/v1/listenKey"): Endpoint(keep_listen_key, "key"),
    ("DELETE", "/fapi/v1/listenKey"): Endpoint(end_listen_key, "key"),
}
