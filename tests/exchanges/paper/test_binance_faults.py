"""Trouble on demand, as a client meets it, and the hooks that steer the paper exchange."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from exchanges.ccxt_of_our_venues import ccxt
from exchanges.paper.fault_kinds import WORK_IS_DONE, RequestKind
from exchanges.paper.venue import PaperVenue
from tests.exchanges.paper.conftest import BTC, KEY, Paper, running, talking_to
from tests.sampling import sample

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
    ("answer_after", {}, ccxt.ExchangeNotAvailable, True),
    ("answer_after", {"status": 504}, ccxt.RequestTimeout, True),
    ("answer_after", {"body": '{"code":-1000,"msg":"Unknown error"}'}, ccxt.OperationFailed, True),
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
@pytest.mark.parametrize("kind", ["html", "html_after", "empty", "empty_after"])
async def test_a_page_or_nothing_instead_of_an_answer_is_an_order_without_an_id(
    hedged: Any, paper: Paper, kind: str
) -> None:
    await paper.fault("POST", ORDER, kind)
    assert (await buy(hedged))["id"] is None
    assert await is_there(hedged) is (RequestKind(kind) in WORK_IS_DONE)


@pytest.mark.asyncio
@pytest.mark.parametrize(("kind", "status"), [("too_many", 429), ("banned", 418)])
async def test_too_many_requests_say_when_to_come_back(
    hedged: Any, paper: Paper, kind: str, status: int
) -> None:
    await paper.fault("*", "*", kind, seconds=2.5, times=2)
    async with paper.session.get(f"{paper.url}/fapi/v1/ping") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (status, "3")
        assert (await answer.json())["code"] == -1003
    with pytest.raises(ccxt.DDoSProtection, match="-1003"):
        await buy(hedged)
    assert not await is_there(hedged)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", sample(list(RequestKind), 3))
async def test_the_table_of_what_gets_done_is_true(hedged: Any, paper: Paper, kind: RequestKind) -> None:
    """Whatever the client saw, this is what the exchange did."""
    await paper.fault("POST", ORDER, kind, seconds=0.01)
    try:
        params = {**LONG, "recvWindow": 3000}
        order = await hedged.create_order(BTC, "market", "buy", 0.01, None, params)
    except ccxt.BaseError:
        order = {}
    assert await is_there(hedged) is (kind in WORK_IS_DONE)
    if kind is RequestKind.EVENT_FIRST:
        assert order["status"] == "closed"


@pytest.mark.asyncio
@pytest.mark.parametrize("offset", [-5000, 5000])
async def test_a_wrong_clock_refuses_and_is_told_on_the_wire(hedged: Any, paper: Paper, offset: int) -> None:
    await paper.hook("clock", offset_ms=offset)
    short = {**LONG, "recvWindow": 3000}
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        await hedged.create_order(BTC, "market", "buy", 0.01, None, short)
    assert abs(await hedged.fetch_time() - hedged.milliseconds() - offset) < 1000
    await hedged.load_time_difference()
    order = await hedged.create_order(BTC, "market", "buy", 0.01, None, short)
    assert abs(order["timestamp"] - time.time() * 1000 - offset) < 1000
    assert (await hedged.fetch_my_trades(BTC))[0]["timestamp"] == order["timestamp"]
    await paper.hook("clock", offset_ms=0)
    assert abs(await hedged.fetch_time() - time.time() * 1000) < 1000


@pytest.mark.asyncio
@pytest.mark.parametrize("skew_ms", [-5000, 5000])
async def test_one_request_may_meet_a_wrong_clock(hedged: Any, paper: Paper, skew_ms: int) -> None:
    await paper.fault("POST", ORDER, "clock_skew", skew_ms=skew_ms)
    short = {**LONG, "recvWindow": 3000}
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        await hedged.create_order(BTC, "market", "buy", 0.01, None, short)
    assert await hedged.create_order(BTC, "market", "buy", 0.01, None, short)


@pytest.mark.asyncio
async def test_a_fault_may_be_meant_for_any_path(exchange: Any, paper: Paper) -> None:
    await paper.fault("GET", "/fapi/v1/p*", "answer", times=2)
    for path, status in (("time", 200), ("ping", 503), ("premiumIndex", 503), ("ping", 200)):
        async with paper.session.get(f"{paper.url}/fapi/v1/{path}") as answer:
            assert answer.status == status


@pytest.mark.asyncio
async def test_a_fault_may_be_meant_for_order_calls_alone(hedged: Any, paper: Paper) -> None:
    await paper.fault("*", "*", "answer_after", orders_only=True, times=2)
    stop = {"positionSide": "LONG", "stopPrice": 50_000, "clientOrderId": "stop"}
    assert await hedged.fetch_balance()
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await buy(hedged)
    assert await is_there(hedged)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await hedged.create_order(BTC, "STOP_MARKET", "sell", 0.01, None, stop)
    assert [order["clientOrderId"] for order in await hedged.fetch_open_orders(params={"trigger": True})] == [
        "stop"
    ]


@pytest.mark.asyncio
async def test_the_http_client_sends_a_cancel_again_by_itself(hedged: Any, paper: Paper) -> None:
    """A DELETE on a kept connection that breaks: the cancel is done, and its repetition finds nothing to cancel."""
    resting = await hedged.create_order(BTC, "limit", "buy", 0.01, 50_000, LONG)
    await paper.fault("DELETE", ORDER, "close_after")
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await hedged.cancel_order(resting["id"], BTC)
    assert (await hedged.fetch_order(resting["id"], BTC))["status"] == "canceled"
    assert [line["status"] for line in await paper.log(ORDER) if line["method"] == "DELETE"] == [200, 400]


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
    """The window is checked when the work begins, not when the request came."""
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
    ("faults", {"kind": "clock_skew", "skew_ms": "1"}),
    ("faults", 7),
    ("clock", {}),
    ("clock", {"offset_ms": "5"}),
    ("clock", {"offset_ms": 10**9}),
    ("limits", {"orders_per_10s": 0}),
    ("limits", {"orders_per_10s": "5"}),
    ("limits", {"weight_by_address": 1}),
    ("limits", {"colour": 1}),
    ("storm", {"seed": 7}),
    ("storm", {"seed": "7", "rate": 0.1}),
    ("storm", {"seed": 7, "rate": 1.5}),
    ("storm", {"seed": 7, "rate": 0.1, "kinds": ["explode"]}),
    ("storm", {"seed": 7, "rate": 0.1, "kinds": "drop"}),
    ("storm", {"seed": 7, "rate": 0.1, "paths": [1]}),
    ("storm", {"seed": 7, "rate": 0.1, "seconds": 3600}),
    ("storm", []),
    ("streams/faults", {"kind": "close_before"}),
    ("streams/faults", {"kind": "drop", "times": 0}),
    ("streams/cut", []),
    ("streams/refuse", {"seconds": -1}),
    ("streams/refuse", {"seconds": "1"}),
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
@pytest.mark.parametrize(("path", "words"), sample(BAD_HOOKS, 6))
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


@pytest.mark.asyncio
async def test_an_outage_is_for_everybody_and_ends(paper: Paper) -> None:
    exchange = paper.ccxt()
    async with paper.session.ws_connect(f"{paper.url}/market/ws/1") as line:
        await paper.hook("outage", seconds=60)
        async for _ in line:
            pass  # what was on its way; then it is over
    with pytest.raises(ccxt.NetworkError):
        await exchange.fetch_time()
    await paper.hook("outage", "DELETE")
    assert await exchange.fetch_time()
