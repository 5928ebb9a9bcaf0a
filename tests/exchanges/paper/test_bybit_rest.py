"""Unmodified ccxt.pro.bybit against the paper exchange: every call the bot or its operator may make."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

from exchanges.ccxt_of_our_venues import ccxt
from tests.exchanges.paper.bybit import KEY, LONG, SHORT, ask, bybit, hedged_bybit, look_up, send
from tests.exchanges.paper.conftest import BTC, Paper

__all__ = ["bybit", "hedged_bybit"]
pytestmark = pytest.mark.asyncio


def told(error: ccxt.BaseError) -> int:
    found = re.search(r'"retCode": (\d+)', str(error))
    return int(found.group(1)) if found else 0


async def refused(call: Any) -> int:
    with pytest.raises(ccxt.BaseError) as caught:
        await call
    return told(caught.value)


# the market


async def test_contracts_carry_their_steps_and_minimums(bybit: Any) -> None:
    market = bybit.market(BTC)
    assert len(bybit.markets) == 8
    assert (market["id"], market["linear"], market["active"]) == ("BTCUSDT", True, True)
    assert market["precision"] == {"price": 0.1, "amount": 0.001}
    assert (market["limits"]["cost"]["min"], market["limits"]["amount"]["min"]) == (5, 0.001)
    assert market["limits"]["leverage"]["max"] == 50


async def test_prices_agree_in_every_answer(bybit: Any, paper: Paper) -> None:
    await paper.hook("price", symbol="BTCUSDT", price="60000", last="60050")
    ticker, book = await bybit.fetch_ticker(BTC), await bybit.fetch_order_book(BTC)
    assert (ticker["last"], ticker["markPrice"]) == (60_050, 60_000)
    assert (ticker["bid"], ticker["ask"]) == (book["bids"][0][0], book["asks"][0][0]) == (60_049.9, 60_050.1)
    assert set(await bybit.fetch_tickers()) == set(bybit.markets)
    assert (await bybit.fetch_open_interest(BTC))["openInterestAmount"] > 0
    assert abs(await bybit.fetch_time() - bybit.milliseconds()) < 5_000


async def test_candles_have_the_length_asked_for_and_come_newest_first(bybit: Any, paper: Paper) -> None:
    for interval, length in (("1m", 60_000), ("5m", 300_000)):
        rows = await bybit.fetch_ohlcv(BTC, interval, limit=10)
        assert len(rows) == 10
        assert {later[0] - row[0] for row, later in pairwise(rows)} == {length}
    raw = await ask(paper, "GET", "/v5/market/kline", category="linear", symbol="BTCUSDT", interval="1")
    starts = [int(row[0]) for row in raw["result"]["list"]]
    assert starts == sorted(starts, reverse=True)
    assert len(await bybit.fetch_mark_ohlcv(BTC, "1m", limit=3)) == 3
    assert await refused(bybit.fetch_ohlcv(BTC, "1w")) == 10001


# the account


async def test_a_new_key_opens_an_account(bybit: Any) -> None:
    usdt = (await bybit.fetch_balance())["USDT"]
    assert (usdt["free"], usdt["used"], usdt["total"]) == (10_000, 0, 10_000)
    assert await bybit.fetch_positions() == []


async def test_requests_are_signed_by_headers(paper: Paper) -> None:
    assert (await ask(paper, "GET", "/v5/user/query-api"))["result"]["uta"] == 1
    assert (await ask(paper, "GET", "/v5/account/info"))["result"]["marginMode"] == "REGULAR_MARGIN"
    wrong = {
        "X-BAPI-API-KEY": KEY,
        "X-BAPI-TIMESTAMP": "1",
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": "00",
    }
    assert (await send(paper, "GET", "/v5/user/query-api", "", wrong))["retCode"] == 10004
    stranger = wrong | {"X-BAPI-API-KEY": "somebody"}
    assert (await send(paper, "GET", "/v5/user/query-api", "", stranger))["retCode"] == 10003
    await paper.hook("clock", offset_ms=60_000)
    assert (await ask(paper, "GET", "/v5/user/query-api"))["retCode"] == 10002


async def test_an_account_is_on_the_exchange_it_was_opened_at(paper: Paper) -> None:
    assert (await ask(paper, "GET", "/v5/user/query-api"))["retCode"] == 0
    assert (await paper.signed("GET", "/fapi/v3/account", KEY))[1]["code"] == -2015
    assert (await paper.signed("GET", "/fapi/v3/account", "paper-3"))[0] == 200
    assert (await ask(paper, "GET", "/v5/user/query-api", "paper-3"))["retCode"] == 10003


async def test_a_leverage_is_told_and_the_same_one_refused(bybit: Any) -> None:
    assert await refused(bybit.set_leverage(10, BTC)) == 110043
    assert await refused(bybit.set_leverage(51, BTC)) == 110013
    await bybit.set_leverage(7, BTC)
    assert (await bybit.fetch_leverage(BTC))["longLeverage"] == 7


async def test_modes_that_are_already_so_are_said_to_be_so(bybit: Any) -> None:
    assert await refused(bybit.set_position_mode(False, BTC)) == 110025
    await bybit.set_position_mode(True, BTC)
    assert await refused(bybit.set_position_mode(True, BTC)) == 110025
    await bybit.set_margin_mode("isolated", BTC)
    assert await refused(bybit.set_margin_mode("isolated", BTC)) == 110026


async def test_the_mode_of_one_contract_leaves_the_others_alone(bybit: Any) -> None:
    await bybit.set_position_mode(True, BTC)
    assert await refused(bybit.create_order(BTC, "market", "buy", 0.01)) == 10001
    await bybit.create_order("ETH/USDT:USDT", "market", "buy", 0.01)
    (held,) = await bybit.fetch_positions()
    assert (held["symbol"], held["hedged"]) == ("ETH/USDT:USDT", False)


async def test_modes_stand_while_something_is_open(bybit: Any) -> None:
    await bybit.create_order(BTC, "limit", "buy", 0.01, 50_000)
    assert await refused(bybit.set_position_mode(True)) == 110028
    await bybit.cancel_all_orders(BTC)
    await bybit.create_order(BTC, "market", "buy", 0.01)
    assert await refused(bybit.set_position_mode(True)) == 110024


async def test_both_legs_are_held_side_by_side_and_flat_ones_are_listed_by_symbol(
    hedged_bybit: Any, paper: Paper
) -> None:
    await hedged_bybit.create_order(BTC, "market", "buy", 0.4, None, LONG)
    legs = {row["info"]["positionIdx"]: row for row in await hedged_bybit.fetch_positions([BTC])}
    assert (legs[1]["contracts"], legs[2]["contracts"], legs[2]["info"]["side"]) == (0.4, 0, "")
    await hedged_bybit.create_order(BTC, "market", "sell", 0.01, None, SHORT)
    await paper.price("61000")
    held = {row["side"]: row for row in await hedged_bybit.fetch_positions()}
    assert {side: row["contracts"] for side, row in held.items()} == {"long": 0.4, "short": 0.01}
    assert held["long"]["unrealizedPnl"] == pytest.approx((61_000 - held["long"]["entryPrice"]) * 0.4)
    assert held["short"]["unrealizedPnl"] < 0 < held["long"]["liquidationPrice"] < 61_000


# orders


async def test_an_order_is_acknowledged_by_its_ids_alone_and_matched_after_that(
    bybit: Any, paper: Paper
) -> None:
    await paper.hook("acknowledge", seconds=60)
    order = await bybit.create_order(BTC, "market", "buy", 0.01, None, {"clientOrderId": "one"})
    assert (order["clientOrderId"], order["status"], order["filled"]) == ("one", None, None)
    waiting = await look_up(bybit, "one")
    assert (waiting["id"], waiting["status"], waiting["filled"]) == (order["id"], "open", 0)
    assert await bybit.fetch_positions() == []
    await paper.price("60001")  # a price finds nobody waiting
    assert (await look_up(bybit, "one"))["status"] == "closed"


async def test_a_client_order_id_is_used_for_good(bybit: Any) -> None:
    name = {"clientOrderId": "once"}
    await bybit.create_order(BTC, "market", "buy", 0.01, None, name)
    assert await refused(bybit.create_order(BTC, "market", "buy", 0.01, None, name)) == 110072
    stop = {**name, "stopLossPrice": 50_000}
    assert await refused(bybit.create_order(BTC, "market", "sell", 0.01, None, stop)) == 110072


async def test_a_post_only_order_that_would_take_is_acknowledged_and_then_canceled(bybit: Any) -> None:
    await bybit.create_order(BTC, "limit", "buy", 0.01, 60_100, {"postOnly": True, "clientOrderId": "maker"})
    gone = await look_up(bybit, "maker")
    assert (gone["status"], gone["info"]["rejectReason"]) == ("canceled", "EC_PostOnlyWillTakeLiquidity")


async def test_a_limit_order_rests_moves_and_is_canceled(bybit: Any) -> None:
    order = await bybit.create_order(BTC, "limit", "buy", 0.01, 50_000, {"clientOrderId": "rests"})
    await bybit.edit_order(order["id"], BTC, "limit", "buy", 0.02, 51_000)
    (found,) = await bybit.fetch_open_orders(BTC)
    assert (found["amount"], found["price"], found["status"]) == (0.02, 51_000, "open")
    assert await refused(bybit.edit_order(order["id"], BTC, "limit", "buy", 0.02, 51_000)) == 10001
    await bybit.cancel_order(None, BTC, {"orderLinkId": "rests"})
    assert await refused(bybit.cancel_order(order["id"], BTC)) == 110001
    (gone,) = await bybit.fetch_canceled_and_closed_orders(BTC)
    assert (gone["status"], gone["info"]["cancelType"]) == ("canceled", "CancelByUser")


async def test_an_unknown_order_is_an_empty_list(bybit: Any) -> None:
    assert await bybit.fetch_open_orders(BTC, params={"orderLinkId": "nobody"}) == []
    assert await bybit.fetch_canceled_and_closed_orders(BTC, params={"orderLinkId": "nobody"}) == []
    assert await refused(bybit.cancel_order(None, BTC, {"orderLinkId": "nobody"})) == 110001
    assert await refused(bybit.cancel_order("no-uuid", BTC)) == 110001


async def test_a_conditional_order_keeps_its_id_when_it_fires(hedged_bybit: Any, paper: Paper) -> None:
    await hedged_bybit.create_order(BTC, "market", "buy", 0.1, None, LONG)
    stop = {**LONG, "clientOrderId": "stop", "stopLossPrice": 59_000, "triggerBy": "MarkPrice"}
    order = await hedged_bybit.create_order(BTC, "market", "sell", 0.1, None, stop)
    (waiting,) = await hedged_bybit.fetch_open_orders(BTC)
    info = waiting["info"]
    assert (info["orderStatus"], info["stopOrderType"], info["triggerDirection"]) == (
        "Untriggered",
        "Stop",
        2,
    )
    assert (waiting["id"], waiting["triggerPrice"], waiting["reduceOnly"]) == (order["id"], 59_000, True)
    await paper.price("59000")
    done = await look_up(hedged_bybit, "stop")
    assert (done["id"], done["status"], done["filled"]) == (order["id"], "closed", 0.1)
    assert done["triggerPrice"] == 59_000
    assert await hedged_bybit.fetch_positions() == []


async def test_a_canceled_condition_is_deactivated(hedged_bybit: Any) -> None:
    params = {**LONG, "triggerPrice": 61_000, "triggerDirection": "above", "clientOrderId": "later"}
    await hedged_bybit.create_order(BTC, "market", "buy", 0.1, None, params)
    assert await hedged_bybit.fetch_open_orders(BTC, params={"orderFilter": "Order"}) == []
    assert len(await hedged_bybit.fetch_open_orders(BTC, params={"trigger": True})) == 1
    await hedged_bybit.cancel_all_orders(BTC)
    gone = await look_up(hedged_bybit, "later")
    assert (gone["status"], gone["info"]["orderStatus"]) == ("canceled", "Deactivated")


REFUSED: list[tuple[dict[str, Any], int]] = [
    ({"side": "buy", "params": {}}, 10001),  # no leg
    ({"side": "sell", "params": LONG}, 110017),
    ({"side": "sell", "params": LONG | {"reduceOnly": True}}, 110017),
    ({"side": "buy", "amount": 3, "params": LONG}, 110007),
    ({"side": "buy", "kind": "limit", "amount": 0.001, "price": 4000, "params": LONG}, 110094),
    ({"side": "buy", "params": LONG | {"triggerPrice": 50_000, "triggerDirection": 1}}, 110092),
    ({"side": "buy", "params": LONG | {"triggerPrice": 70_000, "triggerDirection": 2}}, 110093),
]


@pytest.mark.parametrize(("words", "code"), REFUSED)
async def test_it_refuses_by_its_numbers(hedged_bybit: Any, words: dict[str, Any], code: int) -> None:
    words = {"kind": "market", "amount": 0.01, "price": None} | words
    call = hedged_bybit.create_order(
        BTC, words["kind"], words["side"], words["amount"], words["price"], words["params"]
    )
    assert await refused(call) == code


async def test_a_reducing_order_is_cut_to_the_position_and_what_rests_ends_with_it(hedged_bybit: Any) -> None:
    await hedged_bybit.create_order(BTC, "market", "buy", 0.1, None, LONG)
    target = {**LONG, "reduceOnly": True, "clientOrderId": "target"}
    await hedged_bybit.create_order(BTC, "limit", "sell", 0.1, 65_000, target)
    closing = {**LONG, "reduceOnly": True, "clientOrderId": "closing"}
    await hedged_bybit.create_order(BTC, "market", "sell", 0.5, None, closing)
    done, gone = await look_up(hedged_bybit, "closing"), await look_up(hedged_bybit, "target")
    assert (done["status"], done["amount"], done["filled"]) == ("closed", 0.1, 0.1)
    assert (gone["status"], gone["info"]["cancelType"]) == ("canceled", "CancelByReduceOnly")


# executions and the wallet


async def test_executions_come_newest_first_page_by_page(bybit: Any, paper: Paper) -> None:
    for _ in range(5):
        await bybit.create_order(BTC, "market", "buy", 0.01)
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await ask(paper, "GET", "/v5/execution/list", category="linear", limit=2, cursor=cursor)
        rows += answer["result"]["list"]
        if not (cursor := answer["result"]["nextPageCursor"]):
            break
    assert len({row["execId"] for row in rows}) == len(rows) == 5
    assert [row["execId"] for row in rows] == sorted((row["execId"] for row in rows), reverse=True)
    assert {row["execType"] for row in rows} == {"Trade"}
    assert len(await bybit.fetch_my_trades(BTC)) == 5


async def test_what_moved_the_wallet_adds_up(bybit: Any, paper: Paper) -> None:
    await bybit.create_order(BTC, "market", "buy", 0.01)
    await paper.hook("funding", symbol="BTCUSDT", rate="0.001")
    await bybit.create_order(BTC, "market", "sell", 0.01)
    rows = (await ask(paper, "GET", "/v5/account/transaction-log", category="linear"))["result"]["list"]
    assert [row["type"] for row in rows] == ["TRADE", "SETTLEMENT", "TRADE"]
    assert float(rows[1]["funding"]) == -0.6
    assert float(rows[0]["cashBalance"]) == (await bybit.fetch_balance())["USDT"]["total"]
    assert sum(float(row["change"]) for row in rows) == pytest.approx(float(rows[0]["cashBalance"]) - 10_000)
    (paid,) = await bybit.fetch_my_trades(BTC, params={"execType": "Funding"})
    assert paid["info"]["execFee"] == "0.60000000"


async def test_the_exchanges_own_closings_have_a_type_and_no_name_of_ours(
    hedged_bybit: Any, paper: Paper
) -> None:
    await hedged_bybit.create_order(BTC, "market", "buy", 0.1, None, LONG)
    await paper.hook("adl", api_key=KEY, symbol="BTCUSDT", position_side="LONG")
    await hedged_bybit.create_order(BTC, "market", "buy", 0.1, None, LONG)
    await paper.hook("liquidate", api_key=KEY, symbol="BTCUSDT", position_side="LONG")
    rows = (await ask(paper, "GET", "/v5/execution/list", category="linear"))["result"]["list"]
    assert [row["execType"] for row in rows] == ["BustTrade", "Trade", "AdlTrade", "Trade"]
    assert {row["orderLinkId"] for row in rows if row["execType"] != "Trade"} == {""}


async def test_a_wrong_word_is_a_number_never_a_crash(paper: Paper) -> None:
    for path, words in (
        ("/v5/order/create", {"category": "linear", "symbol": "BTCUSDT"}),
        ("/v5/order/create", {"category": "linear", "symbol": "NOPE", "side": "Buy", "qty": "1"}),
        ("/v5/order/create", {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "qty": "1e5"}),
        ("/v5/order/cancel", {"category": "linear", "symbol": "BTCUSDT"}),
        ("/v5/position/set-leverage", {"symbol": "BTCUSDT", "buyLeverage": "3", "sellLeverage": "4"}),
        ("/v5/position/switch-mode", {"mode": "7"}),
    ):
        assert (await ask(paper, "POST", path, **words))["retCode"] == 10001
    listed = await ask(paper, "GET", "/v5/execution/list", category="linear", startTime=1, endTime=10**15)
    assert listed["retCode"] == 10001


async def test_a_persons_order_has_no_name(hedged_bybit: Any, paper: Paper) -> None:
    leg = {"api_key": KEY, "symbol": "BTCUSDT", "position_side": "LONG"}
    await paper.hook("manual", **leg, side="BUY", quantity="0.1")
    (trade,) = (await ask(paper, "GET", "/v5/execution/list", category="linear"))["result"]["list"]
    assert (trade["orderLinkId"], trade["createType"]) == ("", "CreateByUser")
    await paper.hook("manual", **leg)
    assert await hedged_bybit.fetch_positions() == []
