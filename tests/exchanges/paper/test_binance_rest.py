"""The stock ccxt.pro.binanceusdm against the paper exchange: every call the bot or its operator may make."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from exchanges.ccxt_of_our_venues import ccxt
from tests.exchanges.paper.conftest import BTC, KEY, Paper

ETH = "ETH/USDT:USDT"
LONG, SHORT = {"positionSide": "LONG"}, {"positionSide": "SHORT"}
STOP = {**LONG, "stopPrice": 59_000, "workingType": "MARK_PRICE"}


def told(error: ccxt.BaseError) -> str:
    return str(error).partition('"code": ')[2].partition(",")[0]


# the market


@pytest.mark.asyncio
async def test_contracts_carry_their_steps_and_minimums(exchange: Any) -> None:
    market = exchange.market(BTC)
    assert len(exchange.markets) == 8
    assert (market["id"], market["linear"], market["active"]) == ("BTCUSDT", True, True)
    assert market["precision"] == {**market["precision"], "price": 0.1, "amount": 0.001}
    assert (market["limits"]["cost"]["min"], market["limits"]["amount"]["min"]) == (5, 0.001)


@pytest.mark.asyncio
async def test_prices_agree_in_every_answer(exchange: Any) -> None:
    ticker, mark = await exchange.fetch_ticker(BTC), await exchange.fetch_mark_price(BTC)
    best, book = (await exchange.fetch_bids_asks([BTC]))[BTC], await exchange.fetch_order_book(BTC, 5)
    assert ticker["last"] == mark["markPrice"] == 60_000
    assert (best["bid"], best["ask"]) == (book["bids"][0][0], book["asks"][0][0]) == (59_999.9, 60_000.1)
    assert ticker["low"] <= 60_000 <= ticker["high"]
    assert (
        set(await exchange.fetch_tickers()) == set(await exchange.fetch_bids_asks()) == set(exchange.markets)
    )
    assert (await exchange.fetch_funding_rate(BTC))["fundingRate"] == 0
    assert len(await exchange.fetch_mark_prices()) == 8


@pytest.mark.asyncio
async def test_the_clock_is_the_servers(exchange: Any) -> None:
    assert abs(await exchange.fetch_time() - exchange.milliseconds()) < 5_000


@pytest.mark.asyncio
async def test_candles_have_the_length_asked_for(exchange: Any) -> None:
    minutes = await exchange.fetch_ohlcv(BTC, "1m", limit=10)
    fives = await exchange.fetch_ohlcv(BTC, "5m", limit=10)
    for rows, length in ((minutes, 60_000), (fives, 300_000)):
        assert len(rows) == 10
        assert {later[0] - row[0] for row, later in pairwise(rows)} == {length}
        assert all(row[3] <= min(row[1], row[4]) <= max(row[1], row[4]) <= row[2] for row in rows)
    since = minutes[4][0]
    assert (await exchange.fetch_ohlcv(BTC, "1m", since=since, limit=3)) == minutes[4:7]
    with pytest.raises(ccxt.BadRequest, match="-1120"):
        await exchange.fetch_ohlcv(BTC, "1w")


@pytest.mark.asyncio
async def test_candles_are_those_that_a_hook_told(paper: Paper, exchange: Any) -> None:
    minute = (await exchange.fetch_ohlcv(BTC, "1m", limit=5))[0][0]
    told = [
        [minute, "97000", "98300", "96900", "97100"],
        [minute + 60_000, "97100", "97200", "97000", "97150", "12.5"],
    ]
    assert await paper.hook("candles", symbol="BTCUSDT", rows=told) == {"told": 2}
    for price in ({}, {"price": "mark"}):
        rows = await exchange.fetch_ohlcv(BTC, "1m", since=minute, limit=2, params=price)
        assert rows == [[*told[0][:1], *map(float, told[0][1:]), 0], [told[1][0], *map(float, told[1][1:])]]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [[60_000, "97000", "97100", "96900"]],
        [[60_001, "97000", "97100", "96900", "97000"]],
        [[60_000, "97000", "97100", "96900", "97200"]],
        [[120_000, 1, 1, 1, 1], [60_000, 1, 1, 1, 1]],
        [[60_000, 1, 1, 1, 1, -1]],
        [[60_000, 1, 1, 1, 1, "NaN"]],
        [[60_000, 1, 1, 1, 1, 1, 1]],
    ],
)
@pytest.mark.asyncio
async def test_candles_that_cannot_be_are_refused(paper: Paper, rows: list[Any]) -> None:
    async with paper.session.post(
        f"{paper.url}/paper/candles", json={"symbol": "BTCUSDT", "rows": rows}
    ) as answer:
        assert answer.status == 400
        assert "makes no sense" in (await answer.json())["error"]


# the account


@pytest.mark.asyncio
async def test_a_new_key_opens_an_account(exchange: Any) -> None:
    usdt = (await exchange.fetch_balance())["USDT"]
    assert (usdt["free"], usdt["used"], usdt["total"]) == (10_000, 0, 10_000)
    assert await exchange.fetch_positions() == []
    assert await exchange.fetch_account_positions() == []


@pytest.mark.asyncio
async def test_settings_are_kept_and_told(exchange: Any) -> None:
    assert (await exchange.fetch_position_mode())["hedged"] is False
    await exchange.set_position_mode(True)
    assert (await exchange.fetch_position_mode())["hedged"] is True
    await exchange.set_leverage(7, BTC)
    await exchange.set_margin_mode("isolated", BTC)
    leverage = await exchange.fetch_leverage(BTC)
    assert (leverage["longLeverage"], leverage["marginMode"]) == (7, "isolated")
    assert (await exchange.fetch_leverage(ETH))["longLeverage"] == 20
    (tier,) = (await exchange.fetch_leverage_tiers([BTC]))[BTC]
    assert tier["maxLeverage"] == 50
    fee = await exchange.fetch_trading_fee(BTC)
    assert (fee["maker"], fee["taker"]) == (0.0002, 0.0005)


@pytest.mark.asyncio
async def test_settings_already_so_are_said_to_be_so(exchange: Any) -> None:
    with pytest.raises(ccxt.OperationRejected, match="-4059"):
        await exchange.set_position_mode(False)
    with pytest.raises(ccxt.BadRequest, match="-4028"):
        await exchange.set_leverage(51, BTC)
    await exchange.set_margin_mode("isolated", BTC)
    assert (await exchange.set_margin_mode("isolated", BTC))["code"] == -4046
    exchange.options["setMarginMode"]["throwMarginModeAlreadySet"] = True
    with pytest.raises(ccxt.MarginModeAlreadySet, match="-4046"):
        await exchange.set_margin_mode("isolated", BTC)


@pytest.mark.asyncio
async def test_modes_stand_while_something_is_open(exchange: Any) -> None:
    await exchange.create_order(BTC, "limit", "buy", 0.01, 50_000)
    with pytest.raises(ccxt.OperationRejected, match="-4067"):
        await exchange.set_position_mode(True)
    await exchange.cancel_all_orders(BTC)
    await exchange.create_order(BTC, "market", "buy", 0.01)
    with pytest.raises(ccxt.OperationRejected, match="-4068"):
        await exchange.set_position_mode(True)
    with pytest.raises(ccxt.OperationRejected, match="-4048"):
        await exchange.set_margin_mode("isolated", BTC)


@pytest.mark.asyncio
async def test_both_legs_are_held_side_by_side(hedged: Any, paper: Paper) -> None:
    await hedged.set_leverage(5, BTC)
    await hedged.create_order(BTC, "market", "buy", 0.4, None, LONG)
    await hedged.create_order(BTC, "market", "sell", 0.01, None, SHORT)
    await paper.price("61000")
    rows = {row["side"]: row for row in await hedged.fetch_positions([BTC])}
    assert {side: row["contracts"] for side, row in rows.items()} == {"long": 0.4, "short": 0.01}
    assert rows["long"]["markPrice"] == 61_000
    assert rows["long"]["unrealizedPnl"] == pytest.approx((61_000 - rows["long"]["entryPrice"]) * 0.4)
    assert rows["short"]["unrealizedPnl"] < 0 < rows["long"]["liquidationPrice"] < 61_000
    assert all(row["marginMode"] == "cross" for row in rows.values())
    older = await hedged.fetch_positions([BTC], {"useV2": True})
    assert {row["leverage"] for row in older} == {5}
    assert len(await hedged.fetch_account_positions([BTC])) == 2


@pytest.mark.asyncio
async def test_one_way_holds_one_position(exchange: Any) -> None:
    await exchange.create_order(BTC, "market", "buy", 0.02)
    await exchange.create_order(BTC, "market", "sell", 0.05)
    (row,) = await exchange.fetch_positions()
    assert (row["side"], row["contracts"]) == ("short", 0.03)
    await exchange.create_order(BTC, "market", "buy", 0.03, None, {"reduceOnly": True})
    assert await exchange.fetch_positions() == []


# plain orders


@pytest.mark.asyncio
async def test_a_market_order_comes_back_filled(hedged: Any) -> None:
    order = await hedged.create_order(BTC, "market", "buy", 0.01, None, {**LONG, "clientOrderId": "entry-1"})
    assert (order["status"], order["filled"], order["clientOrderId"]) == ("closed", 0.01, "entry-1")
    assert (order["average"], order["info"]["positionSide"]) == (60_000.1, "LONG")
    for params in ({"clientOrderId": "entry-1"}, {"origClientOrderId": "entry-1"}):
        assert (await hedged.fetch_order(None, BTC, params))["id"] == order["id"]
    assert (await hedged.fetch_order(order["id"], BTC))["clientOrderId"] == "entry-1"
    (trade,) = await hedged.fetch_my_trades(BTC)
    assert (trade["order"], trade["amount"], trade["price"]) == (order["id"], 0.01, 60_000.1)
    assert (trade["fee"]["currency"], trade["takerOrMaker"]) == ("USDT", "taker")
    assert trade["fee"]["cost"] == pytest.approx(600.001 * 0.0005)


@pytest.mark.asyncio
async def test_the_books_balance_after_a_round_trip(hedged: Any, paper: Paper) -> None:
    await hedged.create_order(BTC, "market", "buy", 0.01, None, LONG)
    await paper.price("62000")
    await hedged.create_order(BTC, "market", "sell", 0.01, None, LONG)
    trades = await hedged.fetch_my_trades(BTC)
    earned = sum(float(trade["info"]["realizedPnl"]) - trade["fee"]["cost"] for trade in trades)
    assert earned == pytest.approx((61_999.9 - 60_000.1) * 0.01 - (600.001 + 619.999) * 0.0005)
    assert (await hedged.fetch_balance())["USDT"]["total"] == pytest.approx(10_000 + earned)


@pytest.mark.asyncio
async def test_a_limit_order_rests_until_the_price_comes(hedged: Any, paper: Paper) -> None:
    params = {**LONG, "clientOrderId": "rest"}
    order = await hedged.create_order(BTC, "limit", "buy", 0.01, 59_000, params)
    assert (order["status"], order["filled"], order["timeInForce"]) == ("open", 0, "GTC")
    for listed in (await hedged.fetch_open_orders(BTC), await hedged.fetch_open_orders()):
        assert [row["clientOrderId"] for row in listed] == ["rest"]
    assert await hedged.fetch_open_orders(ETH) == []
    await paper.price("58999")
    done = await hedged.fetch_order(None, BTC, {"clientOrderId": "rest"})
    assert (done["status"], done["average"]) == ("closed", 59_000)
    assert await hedged.fetch_open_orders() == []
    assert (await hedged.fetch_my_trades(BTC))[0]["takerOrMaker"] == "maker"


@pytest.mark.asyncio
async def test_orders_are_cancelled_by_either_id_or_all_at_once(hedged: Any) -> None:
    orders = [
        await hedged.create_order(BTC, "limit", "buy", 0.01, 50_000, {**LONG, "clientOrderId": f"c-{n}"})
        for n in range(4)
    ]
    await hedged.cancel_order(orders[0]["id"], BTC)
    await hedged.cancel_order(None, BTC, {"clientOrderId": "c-1"})
    assert {row["clientOrderId"] for row in await hedged.fetch_open_orders()} == {"c-2", "c-3"}
    await hedged.cancel_all_orders(BTC)
    assert await hedged.fetch_open_orders() == []
    statuses = {row["clientOrderId"]: row["status"] for row in await hedged.fetch_orders(BTC)}
    assert statuses == {f"c-{n}": "canceled" for n in range(4)}
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await hedged.cancel_order(None, BTC, {"clientOrderId": "c-1"})


@pytest.mark.asyncio
async def test_a_finished_orders_client_id_buys_again(hedged: Any) -> None:
    params = {**LONG, "clientOrderId": "twice"}
    for _ in range(2):
        await hedged.create_order(BTC, "market", "buy", 0.01, None, params)
    (row,) = await hedged.fetch_positions()
    assert row["contracts"] == 0.02
    await hedged.create_order(BTC, "limit", "buy", 0.01, 50_000, params)
    with pytest.raises(ccxt.InvalidOrder, match="-4116"):
        await hedged.create_order(BTC, "limit", "buy", 0.01, 50_000, params)


@pytest.mark.asyncio
async def test_client_ids_may_hold_what_a_url_must_quote(hedged: Any) -> None:
    params = {"clientOrderId": "a/b:c.d_e-F"}
    await hedged.create_order(BTC, "limit", "buy", 0.01, 50_000, {**LONG, **params})
    assert (await hedged.fetch_order(None, BTC, params))["clientOrderId"] == "a/b:c.d_e-F"
    await hedged.cancel_order(None, BTC, params)


@pytest.mark.asyncio
async def test_executions_are_asked_for_by_time_and_order(hedged: Any) -> None:
    orders = []
    for _ in range(3):
        orders.append(await hedged.create_order(BTC, "market", "buy", 0.01, None, LONG))
        await asyncio.to_thread(_next_millisecond, hedged)
    trades = await hedged.fetch_my_trades(BTC)
    assert [trade["order"] for trade in trades] == [order["id"] for order in orders]
    since = trades[1]["timestamp"]
    assert len(await hedged.fetch_my_trades(BTC, since)) == 2
    assert len(await hedged.fetch_my_trades(BTC, since, 1)) == 1
    assert len(await hedged.fetch_my_trades(BTC, None, None, {"endTime": since - 1})) == 1
    (only,) = await hedged.fetch_my_trades(BTC, None, None, {"orderId": orders[1]["id"]})
    assert only["id"] == trades[1]["id"]
    later = await hedged.fetch_my_trades(BTC, None, None, {"fromId": trades[1]["id"]})
    assert [trade["id"] for trade in later] == [trade["id"] for trade in trades[1:]]
    (first,) = await hedged.fetch_my_trades(BTC, None, 1, {"fromId": trades[1]["id"]})
    assert first["id"] == trades[1]["id"]
    assert await hedged.fetch_my_trades(BTC, None, None, {"fromId": int(trades[2]["id"]) + 1}) == []
    with pytest.raises(ccxt.BadRequest, match="-1128"):
        await hedged.fetch_my_trades(BTC, since, None, {"fromId": trades[1]["id"]})
    assert await hedged.fetch_my_trades(ETH) == []
    assert len(await hedged.fetch_orders(BTC, None, None, {"orderId": orders[2]["id"]})) == 1


def _next_millisecond(exchange: Any) -> None:
    now = exchange.milliseconds()
    while exchange.milliseconds() == now:
        pass


# conditional orders


@pytest.mark.asyncio
async def test_a_stop_lives_in_a_book_of_its_own(hedged: Any) -> None:
    await hedged.create_order(BTC, "market", "buy", 0.01, None, LONG)
    stop = await hedged.create_order(
        BTC, "STOP_MARKET", "sell", 0.01, None, {**STOP, "clientOrderId": "stop"}
    )
    assert (stop["clientOrderId"], stop["status"], stop["triggerPrice"]) == ("stop", "open", 59_000)
    assert await hedged.fetch_open_orders(BTC) == []
    (listed,) = await hedged.fetch_open_orders(BTC, params={"trigger": True})
    assert (listed["id"], listed["info"]["workingType"]) == (stop["id"], "MARK_PRICE")
    found = await hedged.fetch_order(None, BTC, {"trigger": True, "clientAlgoId": "stop"})
    assert found["id"] == stop["id"]
    for call in (hedged.fetch_order, hedged.cancel_order):
        with pytest.raises(ccxt.OrderNotFound):
            await call(None, BTC, {"clientOrderId": "stop"})
    await hedged.cancel_order(None, BTC, {"trigger": True, "clientAlgoId": "stop"})
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await hedged.cancel_order(None, BTC, {"trigger": True, "clientAlgoId": "stop"})
    assert (await hedged.fetch_orders(BTC, params={"trigger": True}))[0]["status"] == "canceled"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("kind", "params", "price"),
    [
        ("STOP_MARKET", {"stopPrice": 59_000}, "58990"),
        ("market", {"stopLossPrice": 59_000}, "58990"),
        ("market", {"takeProfitPrice": 61_000}, "61010"),
        ("TAKE_PROFIT_MARKET", {"stopPrice": 61_000}, "61010"),
    ],
)
async def test_a_fired_order_leads_to_its_fill(
    hedged: Any, paper: Paper, kind: str, params: dict[str, Any], price: str
) -> None:
    await hedged.create_order(BTC, "market", "buy", 0.01, None, LONG)
    asked = {**LONG, **params, "clientOrderId": "exit"}
    placed = await hedged.create_order(BTC, kind, "sell", 0.01, None, asked)
    await paper.price(price)
    fired = await hedged.fetch_order(placed["id"], BTC, {"trigger": True, "clientAlgoId": "exit"})
    assert (fired["status"], fired["info"]["algoStatus"]) == ("closed", "FINISHED")
    child = await hedged.fetch_order(fired["info"]["actualOrderId"], BTC)
    assert (child["clientOrderId"], child["filled"]) == ("exit", 0.01)
    assert float(fired["info"]["actualPrice"]) == child["average"] == pytest.approx(float(price), abs=1)
    assert (await hedged.fetch_my_trades(BTC))[-1]["order"] == child["id"]
    assert await hedged.fetch_positions() == []


@pytest.mark.asyncio
async def test_a_stop_for_the_whole_position_goes_with_it(hedged: Any) -> None:
    await hedged.create_order(BTC, "market", "buy", 0.01, None, LONG)
    whole = {**STOP, "closePosition": True, "clientOrderId": "whole"}
    await hedged.create_order(BTC, "STOP_MARKET", "sell", None, None, whole)
    await hedged.create_order(BTC, "market", "sell", 0.01, None, LONG)
    assert await hedged.fetch_open_orders(BTC, params={"trigger": True}) == []
    gone = await hedged.fetch_order(None, BTC, {"trigger": True, "clientAlgoId": "whole"})
    assert gone["info"]["algoStatus"] == "EXPIRED"


@pytest.mark.asyncio
async def test_cancel_all_takes_one_book_only(hedged: Any) -> None:
    await hedged.create_order(BTC, "limit", "buy", 0.01, 50_000, LONG)
    await hedged.create_order(BTC, "STOP_MARKET", "sell", 0.01, None, STOP)
    await hedged.cancel_all_orders(BTC, {"trigger": True})
    assert await hedged.fetch_open_orders(None, params={"trigger": True}) == []
    assert len(await hedged.fetch_open_orders()) == 1


# refusals, as ccxt raises them on the real host


async def _order(exchange: Any, *words: Any, **params: Any) -> None:
    kind, side, amount, price = words
    await exchange.create_order(BTC, kind, side, amount, price, {**LONG, **params})


REFUSALS = [
    (ccxt.OperationRejected, "-4061", ("market", "buy", 0.01, None), {"positionSide": "BOTH"}),
    (ccxt.BadRequest, "-1106", ("market", "sell", 0.01, None), {"reduceOnly": True}),
    (ccxt.InvalidOrder, "-2022", ("market", "sell", 0.01, None), {}),
    (ccxt.InsufficientFunds, "-2019", ("market", "buy", 100, None), {}),
    (ccxt.InvalidOrder, "-4164", ("limit", "buy", 0.001, 4_000), {}),
    (ccxt.BadRequest, "-4005", ("market", "buy", 100_000, None), {}),
    (ccxt.BadRequest, "-4015", ("market", "buy", 0.01, None), {"clientOrderId": "x" * 37}),
    (ccxt.OrderNotFillable, "-5022", ("limit", "buy", 0.01, 61_000), {"postOnly": True}),
    (ccxt.OrderNotFillable, "-5021", ("limit", "buy", 0.01, 59_000), {"timeInForce": "FOK"}),
    (ccxt.OrderImmediatelyFillable, "-2021", ("market", "sell", 0.01, None), {"stopLossPrice": 61_000}),
    (ccxt.OrderImmediatelyFillable, "-2021", ("market", "sell", 0.01, None), {"takeProfitPrice": 59_000}),
    (ccxt.BadRequest, "-1116", ("limit", "sell", 0.01, 59_000), {"stopLossPrice": 59_000}),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("error", "code", "words", "params"), REFUSALS, ids=[row[1] for row in REFUSALS])
async def test_refusals(
    hedged: Any,
    paper: Paper,
    error: type[Exception],
    code: str,
    words: tuple[Any, ...],
    params: dict[str, Any],
) -> None:
    with pytest.raises(error) as caught:
        await _order(hedged, *words, **params)
    assert told(caught.value) == code
    state = await paper.state()
    assert (state["positions"], state["open_orders"], state["open_algos"]) == ([], [], [])
    assert (await paper.log())[-1]["code"] == int(code)


@pytest.mark.asyncio
async def test_conditional_orders_have_a_room_and_ids_of_their_own(hedged: Any) -> None:
    for n in range(10):
        await _order(hedged, "STOP_MARKET", "sell", 0.01, None, stopPrice=59_000, clientOrderId=f"s-{n}")
    with pytest.raises(ccxt.BadRequest, match="-20132"):
        await _order(hedged, "STOP_MARKET", "sell", 0.01, None, stopPrice=59_000, clientOrderId="s-0")
    with pytest.raises(ccxt.OperationRejected, match="-4045"):
        await _order(hedged, "STOP_MARKET", "sell", 0.01, None, stopPrice=59_000, clientOrderId="s-10")


@pytest.mark.asyncio
async def test_look_ups_of_what_never_was(hedged: Any) -> None:
    for params in ({"clientOrderId": "never"}, {"clientAlgoId": "never", "trigger": True}):
        with pytest.raises(ccxt.OrderNotFound, match="-2013"):
            await hedged.fetch_order(None, BTC, params)
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            await hedged.cancel_order(None, BTC, params)


@pytest.mark.asyncio
async def test_accounts_do_not_see_each_other(paper: Paper, hedged: Any) -> None:
    await hedged.create_order(BTC, "market", "buy", 0.01, None, {**LONG, "clientOrderId": "mine"})
    other = paper.ccxt("paper-2-other")
    other.set_markets_from_exchange(hedged)
    assert await other.fetch_positions() == []
    assert (await other.fetch_balance())["USDT"]["total"] == 10_000
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        await other.fetch_order(None, BTC, {"clientOrderId": "mine"})
    assert (await paper.state(KEY))["positions"] == [["BTCUSDT", "LONG", "0.01"]]
