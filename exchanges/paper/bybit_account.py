"""Account requests of Bybit: settings, positions, wallet, its movements."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from exchanges.paper import bybit_figures as figures
from exchanges.paper import bybit_words as words
from exchanges.paper import one_book
from exchanges.paper.book import AlgoOrder, PaperIncome, PaperPosition, PaperTrade, VenueRefusal
from exchanges.paper.bybit_paging import page, time_window
from exchanges.paper.bybit_public import is_linear, linear
from exchanges.paper.call import Answer, Call
from exchanges.paper.figures import text
from exchanges.paper.margin import leverage_of, liquidation_price
from exchanges.paper.matching import Engine
from exchanges.paper.params import number, one_of, optional_number, required
from exchanges.paper.position_exits import STOP_LOSS, TAKE_PROFIT, TRAILING, Exits

MARGIN_MODES = {"REGULAR_MARGIN": "CROSSED", "ISOLATED_MARGIN": "ISOLATED"}
TRIGGER_BY = {"LastPrice": "CONTRACT_PRICE", "MarkPrice": "MARK_PRICE", "IndexPrice": "MARK_PRICE"}
DUAL = {"3": True, "0": False}
EPOCH_MS = "1577836800000"


def key_info(call: Call) -> Answer:
    rights = call.venue.rights_of(call.account)
    permissions = {
        "ContractTrade": ["Order", "Position"] if rights.can_trade else [], "Spot": [],
        "Wallet": ["Withdraw"] if rights.can_withdraw else [], "Options": [], "Derivatives": [],
        "CopyTrading": [], "BlockTrade": [], "Exchange": [], "NFT": [], "Affiliate": [], "Earn": [],
    }  # fmt: skip
    addresses = ["203.0.113.7"] if rights.is_bound_to_addresses else ["*"]
    return {
        "id": "1", "note": "paper", "apiKey": call.account, "readOnly": 0, "secret": "", "type": 1,
        "permissions": permissions, "ips": addresses, "deadlineDay": -2, "expiredAt": "", "createdAt": "",
        "unified": 0, "uta": 1, "userID": int(rights.owner), "inviterID": 0, "vipLevel": "No VIP", "isMaster": True,
        "parentUid": "0", "kycLevel": "LEVEL_1", "kycRegion": "",
    }  # fmt: skip


def account_info(call: Call) -> Answer:
    isolated = "ISOLATED" in call.venue.engine.account(call.account).margin_type.values()
    return {
        "unifiedMarginStatus": 6, "marginMode": "ISOLATED_MARGIN" if isolated else "REGULAR_MARGIN",
        "isMasterTrader": False, "spotHedgingStatus": "OFF", "dcpStatus": "OFF", "timeWindow": 0, "smpGroup": 0,
        "updatedTime": EPOCH_MS,
    }  # fmt: skip


def wallet_balance(call: Call) -> Answer:
    one_of(call.params, "accountType", ("UNIFIED",))
    return {"list": [figures.wallet(call.venue.engine.balance(call.account))]}


def fee_rate(call: Call) -> Answer:
    engine = call.venue.engine
    rates = {"makerFeeRate": text(engine.maker_fee), "takerFeeRate": text(engine.taker_fee)}
    return linear([{"symbol": symbol, **rates} for symbol in call.symbols])


# settings


def set_leverage(call: Call) -> Answer:
    symbol = call.symbol
    leverage, other = number(call.params, "buyLeverage"), number(call.params, "sellLeverage")
    if leverage != other or leverage != int(leverage):
        raise VenueRefusal(10001, "buy leverage not equal sell leverage, or not whole")
    call.venue.act(lambda engine: engine.set_leverage(call.account, symbol, int(leverage)), call.account)
    return {}


def switch_mode(call: Call) -> Answer:
    dual = DUAL[one_of(call.params, "mode", tuple(DUAL))]
    symbol = call.optional_symbol
    if symbol is not None:
        call.venue.act(lambda engine: engine.set_dual_symbol(call.account, symbol, dual), call.account)
    else:
        one_of(call.params, "coin", ("USDT",))
        call.venue.act(lambda engine: engine.set_dual_side(call.account, dual), call.account)
    return {}


def set_margin_mode(call: Call) -> Answer:
    wanted = MARGIN_MODES[one_of(call.params, "setMarginMode", tuple(MARGIN_MODES))]
    call.venue.act(lambda engine: engine.set_margin_mode(call.account, wanted), call.account)
    return {"reasons": []}


# positions


def positions(call: Call) -> Answer:
    """Of one contract every leg, held or not; of a coin what is held."""
    if not is_linear(call):
        return {"category": call.params["category"], "list": [], "nextPageCursor": ""}
    symbol = call.optional_symbol
    if symbol is not None:
        rows = _legs(call, symbol)
    elif call.params.get("settleCoin"):
        rows = [
            row for row in call.venue.engine.positions(call.account) if call.params["settleCoin"] == "USDT"
        ]
    else:
        raise VenueRefusal(10001, "Missing some parameters that must be filled in, symbol or settleCoin")
    return linear([position(call.venue.engine, call.account, row) for row in rows])


def _legs(call: Call, symbol: str) -> list[PaperPosition]:
    state = call.venue.engine.account(call.account)
    legs = ("LONG", "SHORT") if state.is_dual(symbol) else ("BOTH",)
    return [state.position(symbol, leg) for leg in legs]


def position(engine: Engine, account: str, row: PaperPosition, *, entry: str = "avgPrice") -> dict[str, Any]:
    return figures.position(row, _around(engine, account, row), entry=entry)


def _around(engine: Engine, account: str, row: PaperPosition) -> figures.Around:
    state = engine.account(account)
    trailing = engine.exit_of(account, row, TRAILING)
    return figures.Around(
        engine.prices[row.symbol],
        leverage_of(state, row.symbol),
        engine.rules[row.symbol].maintenance_margin_ratio,
        liquidation_price(state, row, engine.prices, engine.rules) if row.amount else Decimal(0),
        state.margin_type.get(row.symbol) == "ISOLATED",
        _level(engine.exit_of(account, row, STOP_LOSS)),
        _level(engine.exit_of(account, row, TAKE_PROFIT)),
        text(trailing.callback_amount) if trailing else "",
        text(trailing.activate_price) if trailing else "",
    )


def _level(exit: AlgoOrder | None) -> str:
    return text(exit.trigger_price) if exit else ""


def trading_stop(call: Call) -> Answer:
    symbol, params = call.symbol, call.params
    if params.get("tpslMode", "Full") != "Full":
        raise VenueRefusal(10001, "params error: only tpslMode Full is worked here")
    leg = words.LEGS[one_of({"positionIdx": "0", **params}, "positionIdx", tuple(words.LEGS))]
    wanted = Exits(
        optional_number(params, "stopLoss"),
        optional_number(params, "takeProfit"),
        optional_number(params, "trailingStop"),
        optional_number(params, "activePrice"),
    )
    wanted = replace(
        wanted, stop_by=trigger_by(call, "slTriggerBy"), profit_by=trigger_by(call, "tpTriggerBy")
    )
    call.venue.act(lambda engine: engine.set_exits(call.account, symbol, leg, wanted, call.venue.now_ms()))
    return {}


def trigger_by(call: Call, name: str) -> str:
    return TRIGGER_BY[one_of({name: "LastPrice", **call.params}, name, tuple(TRIGGER_BY))]


# executions, and what moved the wallet


def executions(call: Call) -> Answer:
    kind, symbol = call.params.get("execType"), call.optional_symbol
    is_wanted = time_window(call)
    named = {name: call.params[name] for name in ("orderId", "orderLinkId") if call.params.get(name)}
    rows = [
        row
        for row in _all_executions(call)
        if kind in (None, "", row["execType"])
        and symbol in (None, row["symbol"])
        and is_wanted(int(row["execTime"]))
        and named.items() <= row.items()
    ]
    required(call.params, "category")
    return page(call, rows, lambda row: row["execId"], lambda row: row, 50, 100)


def _all_executions(call: Call) -> list[dict[str, Any]]:
    state = call.venue.engine.account(call.account)
    rows = [figures.execution(trade, one_book.order_of(state, trade)) for trade in state.trades]
    rows += [figures.funding_execution(paid) for paid in state.funding]
    return sorted(rows, key=lambda row: (int(row["execTime"]), row["execId"]), reverse=True)


def transaction_log(call: Call) -> Answer:
    kind, is_wanted = call.params.get("type"), time_window(call)
    wallet = call.venue.engine.account(call.account).wallet_balance
    rows = []
    for moved in _movements(call):
        told = figures.movement(moved, wallet)
        wallet -= Decimal(told["change"])
        if kind in (None, "", told["type"]) and is_wanted(moved.time_ms):
            rows.append(told)
    return page(call, rows, lambda row: row["id"], lambda row: row, 20, 50)


def _movements(call: Call) -> list[PaperTrade | PaperIncome]:
    """Newest first."""
    state = call.venue.engine.account(call.account)
    rows: list[PaperTrade | PaperIncome] = [*state.trades, *state.funding]
    return sorted(rows, key=_moment, reverse=True)


def _moment(moved: PaperTrade | PaperIncome) -> tuple[int, int]:
    number = moved.trade_id if isinstance(moved, PaperTrade) else moved.transaction_id
    return moved.time_ms, number
