"""Contracts change while a process runs: steps get finer, contracts are listed. No restart is needed for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from exchanges import errors
from exchanges.binance_client import BinanceClient
from exchanges.credentials import Credentials
from exchanges.types import OrderReport, OrderRequest, OrderType, PositionSide, Side
from tests.exchanges.capture import Capture, capturing, never, sample

pytestmark = pytest.mark.asyncio

BTC = "BTC/USDT:USDT"
NEW = "NEW/USDT:USDT"
LISTING = "/fapi/v1/exchangeInfo"


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Capture]:
    async with capturing() as capture:
        yield capture


@pytest_asyncio.fixture
async def client(venue: Capture) -> AsyncIterator[BinanceClient]:
    """One that has been at work for a while."""
    venue.answers["POST", "/fapi/v1/algoOrder"] = lambda: an_answer(venue)
    made = BinanceClient(Credentials("binance", "key", "secret", venue.url))
    await made.create_order(A_STOP)
    yield made
    await made.close()


A_STOP = OrderRequest(
    BTC, Side.SELL, PositionSide.LONG, OrderType.STOP_MARKET, Decimal("0.01"), "tb-1-p1",
    reduce_only=True, trigger_price=Decimal("60000.1"),
)  # fmt: skip
A_FINER_STOP = replace(A_STOP, trigger_price=Decimal("60000.15"))


def an_answer(venue: Capture) -> dict[str, Any]:
    asked = venue.seen[-1].params
    shown = {name: asked[name] for name in ("clientAlgoId", "symbol", "side", "positionSide", "quantity")}
    kind = {"algoId": 7, "algoType": "CONDITIONAL", "orderType": "STOP_MARKET", "algoStatus": "NEW"}
    return shown | kind | {"triggerPrice": asked["triggerPrice"], "updateTime": 1700000000000}


def the_tick_gets_finer(venue: Capture) -> None:
    btc = contract_of(venue, "BTCUSDT")
    price = next(rule for rule in btc["filters"] if rule["filterType"] == "PRICE_FILTER")
    price["tickSize"] = "0.05"


def a_contract_is_listed(venue: Capture) -> None:
    listing = venue.answers["GET", LISTING]
    names = {"symbol": "NEWUSDT", "pair": "NEWUSDT", "baseAsset": "NEW"}
    listing["symbols"].append(contract_of(venue, "BTCUSDT") | names)


def contract_of(venue: Capture, name: str) -> dict[str, Any]:
    return next(row for row in venue.answers["GET", LISTING]["symbols"] if row["symbol"] == name)


def listings(venue: Capture) -> int:
    return len(venue.sent("GET", LISTING))


async def test_contracts_that_ccxt_loads_by_itself_are_not_listed_again_at_once(venue: Capture) -> None:
    """As it does for a client that is first asked for its money."""
    venue.answers["GET", "/fapi/v3/account"] = {
        "totalWalletBalance": "10", "totalMarginBalance": "10", "availableBalance": "10", "assets": [], "positions": [],
    }  # fmt: skip
    made = BinanceClient(Credentials("binance", "key", "secret", venue.url))
    await made.balance()
    await made.position_mode(BTC)
    assert (made._calls.contracts._renewing, listings(venue)) == (None, 1)
    await made.close()


async def test_a_stop_at_a_finer_price_is_sent_after_one_more_look(
    client: BinanceClient, venue: Capture
) -> None:
    the_tick_gets_finer(venue)
    report = await client.create_order(A_FINER_STOP)
    assert report.trigger_price == Decimal("60000.15")
    assert [row["triggerPrice"] for row in venue.sent("POST", "/fapi/v1/algoOrder")] == [
        "60000.1",
        "60000.15",
    ]


async def test_orders_that_find_it_together_ask_once(client: BinanceClient, venue: Capture) -> None:
    the_tick_gets_finer(venue)
    before = listings(venue)
    stops = [replace(A_FINER_STOP, client_order_id=f"tb-{number}-p1") for number in range(3)]
    reports: list[OrderReport] = await asyncio.gather(*(client.create_order(stop) for stop in stops))
    assert len(reports) == 3
    assert listings(venue) == before + 1


async def test_orders_that_are_wrong_are_refused_and_do_not_ask_each_time(
    client: BinanceClient, venue: Capture
) -> None:
    before = listings(venue)
    for _ in range(3):
        with pytest.raises(errors.InvalidRequest):
            await client.create_order(A_FINER_STOP)
    assert listings(venue) == before + 1
    assert len(venue.sent("POST", "/fapi/v1/algoOrder")) == 1


async def test_less_than_one_step_is_refused_in_our_words(client: BinanceClient) -> None:
    with pytest.raises(errors.InvalidRequest, match="quantity step"):
        await client.create_order(replace(A_STOP, quantity=Decimal("0.0001")))


async def test_a_look_that_fails_proves_nothing_and_sends_nothing(
    client: BinanceClient, venue: Capture
) -> None:
    good = venue.answers["GET", LISTING]
    for bad in ((500, ""), {"symbols": []}):
        venue.answers["GET", LISTING] = bad
        with pytest.raises(errors.NotSent):
            await client.create_order(A_FINER_STOP)
    venue.answers["GET", LISTING] = good
    the_tick_gets_finer(venue)
    assert await client.create_order(A_FINER_STOP)


async def test_a_new_contract_can_be_traded_and_asked_about(client: BinanceClient, venue: Capture) -> None:
    a_contract_is_listed(venue)
    venue.answers["GET", "/fapi/v1/symbolConfig"] = [{"symbol": "NEWUSDT", "leverage": 10}]
    await client.ensure_leverage(NEW, 10)
    report = await client.create_order(replace(A_STOP, symbol=NEW))
    assert report.symbol == NEW


async def test_a_position_in_a_new_contract_has_its_symbol(client: BinanceClient, venue: Capture) -> None:
    a_contract_is_listed(venue)
    row = sample("binance_answers")["positions_hedge_v3"][0]
    venue.answers["GET", "/fapi/v3/positionRisk"] = [row | {"symbol": "NEWUSDT"}]
    (report,) = await client.positions()
    assert report.symbol == NEW


async def test_a_position_nobody_lists_does_not_ask_each_time(client: BinanceClient, venue: Capture) -> None:
    row = sample("binance_answers")["positions_hedge_v3"][0]
    venue.answers["GET", "/fapi/v3/positionRisk"] = [row | {"symbol": "GONEUSDT"}]
    before = listings(venue)
    for _ in range(3):
        assert [report.symbol for report in await client.positions()] == ["GONEUSDT"]
    assert listings(venue) == before + 1


async def test_every_few_minutes_they_are_learnt_anew_beside_the_calls(
    client: BinanceClient, venue: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    contracts = client._calls.contracts
    old = contracts.known
    monkeypatch.setattr(contracts, "_due_at", 0.0)
    await client.create_order(A_STOP)
    await contracts._renewing
    assert contracts.known is not old
    assert client._calls.writer.markets is client._calls.reader.markets
    before = listings(venue)
    await client.create_order(A_STOP)
    assert listings(venue) == before, "not due again"


async def test_no_call_waits_for_them(
    client: BinanceClient, venue: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def no_answer(request: web.Request) -> web.StreamResponse:
        asked.set()
        return await never()(request)

    venue.answers["GET", LISTING] = no_answer
    monkeypatch.setattr(client._calls.contracts, "_due_at", 0.0)
    await client.create_order(A_STOP)
    await asyncio.wait_for(asked.wait(), 5)
    async with asyncio.timeout(3):
        await client.create_order(A_STOP)
