"""Trouble on demand, as a client meets it, and the hooks that steer the paper exchange."""

from __future__ import annotations

import asyncio
from typing import Any

import ccxt
import pytest

from exchanges.paper.venue import PaperVenue
from tests.exchanges.paper.conftest import BTC, KEY, Paper, running, talking_to

ORDER = "/fapi/v1/order"
LONG = {"positionSide": "LONG", "clientOrderId": "once"}


async def buy(exchange: Any) -> Any:
    return await exchange.create_order(BTC, "market", "buy", 0.01, None, LONG)


async def is_there(exchange: Any) -> bool:
    try:
        return bool(await exchange.fetch_order(None, BTC, {"clientOrderId": "once"}))
    except ccxt.OrderNotFound:
        return False


MAYBE = [
    ("close_before", {}, ccxt.ExchangeNotAvailable, False),
    ("close_after", {}, ccxt.ExchangeNotAvailable, True),
    ("half_body", {}, ccxt.ExchangeError, True),
    ("answer", {"status": 503, "body": "Service Unavailable."}, ccxt.ExchangeNotAvailable, False),
    ("answer", {"status": 504}, ccxt.RequestTimeout, False),
    (
        "answer",
        {"status": 429, "body": '{"code":-1003,"msg":"Too many requests"}'},
        ccxt.DDoSProtection,
        False,
    ),
    ("answer", {"status": 418, "body": '{"code":-1003,"msg":"banned"}'}, ccxt.DDoSProtection, False),
    ("answer", {"status": 400, "body": '{"code":-1001,"msg":"DISCONNECTED"}'}, ccxt.OperationFailed, False),
    ("answer", {"status": 408, "body": '{"code":-1007,"msg":"Timeout"}'}, ccxt.RequestTimeout, False),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("kind", "words", "error", "is_done"), MAYBE)
async def test_the_outcome_of_an_order_in_trouble(
    hedged: Any, paper: Paper, kind: str, words: dict[str, Any], error: type[Exception], is_done: bool
) -> None:
    await paper.fault("POST", ORDER, kind, **words)
    with pytest.raises(error):
        await buy(hedged)
    assert await is_there(hedged) is is_done
    sent = [line for line in await paper.log(ORDER) if line["method"] == "POST"]
    assert [line["client_order_id"] for line in sent] == ["once"]
    assert sent[0]["status"] == (200 if is_done else words.get("status"))


@pytest.mark.asyncio
async def test_a_page_instead_of_an_answer_is_an_order_without_an_id(hedged: Any, paper: Paper) -> None:
    await paper.fault("POST", ORDER, "answer", status=200, body="<html>")
    assert (await buy(hedged))["id"] is None
    assert not await is_there(hedged)


@pytest.mark.asyncio
async def test_a_late_answer_hides_an_order_that_is_there(hedged: Any, paper: Paper) -> None:
    await paper.fault("POST", ORDER, "delay_after", seconds=30)
    hedged.timeout = 200
    with pytest.raises(ccxt.RequestTimeout):
        await buy(hedged)
    hedged.timeout = 5000
    assert await is_there(hedged)


@pytest.mark.asyncio
async def test_a_slow_exchange_does_it_after_the_client_gave_up(hedged: Any, paper: Paper) -> None:
    await paper.fault("POST", ORDER, "delay_before", seconds=1)
    hedged.timeout = 200
    with pytest.raises(ccxt.RequestTimeout):
        await buy(hedged)
    hedged.timeout = 5000
    assert not await is_there(hedged)
    await paper.until(lambda: is_there(hedged), "the late order")


@pytest.mark.asyncio
async def test_a_request_delayed_beyond_its_window_is_refused(hedged: Any, paper: Paper) -> None:
    await paper.fault("POST", ORDER, "delay_before", seconds=0.5)
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        await hedged.create_order(BTC, "market", "buy", 0.01, None, {**LONG, "recvWindow": 100})
    assert not await is_there(hedged)


@pytest.mark.asyncio
async def test_faults_are_counted_and_can_be_taken_back(exchange: Any, paper: Paper) -> None:
    await paper.fault("GET", "/fapi/v1/time", "answer", times=2)
    for _ in range(2):
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await exchange.fetch_time()
    assert await exchange.fetch_time()
    await paper.fault("GET", "/fapi/v1/time", "close_before", times=1000)
    await paper.hook("faults", method="DELETE")
    assert await exchange.fetch_time()


# hooks


BAD_HOOKS: list[tuple[str, Any]] = [
    ("price", {"symbol": "NOPE", "price": "1"}),
    ("price", {"symbol": ["BTCUSDT"], "price": "1"}),
    ("price", {"symbol": "BTCUSDT"}),
    *(
        ("price", {"symbol": "BTCUSDT", "price": price})
        for price in ("0", "-1", "NaN", "abc", "1e30", None, [], "")
    ),
    ("price", []),
    ("faults", {"method": "GET", "path": "/"}),
    ("faults", {"method": "GET", "path": "/", "kind": "explode"}),
    ("faults", {"method": "GET", "path": "/", "kind": "answer", "status": "x"}),
    ("faults", {"method": "GET", "path": "/", "kind": "answer", "status": 42}),
    ("faults", {"method": "GET", "path": "/", "kind": "answer", "body": {}}),
    ("faults", {"method": "GET", "path": "/", "kind": "close_after", "times": 0}),
    ("faults", {"method": "GET", "path": "/", "kind": "close_after", "times": "2"}),
    ("faults", {"method": "GET", "path": "/", "kind": "delay_after", "seconds": 3600}),
    ("faults", {"method": "GET", "path": "/", "kind": "answer", "colour": "red"}),
    ("faults", 7),
    ("funding", {"symbol": "BTCUSDT"}),
    ("funding", {"symbol": "NOPE", "rate": "0.0001"}),
    ("funding", {"symbol": "BTCUSDT", "rate": "0.2"}),
    ("funding", {"symbol": "BTCUSDT", "rate": "NaN"}),
    ("adl", {"api_key": "paper-nobody", "symbol": "BTCUSDT"}),
    ("liquidate", {"api_key": KEY}),
    ("manual", {"api_key": "paper-nobody", "symbol": "BTCUSDT", "side": "BUY", "quantity": "1"}),
    ("manual", []),
    ("listen_key/expire", {}),
    ("listen_key/expire", {"api_key": "paper-nobody"}),
    ("listen_key/expire", {"api_key": []}),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("path", "words"), BAD_HOOKS)
async def test_hooks_that_make_no_sense_say_so(paper: Paper, path: str, words: Any) -> None:
    async with paper.session.post(f"{paper.url}/paper/{path}", json=words) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe"])
async def test_hooks_want_json(paper: Paper, body: bytes) -> None:
    for kind in ("application/json", "application/json; charset=nonsense"):
        headers = {"Content-Type": kind}
        async with paper.session.post(f"{paper.url}/paper/price", data=body, headers=headers) as answer:
            assert answer.status == 400
    async with paper.session.get(f"{paper.url}/paper/requests?since=x") as answer:
        assert answer.status == 400


@pytest.mark.asyncio
async def test_the_state_names_what_each_account_has(hedged: Any, paper: Paper) -> None:
    await buy(hedged)
    await hedged.create_order(BTC, "limit", "buy", 0.01, 50_000, {**LONG, "clientOrderId": "rest"})
    stop = {**LONG, "stopPrice": 50_000, "clientOrderId": "stop"}
    await hedged.create_order(BTC, "STOP_MARKET", "sell", 0.01, None, stop)
    state = await paper.state(KEY)
    assert float(state["wallet"]) < 10_000
    assert (state["positions"], state["open_orders"], state["open_algos"]) == (
        [["BTCUSDT", "LONG", "0.01"]],
        ["rest"],
        ["stop"],
    )
    assert state["private_sockets"] == 0


@pytest.mark.asyncio
async def test_prices_walk_until_they_are_paused() -> None:
    async with running(PaperVenue(seed=7, speed=600)) as url, talking_to(url) as paper:
        exchange = paper.ccxt()

        async def price() -> float:
            return float((await exchange.fetch_mark_price(BTC))["markPrice"])

        first = await price()

        async def has_moved() -> bool:
            return await price() != first

        await paper.until(has_moved, "a price step")
        await paper.hook("pause")
        still, told = await price(), await exchange.watch_mark_price(BTC)
        again = await asyncio.wait_for(exchange.watch_mark_price(BTC), 10)
        assert still == told["markPrice"] == again["markPrice"] == await price()
        await paper.hook("resume")
        first = still
        await paper.until(has_moved, "a price step")
