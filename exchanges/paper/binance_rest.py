"""Account requests of the Binance USDT-M dialect, and the table of all; fields as the exchange documents them."""

from __future__ import annotations

from exchanges.paper import binance_orders as orders
from exchanges.paper import binance_public as public
from exchanges.paper import binance_words as words
from exchanges.paper.book import PaperPosition, VenueRefusal
from exchanges.paper.call import Answer, Call, Endpoint
from exchanges.paper.figures import text
from exchanges.paper.margin import leverage_of, liquidation_price
from exchanges.paper.params import flag, one_of, page, required, whole, window
from exchanges.paper.signing import listen_key
from exchanges.paper.venue import PaperVenue

OK = {"code": 200, "msg": "success"}


# account


def get_mode(call: Call) -> Answer:
    return {"dualSidePosition": call.venue.engine.account(call.account).dual_side}


def set_mode(call: Call) -> Answer:
    required(call.params, "dualSidePosition")
    wanted = flag(call.params, "dualSidePosition")
    call.venue.act(lambda engine: engine.set_dual_side(call.account, wanted), call.account)
    return OK


def key_restrictions(call: Call) -> Answer:
    rights = call.venue.rights_of(call.account)
    return {
        "ipRestrict": rights.is_bound_to_addresses, "createTime": 1_600_000_000_000, "enableReading": True,
        "enableWithdrawals": rights.can_withdraw, "enableInternalTransfer": False, "enableMargin": False,
        "enableFutures": rights.can_trade, "permitsUniversalTransfer": False, "enableVanillaOptions": False,
        "enableFixApiTrade": False, "enableFixReadOnly": True, "enableSpotAndMarginTrading": False,
        "enablePortfolioMarginTrading": False,
    }  # fmt: skip


def wallet_beside(call: Call) -> Answer:
    """Of the spot account we only tell whose it is."""
    owner = call.venue.rights_of(call.account).owner
    return {
        "canTrade": False,
        "accountType": "SPOT",
        "balances": [],
        "permissions": ["SPOT"],
        "uid": int(owner),
    }


def set_leverage(call: Call) -> Answer:
    symbol, leverage = call.symbol, whole(call.params, "leverage")
    call.venue.act(lambda engine: engine.set_leverage(call.account, symbol, leverage), call.account)
    return {"symbol": symbol, "leverage": leverage, "maxNotionalValue": "1000000000"}


def set_margin_type(call: Call) -> Answer:
    symbol, margin_type = call.symbol, one_of(call.params, "marginType", ("CROSSED", "ISOLATED"))
    call.venue.act(lambda engine: engine.set_margin_type(call.account, symbol, margin_type), call.account)
    return OK


def leverage_brackets(call: Call) -> Answer:
    return call.each(_brackets)


def _brackets(venue: PaperVenue, symbol: str) -> Answer:
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
        "makerCommissionRate": text(engine.maker_fee),
        "takerCommissionRate": text(engine.taker_fee),
    }
    return {"symbol": call.symbol, **rates}


def account(call: Call) -> Answer:
    balance = call.venue.engine.balance(call.account)
    figures = {
        "walletBalance": text(balance.wallet), "unrealizedProfit": text(balance.unrealized),
        "marginBalance": text(balance.equity), "maintMargin": text(balance.maintenance_margin),
        "initialMargin": text(balance.initial_margin), "crossWalletBalance": text(balance.wallet),
        "positionInitialMargin": text(balance.initial_margin), "openOrderInitialMargin": "0",
        "crossUnPnl": text(balance.unrealized), "availableBalance": text(balance.available),
        "maxWithdrawAmount": text(balance.available),
    }  # fmt: skip
    asset = {"asset": "USDT", **figures, "marginAvailable": True, "updateTime": call.venue.now_ms()}
    totals = {
        "totalWalletBalance": figures["walletBalance"], "totalUnrealizedProfit": figures["unrealizedProfit"],
        "totalMarginBalance": figures["marginBalance"], "totalInitialMargin": figures["initialMargin"],
        "totalMaintMargin": figures["maintMargin"], "availableBalance": figures["availableBalance"],
        "maxWithdrawAmount": figures["maxWithdrawAmount"],
    }  # fmt: skip
    return {**totals, "assets": [asset], "positions": positions(call)}


def positions(call: Call) -> Answer:
    wanted = set(call.symbols)
    held = [row for row in call.venue.engine.positions(call.account) if row.symbol in wanted]
    return [words.position(row, call.venue.engine.prices[row.symbol], _risk(call, row)) for row in held]


def _risk(call: Call, held: PaperPosition) -> words.Risk:
    engine, state = call.venue.engine, call.venue.engine.account(call.account)
    return words.Risk(
        leverage_of(state, held.symbol),
        state.margin_type.get(held.symbol, "CROSSED"),
        liquidation_price(state, held, engine.prices, engine.rules),
        engine.rules[held.symbol].maintenance_margin_ratio,
    )


def positions_v2(call: Call) -> Answer:
    """The older answer also tells leverage and margin type."""
    rows = positions(call)
    state = call.venue.engine.account(call.account)
    for row in rows:
        margin_type = state.margin_type.get(row["symbol"], "CROSSED")
        row["leverage"] = str(leverage_of(state, row["symbol"]))
        row["marginType"] = "isolated" if margin_type == "ISOLATED" else "cross"
    return rows


def incomes(call: Call) -> Answer:
    """What moved the wallet, of one kind if asked for."""
    kind, symbol = call.params.get("incomeType"), call.optional_symbol
    is_wanted = window(call.params)
    wanted = [
        row
        for row in call.venue.engine.incomes(call.account)
        if kind in (None, row.type) and symbol in (None, row.symbol) and is_wanted(row.time_ms)
    ]
    return [words.income(row) for row in page(wanted, call.params, 100)]


# private stream keys


def make_listen_key(call: Call) -> Answer:
    call.venue.begin_session(call.account)
    return {"listenKey": listen_key(call.account)}


def keep_listen_key(call: Call) -> Answer:
    if call.account in call.venue.expired_sessions:
        raise VenueRefusal(-1125, "This listenKey does not exist.")
    return {"listenKey": listen_key(call.account)}


def end_listen_key(call: Call) -> Answer:
    call.venue.end_session(call.account)
    return {}


ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    ("GET", "/fapi/v1/ping"): Endpoint(public.ping, "none"),
    ("GET", "/fapi/v1/time"): Endpoint(public.server_time, "none"),
    ("GET", "/fapi/v1/exchangeInfo"): Endpoint(public.exchange_info, "none"),
    ("GET", "/fapi/v1/klines"): Endpoint(public.klines, "none"),
    ("GET", "/fapi/v1/markPriceKlines"): Endpoint(public.mark_klines, "none"),
    ("GET", "/fapi/v1/ticker/24hr"): Endpoint(public.day_ticker, "none"),
    ("GET", "/fapi/v1/ticker/bookTicker"): Endpoint(public.book_ticker, "none"),
    ("GET", "/fapi/v1/openInterest"): Endpoint(public.open_interest, "none"),
    ("GET", "/fapi/v1/depth"): Endpoint(public.depth, "none"),
    ("GET", "/fapi/v1/premiumIndex"): Endpoint(public.premium_index, "none"),
    ("GET", "/fapi/v1/positionSide/dual"): Endpoint(get_mode),
    ("POST", "/fapi/v1/positionSide/dual"): Endpoint(set_mode),
    ("GET", "/sapi/v1/account/apiRestrictions"): Endpoint(key_restrictions),
    ("GET", "/api/v3/account"): Endpoint(wallet_beside),
    ("POST", "/fapi/v1/leverage"): Endpoint(set_leverage),
    ("POST", "/fapi/v1/marginType"): Endpoint(set_margin_type),
    ("GET", "/fapi/v1/leverageBracket"): Endpoint(leverage_brackets),
    ("GET", "/fapi/v1/symbolConfig"): Endpoint(symbol_config),
    ("GET", "/fapi/v1/commissionRate"): Endpoint(commission_rate),
    ("GET", "/fapi/v3/account"): Endpoint(account),
    ("GET", "/fapi/v2/account"): Endpoint(account),
    ("GET", "/fapi/v3/positionRisk"): Endpoint(positions),
    ("GET", "/fapi/v2/positionRisk"): Endpoint(positions_v2),
    ("POST", "/fapi/v1/order"): Endpoint(orders.place_order),
    ("GET", "/fapi/v1/order"): Endpoint(orders.get_order),
    ("PUT", "/fapi/v1/order"): Endpoint(orders.amend_order),
    ("DELETE", "/fapi/v1/order"): Endpoint(orders.cancel_order),
    ("GET", "/fapi/v1/openOrder"): Endpoint(orders.get_open_order),
    ("GET", "/fapi/v1/openOrders"): Endpoint(orders.open_orders),
    ("GET", "/fapi/v1/allOrders"): Endpoint(orders.all_orders),
    ("DELETE", "/fapi/v1/allOpenOrders"): Endpoint(orders.cancel_all_orders),
    ("GET", "/fapi/v1/userTrades"): Endpoint(orders.user_trades),
    ("GET", "/fapi/v1/forceOrders"): Endpoint(orders.forced_orders),
    ("GET", "/fapi/v1/income"): Endpoint(incomes),
    ("POST", "/fapi/v1/algoOrder"): Endpoint(orders.place_algo),
    ("GET", "/fapi/v1/algoOrder"): Endpoint(orders.get_algo),
    ("DELETE", "/fapi/v1/algoOrder"): Endpoint(orders.cancel_algo),
    ("GET", "/fapi/v1/openAlgoOrders"): Endpoint(orders.open_algos),
    ("GET", "/fapi/v1/allAlgoOrders"): Endpoint(orders.all_algos),
    ("DELETE", "/fapi/v1/algoOpenOrders"): Endpoint(orders.cancel_all_algo),
    ("POST", "/fapi/v1/listenKey"): Endpoint(make_listen_key, "key"),
    ("PUT", "/fapi/v1/listenKey"): Endpoint(keep_listen_key, "key"),
    ("DELETE", "/fapi/v1/listenKey"): Endpoint(end_listen_key, "key"),
}
