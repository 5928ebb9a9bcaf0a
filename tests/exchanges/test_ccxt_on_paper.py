"""Our client and streams against the paper exchange over real sockets: what one says, the other understands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from exchanges import errors
from exchanges.client import ExchangeClient, ExchangeStream
from exchanges.credentials import Credentials
from exchanges.paper.request_log import RequestLog
from exchanges.paper.server import PaperServer
from exchanges.paper.signing import paper_secret
from exchanges.paper.venue import PaperVenue
from exchanges.types import (
    Book,
    OrderRequest,
    OrderType,
    PositionMode,
    PositionSide,
    PriceKind,
    PrivateEvent,
    Reference,
    ReportStatus,
    Side,
)
from exchanges.venue_clients import client_with, stream_with

BTC = "BTC/USDT:USDT"
KEY = "paper-1-main"
QUANTITY = Decimal("0.010")


@asynccontextmanager
async def paper_exchange() -> AsyncIterator[str]:
    venue = PaperVenue()
    venue.is_paused = True  # prices move only when a test says so
    runner = web.AppRunner(PaperServer(venue, RequestLog(None)).app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(params=["binance", "bybit"])
async def credentials(request: pytest.FixtureRequest) -> AsyncIterator[Credentials]:
    async with paper_exchange() as url:
        yield Credentials(request.param, KEY, paper_secret(KEY), url)


@pytest_asyncio.fixture
async def client(credentials: Credentials) -> AsyncIterator[ExchangeClient]:
    made = client_with(credentials)
    await made.set_position_mode(BTC, PositionMode.HEDGE)
    await set_price(credentials, "60000")
    yield made
    await made.close()


@pytest_asyncio.fixture
async def stream(credentials: Credentials) -> AsyncIterator[ExchangeStream]:
    made = stream_with(credentials)
    yield made
    await made.close()


async def hook(credentials: Credentials, path: str, **words: Any) -> None:
    url = f"{credentials.base_url}/paper/{path}"
    async with aiohttp.ClientSession() as session, session.post(url, json=words) as answer:
        assert answer.status == 200, await answer.text()


async def set_price(credentials: Credentials, price: str) -> None:
    await hook(credentials, "price", symbol="BTCUSDT", price=price)


def entry(name: str, side: PositionSide = PositionSide.LONG) -> OrderRequest:
    return OrderRequest(BTC, side.entry_side, side, OrderType.MARKET, QUANTITY, name)


def exit_of(name: str, side: PositionSide = PositionSide.LONG) -> OrderRequest:
    return OrderRequest(BTC, side.exit_side, side, OrderType.MARKET, QUANTITY, name, reduce_only=True)


def stop_of(name: str, trigger: str) -> OrderRequest:
    return OrderRequest(
        BTC,
        Side.SELL,
        PositionSide.LONG,
        OrderType.STOP_MARKET,
        QUANTITY,
        name,
        reduce_only=True,
        trigger_price=Decimal(trigger),
    )


@pytest.mark.asyncio
async def test_a_round_trip_of_both_legs_at_once(client: ExchangeClient) -> None:
    for side in PositionSide:
        await client.create_order(entry(f"in-{side}", side))
        report = await client.find_order(BTC, f"in-{side}", Book.PLAIN)
        assert (report.status, report.filled_quantity) == (ReportStatus.FILLED, QUANTITY)
    held = {report.position_side: report.quantity for report in await client.positions()}
    assert held == {PositionSide.LONG: QUANTITY, PositionSide.SHORT: QUANTITY}
    for side in PositionSide:
        await client.create_order(exit_of(f"out-{side}", side))
    assert await client.positions() == []
    fills = await client.fills(BTC, datetime.now(UTC) - timedelta(minutes=1))
    assert [fill.position_side for fill in fills] == [PositionSide.LONG, PositionSide.SHORT] * 2
    assert all(fill.fee > 0 for fill in fills)
    balance = await client.balance()
    spent = sum(fill.fee - fill.realized_pnl for fill in fills)
    assert balance.wallet_balance == Decimal(10_000) - spent


@pytest.mark.asyncio
async def test_a_fired_stop_is_traced_to_its_fill(client: ExchangeClient, credentials: Credentials) -> None:
    await client.create_order(entry("in"))
    placed = await client.create_order(stop_of("stop", "59000"))
    assert (placed.book, placed.status) == (Book.ALGO, ReportStatus.OPEN)
    (working,) = await client.open_orders()
    assert (working.client_order_id, working.trigger_price) == ("stop", 59000)
    assert working.position_side is PositionSide.LONG
    await set_price(credentials, "58900")
    fired = await client.find_order(BTC, "stop", Book.ALGO)
    assert fired.status is ReportStatus.TRIGGERED
    fills = await client.fills(BTC, datetime.now(UTC) - timedelta(minutes=1))
    assert fills[-1].exchange_order_id == fired.child_order_id
    assert await client.positions() == []


@pytest.mark.asyncio
async def test_the_venues_refusals(client: ExchangeClient) -> None:
    with pytest.raises(errors.NothingToReduce):
        await client.create_order(exit_of("out"))
    await client.create_order(entry("in"))
    with pytest.raises(errors.WouldTriggerImmediately):
        await client.create_order(stop_of("late", "61000"))
    huge = OrderRequest(BTC, Side.BUY, PositionSide.LONG, OrderType.MARKET, Decimal(500), "huge")
    with pytest.raises(errors.InsufficientMargin):
        await client.create_order(huge)
    await client.create_order(stop_of("stop", "59000"))
    with pytest.raises(errors.OutcomeUnknown):
        await client.create_order(stop_of("stop", "58000"))
    await client.cancel_order(BTC, "stop", Book.ALGO)
    with pytest.raises(errors.OrderNotFound):
        await client.cancel_order(BTC, "stop", Book.ALGO)
    with pytest.raises(errors.OrderNotFound):
        await client.find_order(BTC, "never", Book.PLAIN)


@pytest.mark.asyncio
async def test_a_forged_secret_is_the_accounts_problem(credentials: Credentials) -> None:
    forged = client_with(replace(credentials, api_secret="wrong"))
    with pytest.raises(errors.AccountUnusable):
        await forged.balance()
    with pytest.raises(errors.AccountUnusable):
        await forged.create_order(entry("in"))
    await forged.close()


@pytest.mark.asyncio
async def test_the_private_stream_tells_what_rest_tells(
    client: ExchangeClient, stream: ExchangeStream
) -> None:
    async with aclosing(stream.private_events()) as events:
        assert await asyncio.wait_for(anext(events), 5) == PrivateEvent()
        await client.create_order(entry("in"))
        fills = []
        while not fills:
            fills = list((await asyncio.wait_for(anext(events), 5)).fills)
    (asked,) = await client.fills(BTC, datetime.now(UTC) - timedelta(minutes=1))
    (told,) = fills
    assert (told.trade_id, told.price, told.fee) == (asked.trade_id, asked.price, asked.fee)
    assert told.client_order_id == "in"


@pytest.mark.asyncio
async def test_a_cut_stream_is_an_error(
    client: ExchangeClient, stream: ExchangeStream, credentials: Credentials
) -> None:
    async with aclosing(stream.private_events()) as events:
        await asyncio.wait_for(anext(events), 5)
        await hook(credentials, "streams/cut")
        with pytest.raises(errors.ExchangeError):
            await asyncio.wait_for(anext(events), 5)


@pytest.mark.asyncio
async def test_mark_prices_follow_the_venue(
    client: ExchangeClient, stream: ExchangeStream, credentials: Credentials
) -> None:
    async with aclosing(stream.prices([BTC], Reference.MARK)) as batches:
        await asyncio.wait_for(anext(batches), 10)
        await set_price(credentials, "61234.5")
        while (await asyncio.wait_for(anext(batches), 5))[-1].price != Decimal("61234.5"):
            pass
    assert (await client.price(BTC, PriceKind.MARK)).price == Decimal("61234.5")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (Reference.MARK, {PriceKind.MARK: "60000"}),
        (Reference.LAST, {PriceKind.LAST: "61234.5"}),
        (Reference.BOOK, {PriceKind.BID: "61234.4", PriceKind.ASK: "61234.6"}),
    ],
)
async def test_each_reference_is_told_its_own_prices(
    stream: ExchangeStream, credentials: Credentials, reference: Reference, told: dict[PriceKind, str]
) -> None:
    await hook(credentials, "pause")
    async with aclosing(stream.prices([BTC], reference)) as batches:
        await asyncio.wait_for(anext(batches), 5)
        await hook(credentials, "price", symbol="BTCUSDT", price="60000", last="61234.5")
        wanted = {kind: Decimal(price) for kind, price in told.items()}
        while {tick.kind: tick.price for tick in await asyncio.wait_for(anext(batches), 5)} != wanted:
            pass
