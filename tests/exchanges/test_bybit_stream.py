"""Bybit's streams over a real socket: nothing is said to be heard before the subscription stands; then every event
once and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from decimal import Decimal as D
from typing import Any

import pytest
import pytest_asyncio

from exchanges import errors
from exchanges.bybit_stream import BybitStream
from exchanges.ccxt_client import build_exchange
from exchanges.credentials import Credentials
from exchanges.types import Book, Forced, PositionSide, PriceKind, PrivateEvent, Reference, ReportStatus
from tests.exchanges.bybit_rows import a_stop, an_execution, an_order
from tests.exchanges.capture import Capture, capturing

BTC = "BTC/USDT:USDT"
PRIVATE, PUBLIC = "/v5/private", "/v5/public/linear"
pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Capture]:
    async with capturing() as capture:
        yield capture


@pytest_asyncio.fixture
async def stream(venue: Capture) -> AsyncIterator[BybitStream]:
    made = BybitStream(lambda: build_exchange(Credentials("bybit", "key", "secret", venue.url)))
    yield made
    await made.close()


def message(topic: str, *rows: dict[str, Any]) -> dict[str, Any]:
    return {"topic": topic, "id": "1", "creationTime": 1_700_000_000_600, "data": list(rows)}


async def heard(stream: BybitStream, venue: Capture, said: list[Any], count: int) -> list[PrivateEvent]:
    async with aclosing(stream.private_events()) as events:
        assert await asyncio.wait_for(anext(events), 5) == PrivateEvent()
        assert {"op": "subscribe", "args": ["order", "execution"]}.items() <= venue.sent("WS", PRIVATE)[
            -1
        ].items()
        socket = await venue.opened(PRIVATE)
        for one in said:
            await socket.send_json(one)
        return [await asyncio.wait_for(anext(events), 5) for _ in range(count)]


async def test_orders_and_executions_of_both_legs(stream: BybitStream, venue: Capture) -> None:
    filled = an_order(orderStatus="Filled", cumExecQty="0.010", avgPrice="60000.1")
    spot = an_order(category="spot", symbol="BTCUSDT")
    said = [
        message("execution", an_execution(), an_execution(execId="e-2", side="Sell")),
        message("wallet", {"coin": []}),
        message("order", filled, spot),
    ]
    traded, ordered = await heard(stream, venue, said, 2)
    assert [(fill.trade_id, fill.position_side) for fill in traded.fills] == [
        ("e-1", PositionSide.LONG), ("e-2", PositionSide.SHORT),
    ]  # fmt: skip
    [order] = ordered.orders
    assert (order.symbol, order.status, order.filled_quantity) == (BTC, ReportStatus.FILLED, D("0.01"))


async def test_a_stop_that_fires_is_told_in_both_books(stream: BybitStream, venue: Capture) -> None:
    fired = a_stop(orderStatus="Filled", cumExecQty="0.010", avgPrice="58990")
    standing, gone = await heard(stream, venue, [message("order", a_stop()), message("order", fired)], 2)
    assert [(one.book, one.status) for one in standing.orders] == [(Book.ALGO, ReportStatus.OPEN)]
    assert [(one.book, one.status) for one in gone.orders] == [
        (Book.ALGO, ReportStatus.TRIGGERED), (Book.PLAIN, ReportStatus.FILLED),
    ]  # fmt: skip


async def test_forced_executions_and_funding(stream: BybitStream, venue: Capture) -> None:
    forced = an_execution(execType="AdlTrade", side="Sell", closedSize="0.010", orderLinkId="")
    said = [message("execution", forced), message("execution", an_execution(execType="Funding"))]
    closed, paid = await heard(stream, venue, said, 2)
    assert [(fill.forced, fill.position_side) for fill in closed.fills] == [(Forced.ADL, PositionSide.LONG)]
    assert (paid.fills, paid.funding_was_paid) == ((), True)


async def test_an_unknown_state_of_an_order_does_not_break_the_stream(
    stream: BybitStream, venue: Capture
) -> None:
    odd, known = an_order(orderStatus="Sleeping"), an_order()
    [event] = await heard(stream, venue, [message("order", odd, known)], 1)
    assert [one.status for one in event.orders] == [ReportStatus.OPEN]


async def test_a_cut_private_stream_is_an_error_and_can_be_entered_again(
    stream: BybitStream, venue: Capture
) -> None:
    async with aclosing(stream.private_events()) as events:
        assert await asyncio.wait_for(anext(events), 5) == PrivateEvent()
        await (await venue.opened(PRIVATE)).close()
        with pytest.raises(errors.ExchangeError):
            await asyncio.wait_for(anext(events), 5)
    stream.forget_session()
    async with aclosing(stream.private_events()) as events:
        assert await asyncio.wait_for(anext(events), 5) == PrivateEvent()
    assert [one["op"] for one in venue.sent("WS", PRIVATE)] == ["auth", "subscribe"] * 2


async def test_revoked_keys_are_the_accounts_problem(stream: BybitStream, venue: Capture) -> None:
    venue.signs_in = False
    async with aclosing(stream.private_events()) as events:
        with pytest.raises(errors.AccountUnusable, match="API key is invalid"):
            await asyncio.wait_for(anext(events), 5)


@pytest.mark.parametrize(
    ("reference", "topic", "said", "expected"),
    [
        (Reference.MARK, "tickers.BTCUSDT", {"symbol": "BTCUSDT", "markPrice": "100.5"}, {PriceKind.MARK: D("100.5")}),
        (Reference.LAST, "tickers.BTCUSDT", {"symbol": "BTCUSDT", "lastPrice": "99.5"}, {PriceKind.LAST: D("99.5")}),
        (
            Reference.BOOK, "orderbook.1.BTCUSDT",
            {"s": "BTCUSDT", "b": [["99", "1"]], "a": [["101", "1"]], "u": 1, "seq": 1},
            {PriceKind.BID: D(99), PriceKind.ASK: D(101)},
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("wanted", [[BTC], []])
async def test_prices_of_the_wanted_contracts_or_of_all(
    stream: BybitStream,
    venue: Capture,
    reference: Reference,
    topic: str,
    said: Any,
    expected: Any,
    wanted: list[str],
) -> None:
    async with aclosing(stream.prices(wanted, reference)) as batches:
        asked = asyncio.ensure_future(anext(batches))
        socket = await venue.opened(PUBLIC)
        await venue.arrived("WS", PUBLIC)
        assert venue.sent("WS", PUBLIC)[0]["args"] == [topic]
        await socket.send_json({"topic": topic, "type": "snapshot", "ts": 1_700_000_000_000, "data": said})
        ticks = await asyncio.wait_for(asked, 5)
    assert {tick.kind: tick.price for tick in ticks} == expected
    assert {tick.symbol for tick in ticks} == {BTC}
