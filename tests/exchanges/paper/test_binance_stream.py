"""Streams through the stock ccxt.pro class, and what it cannot show straight from the socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from exchanges.ccxt_of_our_venues import ccxt
from exchanges.paper.signing import listen_key
from tests.exchanges.paper.conftest import BTC, DEADLINE_SECONDS, KEY, Paper

ETH = "ETH/USDT:USDT"
LONG = {"positionSide": "LONG"}
STOP = {**LONG, "stopPrice": 59_000, "clientOrderId": "stop"}


async def soon(waiting: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(waiting, DEADLINE_SECONDS)


async def watched(watch: Callable[[], Awaitable[Any]], is_it: Callable[[Any], Any]) -> Any:
    """Watch until an answer is the one."""

    async def until() -> Any:
        while not is_it(found := await watch()):
            pass
        return found

    return await soon(until())


# public


@pytest.mark.asyncio
async def test_mark_prices_of_one_of_some_and_of_all(exchange: Any, paper: Paper) -> None:
    assert (await soon(exchange.watch_mark_price(BTC)))["markPrice"] == 60_000
    await paper.price("61000.5")
    await watched(lambda: exchange.watch_mark_price(BTC), lambda told: told["markPrice"] == 61_000.5)
    some = await soon(exchange.watch_mark_prices([BTC, ETH]))
    assert set(some) <= {BTC, ETH}
    every = await soon(exchange.watch_mark_prices())
    assert every[BTC]["markPrice"] == 61_000.5


@pytest.mark.asyncio
async def test_every_public_stream_follows_the_price(exchange: Any, paper: Paper) -> None:
    await paper.price("61000")
    ticker = await watched(lambda: exchange.watch_ticker(BTC), lambda told: told["last"] == 61_000)
    assert ticker["low"] <= ticker["open"] <= ticker["high"]
    best = (await soon(exchange.watch_bids_asks([BTC])))[BTC]
    assert (best["bid"], best["ask"]) == (60_999.9, 61_000.1)
    assert (await soon(exchange.watch_trades(BTC)))[-1]["price"] == 61_000
    assert set(await soon(exchange.watch_tickers([BTC, ETH]))) <= {BTC, ETH}


@pytest.mark.asyncio
@pytest.mark.parametrize(("interval", "length"), [("1m", 60_000), ("15m", 900_000)])
async def test_candles_of_the_interval_asked_for(exchange: Any, interval: str, length: int) -> None:
    rows = await soon(exchange.watch_ohlcv(BTC, interval))
    assert rows[-1][0] % length == 0
    assert rows[-1] == (await exchange.fetch_ohlcv(BTC, interval))[-1]


@pytest.mark.asyncio
async def test_an_order_book_has_no_levels_of_the_past(exchange: Any, paper: Paper) -> None:
    await soon(exchange.watch_order_book(BTC))
    for price in (61_000, 59_000, 60_500):
        await paper.price(price)
        book = await watched(
            lambda: exchange.watch_order_book(BTC), lambda told, p=price: told["asks"][0][0] == p + 0.1
        )
        assert [level[0] for level in book["asks"]] == [price + 0.1]
        assert [level[0] for level in book["bids"]] == [price - 0.1]


@pytest.mark.asyncio
async def test_words_that_are_no_subscription_harm_nobody(paper: Paper) -> None:
    nonsense = [
        "", "[]", "1", "null", "{", "[" * 100_000, '{"method":"DANCE","id":1}', '{"method":[],"id":1}',
        '{"method":"SUBSCRIBE","params":7,"id":1}', '{"method":"SUBSCRIBE","params":[[]],"id":1}',
        '{"method":"SUBSCRIBE","params":[1,null,"","!","@","!x@arr","btcusdt@","btcusdt@kline_7m"],"id":1}',
        json.dumps({"method": "SUBSCRIBE", "params": [str(n) for n in range(2000)], "id": 1}),
    ]  # fmt: skip
    async with paper.session.ws_connect(f"{paper.url}/market/ws/1") as line:
        for text in nonsense:
            await line.send_str(text)
            answer = await soon(line.receive_json())
            assert "error" in answer or answer == {"result": None, "id": 1}
        await line.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@markPrice@1s"], "id": 2})
        assert await soon(line.receive_json()) == {"result": None, "id": 2}
        assert (await soon(line.receive_json()))["e"] == "markPriceUpdate"
        await line.send_json({"method": "UNSUBSCRIBE", "params": ["btcusdt@markPrice@1s"], "id": 3})
        while (await soon(line.receive_json())) != {"result": None, "id": 3}:
            pass


# private


@pytest.mark.asyncio
async def test_orders_trades_and_positions_are_told(hedged: Any, paper: Paper) -> None:
    orders = asyncio.create_task(watched(hedged.watch_orders, lambda rows: rows[-1]["status"] == "closed"))
    await paper.listened_to()
    trades = asyncio.create_task(soon(hedged.watch_my_trades()))
    placed = await hedged.create_order(BTC, "market", "buy", 0.01, None, {**LONG, "clientOrderId": "in"})
    order, trade = (await orders)[-1], (await trades)[-1]
    assert (order["id"], order["clientOrderId"], order["filled"]) == (placed["id"], "in", 0.01)
    assert (order["info"]["ps"], order["average"]) == ("LONG", placed["average"])
    (asked,) = await hedged.fetch_my_trades(BTC)
    assert (trade["id"], trade["order"], trade["fee"]["cost"]) == (
        asked["id"],
        placed["id"],
        asked["fee"]["cost"],
    )


@pytest.mark.asyncio
async def test_positions_are_told_as_they_change(hedged: Any, paper: Paper) -> None:
    orders = asyncio.create_task(hedged.watch_orders())
    await paper.listened_to()
    for side, contracts in (("buy", 0.01), ("buy", 0.02), ("sell", 0.01)):
        told = asyncio.create_task(watched(hedged.watch_positions, lambda rows: rows))
        await paper.until(lambda: _waits_for_positions(hedged), "a waiting watch_positions")
        await hedged.create_order(BTC, "market", side, 0.01, None, LONG)
        (held,) = await told
        assert (held["side"], held["contracts"]) == ("long", contracts)
        assert held["entryPrice"] == (await hedged.fetch_positions())[0]["entryPrice"]
    assert await soon(orders)


async def _waits_for_positions(exchange: Any) -> bool:
    names = [name for line in exchange.clients.values() for name in line.futures]
    return any("positions" in name and "Snapshot" not in name for name in names)


@pytest.mark.asyncio
async def test_the_wallet_is_told(hedged: Any, paper: Paper) -> None:
    watching = asyncio.create_task(
        watched(hedged.watch_balance, lambda told: told["USDT"]["total"] != 10_000)
    )
    await paper.listened_to()
    await hedged.create_order(BTC, "market", "buy", 0.01, None, LONG)
    assert (await watching)["USDT"]["total"] == (await hedged.fetch_balance())["USDT"]["total"] - _unrealized(
        await hedged.fetch_positions()
    )


def _unrealized(positions: list[Any]) -> float:
    return sum(row["unrealizedPnl"] for row in positions)


@pytest.mark.asyncio
async def test_a_stop_that_fires_is_told_through_ccxt(hedged: Any, paper: Paper) -> None:
    seen: list[Any] = []

    async def collect() -> None:
        while "FINISHED" not in {row["info"].get("X") for row in seen}:
            seen.extend(await hedged.watch_orders())

    collecting = asyncio.create_task(soon(collect()))
    await paper.listened_to()
    await hedged.create_order(BTC, "market", "buy", 0.01, None, LONG)
    await hedged.create_order(BTC, "STOP_MARKET", "sell", 0.01, None, STOP)
    await paper.price("58000")
    await collecting
    finished = next(row for row in seen if row["info"].get("X") == "FINISHED")
    assert finished["info"]["ai"] in {row["id"] for row in seen if row["info"].get("X") == "FILLED"}
    assert (finished["info"]["caid"], finished["info"]["aq"]) == ("stop", "0.01")


async def events_of(line: aiohttp.ClientWebSocketResponse, last: tuple[str, str]) -> list[tuple[str, str]]:
    """(event, state) in the order they came, up to `last`."""
    seen: list[tuple[str, str]] = []
    while not seen or seen[-1] != last:
        told = await soon(line.receive_json())
        seen.append((told["e"], told["o"]["X"] if "o" in told else told.get("a", {}).get("m", "")))
    return seen


@pytest.mark.asyncio
async def test_the_life_of_a_stop_event_by_event(hedged: Any, paper: Paper) -> None:
    async with paper.session.ws_connect(f"{paper.url}/private/ws?listenKey={listen_key(KEY)}") as line:
        await paper.listened_to()
        await hedged.create_order(BTC, "market", "buy", 0.01, None, LONG)
        await hedged.create_order(BTC, "STOP_MARKET", "sell", 0.01, None, STOP)
        await paper.price("58000")
        assert await events_of(line, ("ALGO_UPDATE", "FINISHED")) == [
            ("ORDER_TRADE_UPDATE", "NEW"),
            ("ORDER_TRADE_UPDATE", "FILLED"),
            ("ACCOUNT_UPDATE", "ORDER"),
            ("ALGO_UPDATE", "NEW"),
            ("ALGO_UPDATE", "TRIGGERING"),
            ("ORDER_TRADE_UPDATE", "NEW"),
            ("ALGO_UPDATE", "TRIGGERED"),
            ("ORDER_TRADE_UPDATE", "FILLED"),
            ("ACCOUNT_UPDATE", "ORDER"),
            ("ALGO_UPDATE", "FINISHED"),
        ]


@pytest.mark.asyncio
async def test_a_stream_tells_of_its_own_account_only(hedged: Any, paper: Paper) -> None:
    other = paper.ccxt("paper-2-other")
    await other.load_markets()
    async with paper.session.ws_connect(f"{paper.url}/private/ws?listenKey={listen_key(KEY)}") as line:
        await paper.listened_to()
        await other.create_order(BTC, "market", "buy", 0.01)
        await hedged.create_order(BTC, "market", "buy", 0.01, None, {**LONG, "clientOrderId": "mine"})
        assert (await soon(line.receive_json()))["o"]["c"] == "mine"


# a stream that breaks


@pytest.mark.asyncio
async def test_a_cut_socket_is_an_error_and_comes_back(hedged: Any, paper: Paper) -> None:
    watching = asyncio.create_task(hedged.watch_orders())
    await paper.listened_to()
    assert await paper.hook("streams/cut") == {"cut": 1}
    with pytest.raises(ccxt.NetworkError):
        await soon(watching)
    again = asyncio.create_task(hedged.watch_orders())
    await paper.listened_to()
    await hedged.create_order(BTC, "market", "buy", 0.01, None, LONG)
    assert (await soon(again))[-1]["symbol"] == BTC


@pytest.mark.asyncio
async def test_an_expired_key_silences_the_socket_and_is_refused(hedged: Any, paper: Paper) -> None:
    address = f"{paper.url}/private/ws?listenKey={listen_key(KEY)}"
    async with paper.session.ws_connect(address) as line:
        await paper.listened_to()
        await paper.hook("listen_key/expire", api_key=KEY)
        assert (await soon(line.receive_json()))["e"] == "listenKeyExpired"
        await hedged.create_order(BTC, "market", "buy", 0.01, None, LONG)
        async with paper.session.ws_connect(address) as refused:
            assert (await soon(refused.receive())).type is aiohttp.WSMsgType.CLOSE
            assert refused.close_code == 1008
        await paper.send("POST", "/fapi/v1/listenKey")  # the key works again, on a new socket
        async with paper.session.ws_connect(address) as fresh:
            await paper.listened_to()
            await hedged.create_order(BTC, "market", "sell", 0.01, None, LONG)
            assert (await soon(fresh.receive_json()))["e"] == "ORDER_TRADE_UPDATE"
        await paper.hook("streams/cut")
        rest = [message async for message in line]
    assert not [message for message in rest if message.type is aiohttp.WSMsgType.TEXT]


@pytest.mark.asyncio
async def test_an_expired_socket_may_be_closed_too(hedged: Any, paper: Paper) -> None:
    watching = asyncio.create_task(hedged.watch_orders())
    await paper.listened_to()
    await paper.hook("listen_key/expire", api_key=KEY, close=True)
    with pytest.raises(ccxt.NetworkError, match="1008"):
        await soon(watching)
    with pytest.raises(ccxt.NetworkError, match="1008"):
        await soon(hedged.watch_orders())  # the same key until it is told to ask for a new one
    hedged.options["linear"]["lastAuthenticatedTime"] = 0
    again = asyncio.create_task(hedged.watch_orders())
    await paper.listened_to()
    await hedged.create_order(BTC, "market", "buy", 0.01, None, LONG)
    assert await soon(again)


@pytest.mark.asyncio
async def test_an_unknown_key_gets_no_stream(paper: Paper) -> None:
    for key in ("", "unknown", listen_key("paper-nobody")):
        async with paper.session.ws_connect(f"{paper.url}/private/ws?listenKey={key}") as line:
            await soon(line.receive())
            assert line.close_code == 1008
