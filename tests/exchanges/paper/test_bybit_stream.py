"""Bybit's streams through unmodified ccxt, and what it cannot show straight from the socket."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from exchanges.paper.signing import paper_secret
from tests.exchanges.paper.bybit import KEY, LONG, bybit, hedged_bybit
from tests.exchanges.paper.conftest import BTC, Paper
from tests.exchanges.paper.test_binance_stream import soon, watched

__all__ = ["bybit", "hedged_bybit"]
ETH = "ETH/USDT:USDT"
TOPICS = ["order", "execution", "position", "wallet"]
pytestmark = pytest.mark.asyncio


def auth(key: str = KEY, *, expires: int | None = None, secret: str | None = None) -> dict[str, Any]:
    at = time.time_ns() // 1_000_000 + 10_000 if expires is None else expires
    sign = hmac.new((secret or paper_secret(key)).encode(), f"GET/realtime{at}".encode(), sha256).hexdigest()
    return {"op": "auth", "args": [key, at, sign]}


@asynccontextmanager
async def listening(paper: Paper) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with paper.session.ws_connect(f"{paper.url}/v5/private") as line:
        await line.send_json(auth())
        assert (await soon(line.receive_json()))["success"] is True
        for topic in TOPICS:
            await line.send_json({"op": "subscribe", "args": [topic], "req_id": topic})
            assert (await soon(line.receive_json()))["success"] is True
        yield line


async def heard(line: aiohttp.ClientWebSocketResponse, count: int) -> list[tuple[str, Any]]:
    """Topic and row of so many messages."""
    told = [await soon(line.receive_json()) for _ in range(count)]
    return [(one["topic"], one["data"][0]) for one in told]


def statuses(rows: list[tuple[str, Any]]) -> list[str]:
    return [row["orderStatus"] for topic, row in rows if topic == "order"]


# public


async def test_every_public_topic_follows_the_price(bybit: Any, paper: Paper) -> None:
    await paper.price("61000")
    ticker = await watched(lambda: bybit.watch_ticker(BTC), lambda told: told["last"] == 61_000)
    assert (ticker["markPrice"], ticker["bid"], ticker["ask"]) == (61_000, 60_999.9, 61_000.1)
    await paper.price("62000")
    ticker = await watched(lambda: bybit.watch_ticker(BTC), lambda told: told["last"] == 62_000)
    assert (ticker["bid"], ticker["symbol"]) == (61_999.9, BTC)
    best = (await soon(bybit.watch_bids_asks([BTC])))[BTC]
    assert (best["bid"], best["ask"]) == (61_999.9, 62_000.1)
    assert (await soon(bybit.watch_order_book(BTC)))["asks"][0][0] == 62_000.1
    assert (await soon(bybit.watch_trades(BTC)))[-1]["price"] == 62_000
    assert (await soon(bybit.watch_ohlcv(BTC, "5m")))[-1][4] == 62_000
    assert set(await soon(bybit.watch_tickers([BTC, ETH]))) <= {BTC, ETH}


async def test_a_ticker_is_told_whole_and_then_by_what_changes(paper: Paper) -> None:
    async with paper.session.ws_connect(f"{paper.url}/v5/public/linear") as line:
        await line.send_json({"op": "subscribe", "args": ["tickers.BTCUSDT"], "req_id": "1"})
        answer, whole = await soon(line.receive_json()), await soon(line.receive_json())
        assert (answer["success"], answer["req_id"], whole["type"]) == (True, "1", "snapshot")
        assert whole["data"]["markPrice"] == "60000"
        await paper.price("60100")
        change = await soon(line.receive_json())
        assert (change["type"], change["data"]["markPrice"]) == ("delta", "60100")
        assert "fundingRate" not in change["data"]
        await line.send_json({"op": "ping", "req_id": "2"})
        assert (await soon(line.receive_json()))["ret_msg"] == "pong"
        await line.send_json({"op": "subscribe", "args": ["tickers.NOPE"]})
        refused = await soon(line.receive_json())
        assert (refused["success"], "handler not found" in refused["ret_msg"]) == (False, True)


# private


async def test_only_who_proves_who_he_is_is_told_anything(paper: Paper) -> None:
    async with paper.session.ws_connect(f"{paper.url}/v5/private") as line:
        await line.send_json({"op": "subscribe", "args": ["order"]})
        assert (await soon(line.receive_json()))["success"] is False
        await line.send_json({"op": "ping"})
        assert (await soon(line.receive_json()))["op"] == "pong"
    for wrong in (auth(secret="wrong"), auth(expires=1), auth("somebody"), {"op": "auth"}):
        async with paper.session.ws_connect(f"{paper.url}/v5/private") as line:
            await line.send_json(wrong)
            assert (await soon(line.receive_json()))["success"] is False
            assert (await soon(line.receive())).type is aiohttp.WSMsgType.CLOSE


async def test_an_order_is_told_with_its_execution_position_and_wallet(
    hedged_bybit: Any, paper: Paper
) -> None:
    async with listening(paper) as line:
        name = {**LONG, "clientOrderId": "one"}
        await hedged_bybit.create_order(BTC, "market", "buy", 0.01, None, name)
        rows = await heard(line, 5)
    assert [topic for topic, _ in rows] == ["order", "execution", "order", "position", "wallet"]
    assert statuses(rows) == ["New", "Filled"]
    told = dict(rows)
    assert (told["execution"]["orderLinkId"], told["execution"]["execQty"]) == ("one", "0.01")
    assert (told["position"]["size"], told["position"]["positionIdx"]) == ("0.01", 1)
    assert float(told["position"]["entryPrice"]) == 60_000.1
    assert float(told["wallet"]["coin"][0]["walletBalance"]) < 10_000


async def test_a_condition_that_fires_is_one_order_to_its_end(hedged_bybit: Any, paper: Paper) -> None:
    await hedged_bybit.create_order(BTC, "market", "buy", 0.01, None, LONG)
    async with listening(paper) as line:
        stop = {**LONG, "clientOrderId": "stop", "stopLossPrice": 59_000}
        await hedged_bybit.create_order(BTC, "market", "sell", 0.01, None, stop)
        rows = await heard(line, 1)
        await paper.price("58000")
        rows += await heard(line, 6)
    assert statuses(rows) == ["Untriggered", "Triggered", "New", "Filled"]
    orders = [row for topic, row in rows if topic == "order"]
    assert len({row["orderId"] for row in orders}) == len({row["orderLinkId"] for row in orders}) == 1
    assert {row["stopOrderType"] for row in orders} == {"Stop"}


async def test_ccxt_watches_orders_trades_positions_and_the_wallet(hedged_bybit: Any) -> None:
    first = asyncio.ensure_future(hedged_bybit.watch_orders(BTC))
    trades = asyncio.ensure_future(hedged_bybit.watch_my_trades(BTC))
    wallet = asyncio.ensure_future(hedged_bybit.watch_balance())
    await hedged_bybit.watch_positions([BTC])  # what is held, from the listing
    positions = asyncio.ensure_future(hedged_bybit.watch_positions([BTC]))

    async def everything() -> list[Any]:
        while not all(one.done() for one in (first, trades, wallet, positions)):
            await hedged_bybit.create_order(BTC, "market", "buy", 0.01, None, LONG)
        return [one.result() for one in (first, trades, wallet, positions)]

    orders, executions, balance, held = await soon(everything())
    assert orders[-1]["symbol"] == executions[-1]["symbol"] == BTC
    assert balance["USDT"]["total"] < 10_000
    assert held[-1]["side"] == "long"


async def test_funding_and_the_exchanges_own_closings_are_executions_of_their_kind(
    hedged_bybit: Any, paper: Paper
) -> None:
    await hedged_bybit.create_order(BTC, "market", "buy", 0.01, None, LONG)
    async with listening(paper) as line:
        await paper.hook("funding", symbol="BTCUSDT", rate="0.001")
        paid = dict(await heard(line, 2))
        await paper.hook("liquidate", api_key=KEY, symbol="BTCUSDT", position_side="LONG")
        closed = dict(await heard(line, 5))
    assert (paid["execution"]["execType"], paid["execution"]["execFee"]) == ("Funding", "0.60000000")
    assert (closed["execution"]["execType"], closed["execution"]["orderLinkId"]) == ("BustTrade", "")
    assert (closed["order"]["createType"], closed["position"]["size"]) == ("CreateByLiq", "0.00")


# trouble


async def test_the_same_trouble_befalls_the_topics(hedged_bybit: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        await paper.hook("streams/faults", kind="drop", event="execution")
        await paper.hook("streams/faults", kind="duplicate", event="wallet")
        await hedged_bybit.create_order(BTC, "market", "buy", 0.01, None, LONG)
        rows = await heard(line, 5)
        assert [topic for topic, _ in rows] == ["order", "order", "position", "wallet", "wallet"]
        assert (await paper.hook("streams/silence", api_key=KEY))["silenced"] == 1
        await hedged_bybit.create_order(BTC, "market", "buy", 0.01, None, LONG)
        await line.send_json({"op": "ping"})
        assert (await soon(line.receive_json()))["op"] == "pong"  # alive, and deaf
        assert (await paper.hook("streams/cut", api_key=KEY))["cut"] == 1
        assert (await soon(line.receive())).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_a_cut_client_comes_back_by_itself(hedged_bybit: Any, paper: Paper) -> None:
    watching = asyncio.ensure_future(hedged_bybit.watch_orders(BTC))
    await paper.listened_to(KEY)
    await paper.hook("streams/cut", api_key=KEY)
    with pytest.raises(Exception, match="1006"):
        await soon(watching)
    again = asyncio.ensure_future(hedged_bybit.watch_orders(BTC))

    async def bought() -> Any:
        while not again.done():
            await hedged_bybit.create_order(BTC, "market", "buy", 0.01, None, LONG)
        return again.result()

    assert (await soon(bought()))[-1]["symbol"] == BTC
