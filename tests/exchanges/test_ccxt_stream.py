"""The streams over a real socket: every event once, in order, with exact numbers; a break is an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from exchanges import errors
from exchanges.binance_stream import BinanceStream
from exchanges.ccxt_client import build_exchange
from exchanges.credentials import Credentials
from exchanges.types import Book, Forced, PositionSide, PriceKind, PrivateEvent, Reference, ReportStatus, Side
from tests.exchanges.capture import Capture, capturing, sample

EVENTS = sample("binance_events")
PRIVATE = "/private/ws"
PRICES = "/market/ws"


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Capture]:
    async with capturing() as capture:
        yield capture


@pytest_asyncio.fixture
async def stream(venue: Capture) -> AsyncIterator[BinanceStream]:
    credentials = Credentials("binance", "key", "secret", venue.url)
    made = BinanceStream(lambda: build_exchange(credentials))
    yield made
    await made.close()


def order_event(number: int, **fields: Any) -> dict[str, Any]:
    event = dict(EVENTS["order_trade_partial"])
    event["o"] = event["o"] | {"i": number, "t": number, "c": f"tb-{number}"} | fields
    return event


async def heard(stream: BinanceStream, venue: Capture, messages: list[Any], count: int) -> list[PrivateEvent]:
    """What the stream says of these messages, without the first event, which only says 'connected'."""
    async with aclosing(stream.private_events()) as events:
        assert await asyncio.wait_for(anext(events), 5) == PrivateEvent()
        socket = await venue.opened(PRIVATE)
        for message in messages:
            await socket.send_json(message)
        return [await asyncio.wait_for(anext(events), 5) for _ in range(count)]


@pytest.mark.asyncio
async def test_a_partial_fill_is_an_order_state_and_a_fill(stream: BinanceStream, venue: Capture) -> None:
    (event,) = await heard(stream, venue, [EVENTS["order_trade_partial"]], 1)
    (order,), (fill,) = event.orders, event.fills
    assert (order.status, order.book, order.client_order_id) == (
        ReportStatus.PARTIALLY_FILLED,
        Book.PLAIN,
        "TEST",
    )
    assert (order.quantity, order.filled_quantity) == (Decimal("0.002"), Decimal("0.001"))
    assert (fill.side, fill.position_side, fill.quantity) == (Side.BUY, PositionSide.LONG, Decimal("0.001"))
    assert (fill.price, fill.fee, fill.fee_currency) == (Decimal("7100.50"), Decimal("0.01"), "USDT")
    assert (fill.realized_pnl, fill.trade_id) == (Decimal("12.34"), "12345678")
    assert (fill.client_order_id, fill.exchange_order_id) == ("TEST", "8886774")
    assert fill.forced is None
    assert fill.symbol == "BTC/USDT:USDT"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "forced", "side", "quantity", "profit"),
    [
        ("liquidation_fill", Forced.LIQUIDATION, PositionSide.LONG, "0.014", "-5.67"),
        ("adl_fill", Forced.ADL, PositionSide.SHORT, "0.005", "-2.50"),
    ],
)
async def test_what_the_venue_closes_by_force_is_a_fill(
    name: str,
    forced: Forced,
    side: PositionSide,
    quantity: str,
    profit: str,
    stream: BinanceStream,
    venue: Capture,
) -> None:
    (event,) = await heard(stream, venue, [EVENTS[name]], 1)
    (fill,) = event.fills
    assert fill.forced is forced
    assert (fill.position_side, fill.quantity, fill.realized_pnl) == (
        side,
        Decimal(quantity),
        Decimal(profit),
    )
    assert event.orders[0].status is ReportStatus.FILLED


@pytest.mark.asyncio
async def test_a_burst_arrives_whole_and_in_order(stream: BinanceStream, venue: Capture) -> None:
    """ccxt's caches would merge the states of one order and keep late ones until the next message."""
    messages = [order_event(number) for number in range(1, 51)]
    messages += [order_event(7, x="CANCELED", X="CANCELED", l="0"), order_event(7, x="NEW", X="NEW", l="0")]
    events = await heard(stream, venue, messages, 52)
    assert [e.fills[0].trade_id for e in events[:50]] == [str(n) for n in range(1, 51)]
    assert [e.orders[0].status for e in events[50:]] == [ReportStatus.CANCELED, ReportStatus.OPEN]
    assert not events[50].fills


@pytest.mark.asyncio
async def test_algo_updates_name_the_child_order(stream: BinanceStream, venue: Capture) -> None:
    new = EVENTS["algo_update_new"]
    new = new | {"o": new["o"] | {"s": "BTCUSDT"}}
    fired = new | {"o": new["o"] | {"X": "TRIGGERED", "ai": "8886775", "ps": "LONG"}}
    refused = new | {"o": new["o"] | {"X": "REJECTED"}}
    events = await heard(stream, venue, [new, fired, refused], 3)
    first, second, third = (event.orders[0] for event in events)
    assert (first.book, first.status, first.exchange_order_id) == (Book.ALGO, ReportStatus.OPEN, "2148719")
    assert (first.client_order_id, first.reason) == ("Q5xaq5EGKgXXa0fD7fs0Ip", "")
    assert first.trigger_price == 750
    assert (second.status, second.child_order_id) == (ReportStatus.TRIGGERED, "8886775")
    assert second.filled_quantity == 0
    assert (third.status, third.reason) == (ReportStatus.REJECTED, "Reduce Only reject")


@pytest.mark.asyncio
async def test_other_events_are_passed_over(stream: BinanceStream, venue: Capture) -> None:
    messages = [EVENTS["account_update_hedge"], order_event(1)]
    (event,) = await heard(stream, venue, messages, 1)
    assert event.fills[0].trade_id == "1"


@pytest.mark.asyncio
async def test_a_cut_socket_is_an_error_and_the_stream_can_be_entered_again(
    stream: BinanceStream, venue: Capture
) -> None:
    async with aclosing(stream.private_events()) as events:
        await asyncio.wait_for(anext(events), 5)
        await (await venue.opened(PRIVATE)).close()
        with pytest.raises(errors.ExchangeError) as caught:
            await asyncio.wait_for(anext(events), 5)
    assert "L" * 64 not in str(caught.value)
    assert caught.value.__context__ is None
    async with aclosing(stream.private_events()) as events:
        assert await asyncio.wait_for(anext(events), 5) == PrivateEvent()
        await (await venue.opened(PRIVATE, 2)).send_json(order_event(3))
        assert (await asyncio.wait_for(anext(events), 5)).fills[0].trade_id == "3"


@pytest.mark.asyncio
async def test_an_expired_session_is_an_error_and_the_next_one_is_new(
    stream: BinanceStream, venue: Capture
) -> None:
    async with aclosing(stream.private_events()) as events:
        await asyncio.wait_for(anext(events), 5)
        expired = {"e": "listenKeyExpired", "E": 1, "listenKey": "L" * 64}
        await (await venue.opened(PRIVATE)).send_json(expired)
        with pytest.raises(errors.OutcomeUnknown, match="expired"):
            await asyncio.wait_for(anext(events), 5)
    async with aclosing(stream.private_events()) as events:
        await asyncio.wait_for(anext(events), 5)
    assert len(venue.sent("POST", "/fapi/v1/listenKey")) == 2


@pytest.mark.asyncio
async def test_forget_session_asks_for_a_new_key(stream: BinanceStream, venue: Capture) -> None:
    stream.forget_session()  # harmless before the first connection
    for _ in range(2):
        async with aclosing(stream.private_events()) as events:
            await asyncio.wait_for(anext(events), 5)
    assert len(venue.sent("POST", "/fapi/v1/listenKey")) == 1
    stream.forget_session()
    async with aclosing(stream.private_events()) as events:
        await asyncio.wait_for(anext(events), 5)
    assert len(venue.sent("POST", "/fapi/v1/listenKey")) == 2


@pytest.mark.asyncio
async def test_revoked_keys_are_the_accounts_problem(stream: BinanceStream, venue: Capture) -> None:
    venue.answers["POST", "/fapi/v1/listenKey"] = (401, '{"code":-2015,"msg":"Invalid API-key"}')
    async with aclosing(stream.private_events()) as events:
        with pytest.raises(errors.AccountUnusable):
            await asyncio.wait_for(anext(events), 5)


def a_price(symbol: str, price: str) -> dict[str, Any]:
    return {"e": "markPriceUpdate", "E": 1700000000123, "s": symbol, "p": price, "i": "1", "r": "0", "T": 1}


@pytest.mark.asyncio
async def test_prices_of_the_wanted_contracts_latest_only(stream: BinanceStream, venue: Capture) -> None:
    symbols = ["BTC/USDT:USDT", "ETH/USDT:USDT"]
    seen: dict[str, Decimal] = {}
    async with aclosing(stream.prices(symbols, Reference.MARK)) as batches:
        first = asyncio.ensure_future(anext(batches))
        socket = await venue.opened(PRICES)
        await venue.arrived("WS", socket_path(venue))
        for message in (
            a_price("BTCUSDT", "60000.00000001"),
            a_price("ETHUSDT", "3000.1"),
            a_price("BTCUSDT", "60000.00000002"),
            {"stream": "btcusdt@markPrice@1s", "data": a_price("BTCUSDT", "60000.00000003")},
        ):
            await socket.send_json(message)
        batch = await asyncio.wait_for(first, 5)
        while seen != {symbols[0]: Decimal("60000.00000003"), symbols[1]: Decimal("3000.1")}:
            assert len({tick.symbol for tick in batch}) == len(batch)
            seen |= {tick.symbol: tick.price for tick in batch}
            if len(seen) < 2 or seen[symbols[0]] != Decimal("60000.00000003"):
                batch = await asyncio.wait_for(anext(batches), 5)
    (asked,) = venue.sent("WS", socket_path(venue))
    assert asked["params"] == ["btcusdt@markPrice@1s", "ethusdt@markPrice@1s"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("reference", "path", "asked", "message", "heard"),
    [
        (
            Reference.LAST,
            "/market/ws",
            "btcusdt@miniTicker",
            {"e": "24hrMiniTicker", "c": "60000.1", "o": "1", "h": "2", "l": "1", "v": "1", "q": "1"},
            {PriceKind.LAST: Decimal("60000.1")},
        ),
        (
            Reference.BOOK,
            "/public/ws",
            "btcusdt@bookTicker",
            {"e": "bookTicker", "u": 1, "b": "60000.1", "B": "1", "a": "60000.2", "A": "1", "T": 1},
            {PriceKind.BID: Decimal("60000.1"), PriceKind.ASK: Decimal("60000.2")},
        ),
    ],
)
async def test_each_reference_has_a_stream_of_its_own(
    stream: BinanceStream,
    venue: Capture,
    reference: Reference,
    path: str,
    asked: str,
    message: dict[str, Any],
    heard: dict[PriceKind, Decimal],
) -> None:
    async with aclosing(stream.prices(["BTC/USDT:USDT"], reference)) as batches:
        first = asyncio.ensure_future(anext(batches))
        socket = await venue.opened(path)
        await venue.arrived("WS", socket_path(venue, path))
        for number in (1, 2):
            await socket.send_json(message | {"s": "BTCUSDT", "E": 1700000000122 + number})
        ticks = {tick.kind: tick for tick in await asyncio.wait_for(first, 5)}
    assert {kind: tick.price for kind, tick in ticks.items()} == heard
    assert {tick.symbol for tick in ticks.values()} == {"BTC/USDT:USDT"}
    assert all(tick.at.microsecond in (123_000, 124_000) for tick in ticks.values())
    assert venue.sent("WS", socket_path(venue, path))[0]["params"] == [asked]


def socket_path(venue: Capture, start: str = PRICES) -> str:
    return next(path.split("?")[0] for path, _ in venue.sockets if path.startswith(start))


@pytest.mark.asyncio
async def test_no_symbols_means_every_contract(stream: BinanceStream, venue: Capture) -> None:
    async with aclosing(stream.prices([], Reference.MARK)) as batches:
        first = asyncio.ensure_future(anext(batches))
        await (await venue.opened(PRICES)).send_json([a_price("BTCUSDT", "1.5"), a_price("ETHUSDT", "2.5")])
        batch = await asyncio.wait_for(first, 5)
    assert {tick.symbol: tick.price for tick in batch} == {
        "BTC/USDT:USDT": Decimal("1.5"),
        "ETH/USDT:USDT": Decimal("2.5"),
    }


@pytest.mark.asyncio
async def test_a_cut_price_stream_is_an_error(stream: BinanceStream, venue: Capture) -> None:
    async with aclosing(stream.prices(["BTC/USDT:USDT"], Reference.MARK)) as batches:
        first = asyncio.ensure_future(anext(batches))
        await (await venue.opened(PRICES)).close()
        with pytest.raises(errors.ExchangeError):
            await asyncio.wait_for(first, 5)
