"""One suite for every ExchangeClient: the engine in this process, and ccxt over HTTP against the same engine as a
server. What holds for one holds for the other, so tests of services may use the quicker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from functools import partial
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from exchanges import errors
from exchanges.client import ExchangeClient
from exchanges.credentials import Credentials
from exchanges.paper.demo import DEMO_PRICES, DEMO_RULES
from exchanges.paper.inprocess_clients import CLIENTS
from exchanges.paper.matching import Engine
from exchanges.paper.signing import paper_secret
from exchanges.paper.venue import now_ms
from exchanges.paper.venue_rules import VENUES
from exchanges.types import (
    Book,
    MarginMode,
    NativeExits,
    OrderReport,
    OrderRequest,
    OrderType,
    PositionMode,
    PositionSide,
    PriceKind,
    ReportStatus,
    Side,
    Timeframe,
    TimeInForce,
)
from exchanges.venue_clients import client_with
from tests.exchanges.test_ccxt_on_paper import paper_exchange

BTC = "BTC/USDT:USDT"
KEY = "paper-9-contract"
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
pytestmark = pytest.mark.asyncio


@dataclass
class Venue:
    name: str
    client: ExchangeClient
    set_price: Callable[..., Awaitable[None]]  # mark price, and the last one where it is another
    charge_funding: Callable[[str], Awaitable[None]]

    async def order(self, name: str, side: Side = Side.BUY, leg: PositionSide = LONG, **words: Any):
        kind = words.pop("kind", OrderType.MARKET)
        quantity = D(words.pop("quantity", "0.010"))
        request = OrderRequest(BTC, side, leg, kind, quantity, name, **words)
        return await self.settled(await self.client.create_order(request))

    async def settled(self, told: OrderReport) -> OrderReport:
        """What became of an order: some venues answer before they match it."""
        if self.name == "binance":
            return told
        return await self.client.find_order(BTC, told.client_order_id, told.book)

    async def stop(self, name: str, trigger: str, side: Side = Side.SELL, **words: Any):
        return await self.order(
            name, side, kind=OrderType.STOP_MARKET, trigger_price=D(trigger), reduce_only=True, **words
        )


@asynccontextmanager
async def in_process(name: str) -> AsyncIterator[Venue]:
    engine = Engine(DEMO_RULES, depth_notional=D(20_000))
    for symbol, price in DEMO_PRICES.items():
        engine.set_price(symbol, price, now_ms())
    engine.open_account(KEY, D(10_000), VENUES[name])

    async def set_price(price: str, last: str | None = None) -> None:
        engine.set_price("BTCUSDT", D(price), now_ms(), last=D(last or price))

    async def charge_funding(rate: str) -> None:
        engine.charge_funding("BTCUSDT", D(rate), now_ms())

    client = CLIENTS[name](engine, KEY, lambda: datetime.now(UTC))
    yield Venue(name, client, set_price, charge_funding)


@asynccontextmanager
async def over_http(name: str) -> AsyncIterator[Venue]:
    async with paper_exchange() as url:
        client = client_with(Credentials(name, KEY, paper_secret(KEY), url))

        async def tell(hook: str, **words: str) -> None:
            async with aiohttp.ClientSession() as http:
                answer = await http.post(f"{url}/paper/{hook}", json={"symbol": "BTCUSDT", **words})
                assert answer.status == 200, await answer.text()

        async def set_price(price: str, last: str | None = None) -> None:
            await tell("price", price=price, last=last or price)

        async def charge_funding(rate: str) -> None:
            await tell("funding", rate=rate)

        try:
            yield Venue(name, client, set_price, charge_funding)
        finally:
            await client.close()


VARIANTS = {
    "binance in process": partial(in_process, "binance"),
    "bybit in process": partial(in_process, "bybit"),
    "binance over http": partial(over_http, "binance"),
    "bybit over http": partial(over_http, "bybit"),
}


def only(name: str) -> pytest.MarkDecorator:
    """For what a venue does in its own way."""
    return pytest.mark.parametrize("venue", [one for one in VARIANTS if one.startswith(name)], indirect=True)


@pytest_asyncio.fixture(params=VARIANTS)
async def venue(request: pytest.FixtureRequest) -> AsyncIterator[Venue]:
    async with VARIANTS[request.param]() as made:
        await made.client.set_position_mode(BTC, PositionMode.HEDGE)
        await made.client.ensure_leverage(BTC, 5)
        await made.set_price("100000")
        yield made


async def test_mode_margin_and_leverage_may_be_asked_for_again(venue: Venue) -> None:
    for _ in range(2):
        await venue.client.set_position_mode(BTC, PositionMode.ONE_WAY)
        assert await venue.client.position_mode(BTC) is PositionMode.ONE_WAY
        await venue.client.ensure_margin_mode(BTC, MarginMode.ISOLATED)
        await venue.client.ensure_leverage(BTC, 7)
    with pytest.raises(errors.Refused):
        await venue.client.ensure_leverage(BTC, 500)


async def test_the_contracts_and_their_steps(venue: Venue) -> None:
    found = {spec.symbol: spec for spec in await venue.client.instruments()}
    assert len(found) == len(DEMO_RULES)
    btc = found[BTC]
    assert (btc.exchange_symbol, btc.price_increment, btc.size_increment) == ("BTCUSDT", D("0.1"), D("0.001"))
    assert (btc.min_quantity, btc.min_notional) == (D("0.001"), D(5))


async def test_a_market_order_in_and_out_with_its_executions(venue: Venue) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    entry = await venue.order("in-1")
    assert (entry.status, entry.filled_quantity, entry.average_price) == (
        ReportStatus.FILLED,
        D("0.01"),
        D("100000.1"),
    )
    [held] = await venue.client.positions()
    assert (held.symbol, held.position_side, held.quantity, held.entry_price) == (
        BTC,
        LONG,
        D("0.01"),
        D("100000.1"),
    )
    assert held.leverage == 5
    await venue.set_price("101000")
    await venue.order("out-1", Side.SELL, reduce_only=True)
    assert not await venue.client.positions()
    first, second = await venue.client.fills(BTC, before)
    assert (first.side, first.quantity, first.price, first.fee) == (
        Side.BUY,
        D("0.01"),
        D("100000.1"),
        D("0.5000005"),
    )
    assert (second.side, second.realized_pnl, second.exchange_order_id != first.exchange_order_id) == (
        Side.SELL,
        D("9.998"),
        True,
    )
    wallet = (await venue.client.balance()).wallet_balance
    assert wallet == D(10_000) + second.realized_pnl - first.fee - second.fee


async def test_both_legs_stand_side_by_side(venue: Venue) -> None:
    await venue.order("long-1")
    await venue.order("short-1", Side.SELL, SHORT, quantity="0.020")
    held = {row.position_side: row.quantity for row in await venue.client.positions()}
    assert held == {LONG: D("0.01"), SHORT: D("0.02")}


async def test_a_large_order_is_one_report_and_several_executions(venue: Venue) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    report = await venue.order("large", quantity="0.400")
    fills = await venue.client.fills(BTC, before)
    assert len(fills) == 3
    assert sum((f.quantity for f in fills), D(0)) == report.filled_quantity == D("0.4")


async def test_a_stop_is_confirmed_listed_found_and_taken_back(venue: Venue) -> None:
    await venue.order("in-1")
    stop = await venue.stop("stop-1", "99000")
    assert (stop.status, stop.book, stop.filled_quantity) == (ReportStatus.OPEN, Book.ALGO, D(0))
    [listed] = await venue.client.open_orders()
    assert (listed.client_order_id, listed.position_side, listed.trigger_price) == ("stop-1", LONG, D(99000))
    found = await venue.client.find_order(BTC, "stop-1", Book.ALGO)
    assert found.exchange_order_id == stop.exchange_order_id
    with pytest.raises(errors.OrderNotFound):
        await venue.client.find_order(BTC, "stop-1", Book.PLAIN)
    await venue.client.cancel_order(BTC, "stop-1", Book.ALGO)
    assert (await venue.client.find_order(BTC, "stop-1", Book.ALGO)).status is ReportStatus.CANCELED
    assert not await venue.client.open_orders()
    with pytest.raises(errors.OrderNotFound):
        await venue.client.cancel_order(BTC, "stop-1", Book.ALGO)


async def test_a_stop_that_fired_names_its_child(venue: Venue) -> None:
    await venue.order("in-1")
    await venue.stop("stop-1", "99000")
    await venue.set_price("98900")
    fired = await venue.client.find_order(BTC, "stop-1", Book.ALGO)
    child = await venue.client.find_order(BTC, "stop-1", Book.PLAIN)
    assert (fired.status, fired.child_order_id) == (ReportStatus.TRIGGERED, child.exchange_order_id)
    assert (child.status, child.filled_quantity) == (ReportStatus.FILLED, D("0.01"))
    assert fired.child_order_id is not None
    assert await venue.client.find_child(BTC, fired.child_order_id) == child
    with pytest.raises(errors.OrderNotFound):
        await venue.client.find_child(BTC, "999999999")
    assert not await venue.client.positions()


async def trail(venue: Venue, name: str, rate: str, activation: str | None, side: Side = Side.SELL, leg=LONG):
    exits = NativeExits(callback_rate=D(rate), activation_price=None if activation is None else D(activation))
    kind = OrderType.TRAILING_STOP_MARKET
    return await venue.order(name, side, leg, kind=kind, native=exits, reduce_only=True)


@only("binance")
async def test_a_trailing_stop_is_confirmed_listed_found_and_taken_back(venue: Venue) -> None:
    await venue.order("in-1")
    placed = await trail(venue, "trail-1", "1.5", "101000")
    assert (placed.status, placed.book, placed.trigger_price) == (ReportStatus.OPEN, Book.ALGO, None)
    [listed] = await venue.client.open_orders()
    assert (listed.client_order_id, listed.position_side, listed.quantity) == ("trail-1", LONG, D("0.01"))
    found = await venue.client.find_order(BTC, "trail-1", Book.ALGO)
    assert found.exchange_order_id == placed.exchange_order_id
    await venue.client.cancel_order(BTC, "trail-1", Book.ALGO)
    assert not await venue.client.open_orders()


@only("binance")
@pytest.mark.parametrize(
    ("leg", "prices", "last"),
    [
        (LONG, ["101000", "105000", "103950.1"], "103950"),
        (SHORT, ["99000", "95000", "95949.9"], "95950"),
    ],
)
async def test_a_trailing_stop_follows_the_best_price_and_fires_behind_it(
    venue: Venue, leg: PositionSide, prices: list[str], last: str
) -> None:
    await venue.order("in-1", leg.entry_side, leg)
    await trail(venue, "trail-1", "1", prices[0], leg.exit_side, leg)
    for price in prices:
        await venue.set_price(price)
    [held] = await venue.client.positions()
    assert held.position_side is leg
    await venue.set_price(last)
    fired = await venue.client.find_order(BTC, "trail-1", Book.ALGO)
    child = await venue.client.find_order(BTC, "trail-1", Book.PLAIN)
    assert (fired.status, fired.child_order_id) == (ReportStatus.TRIGGERED, child.exchange_order_id)
    assert (child.status, child.filled_quantity) == (ReportStatus.FILLED, D("0.01"))
    assert not await venue.client.positions()


@only("binance")
async def test_a_trailing_stop_that_cannot_be_is_refused(venue: Venue) -> None:
    await venue.order("in-1")
    for activation in ("100000", "99000"):
        with pytest.raises(errors.WouldTriggerImmediately):
            await trail(venue, "trail-1", "1", activation)
    for rate in ("0", "10.1", "0.05", "1.55"):
        with pytest.raises(errors.InvalidRequest):
            await trail(venue, "trail-1", rate, None)
    with pytest.raises(errors.InvalidRequest):
        await trail(venue, "trail-1", "1", "101000.05")
    assert not await venue.client.open_orders()


@pytest.mark.parametrize(
    ("by", "leaves_it", "fires_it"),
    [
        (PriceKind.MARK, ("100000", "98000"), ("98000", "100000")),
        (PriceKind.LAST, ("98000", "100000"), ("100000", "98000")),
    ],
)
@pytest.mark.parametrize("leg", [LONG, SHORT])
async def test_a_stop_waits_for_the_price_it_names(
    venue: Venue, by: PriceKind, leg: PositionSide, leaves_it: tuple[str, str], fires_it: tuple[str, str]
) -> None:
    """Mark and last price; a short's are mirrored at 100000."""

    async def set_prices(mark: str, last: str) -> None:
        mirrored = [str(200_000 - int(price)) for price in (mark, last)]
        await venue.set_price(*((mark, last) if leg is LONG else mirrored))

    await venue.order("in-1", leg.entry_side, leg)
    trigger = "99000" if leg is LONG else "101000"
    await venue.stop("stop-1", trigger, side=leg.exit_side, leg=leg, trigger_by=by)
    await set_prices(*leaves_it)
    assert (await venue.client.find_order(BTC, "stop-1", Book.ALGO)).status is ReportStatus.OPEN
    await set_prices(*fires_it)
    assert (await venue.client.find_order(BTC, "stop-1", Book.ALGO)).status is ReportStatus.TRIGGERED
    assert not await venue.client.positions()


async def test_a_stop_is_refused_when_the_price_it_names_is_beyond_it(venue: Venue) -> None:
    await venue.order("in-1")
    await venue.set_price("100000", "98000")
    await venue.stop("stop-1", "99000")
    with pytest.raises(errors.WouldTriggerImmediately):
        await venue.stop("stop-2", "99000", trigger_by=PriceKind.LAST)


async def test_no_order_waits_for_the_book(venue: Venue) -> None:
    await venue.order("in-1")
    with pytest.raises(errors.InvalidRequest, match="no order by the bid price"):
        await venue.stop("stop-1", "99000", trigger_by=PriceKind.BID)


async def test_a_resting_order_is_found_and_canceled_in_its_book(venue: Venue) -> None:
    resting = await venue.order("rest-1", kind=OrderType.LIMIT, price=D(90_000))
    assert resting.status is ReportStatus.OPEN
    assert [row.book for row in await venue.client.open_orders()] == [Book.PLAIN]
    await venue.client.cancel_order(BTC, "rest-1", Book.PLAIN)
    assert (await venue.client.find_order(BTC, "rest-1", Book.PLAIN)).status is ReportStatus.CANCELED


async def test_an_order_without_a_name_is_canceled_by_the_venues_number(venue: Venue) -> None:
    await venue.order("in-1")
    await venue.stop("stop-1", "99000")
    await venue.order("rest-1", kind=OrderType.LIMIT, price=D(90_000))
    working = await venue.client.open_orders()
    assert {one.book for one in working} == {Book.ALGO, Book.PLAIN}
    for one in working:
        await venue.client.cancel_by_number(BTC, one.exchange_order_id, one.book)
    assert not await venue.client.open_orders()
    with pytest.raises(errors.OrderNotFound):
        await venue.client.cancel_by_number(BTC, working[0].exchange_order_id, working[0].book)


async def test_refusals_are_told_apart(venue: Venue) -> None:
    await venue.order("in-1")
    with pytest.raises(errors.WouldTriggerImmediately):
        await venue.stop("stop-1", "100000")
    with pytest.raises(errors.InsufficientMargin):
        await venue.order("big-1", quantity="90")
    with pytest.raises(errors.InvalidRequest):
        await venue.order("odd-1", quantity="0.0015")
    with pytest.raises(errors.OrderNotFound):
        await venue.client.find_order(BTC, "never", Book.PLAIN)


@only("binance")
async def test_more_than_is_held_cannot_be_closed(venue: Venue) -> None:
    await venue.order("in-1")
    with pytest.raises(errors.NothingToReduce):
        await venue.order("out-1", Side.SELL, quantity="0.011", reduce_only=True)


@only("bybit")
async def test_what_closes_is_cut_to_what_is_held(venue: Venue) -> None:
    await venue.order("in-1")
    await venue.order("out-1", Side.SELL, quantity="0.011", reduce_only=True)
    assert not await venue.client.positions()
    with pytest.raises(errors.NothingToReduce):
        await venue.order("out-2", Side.SELL, reduce_only=True)


@only("bybit")
async def test_an_answer_to_an_order_tells_of_no_fill(venue: Venue) -> None:
    request = OrderRequest(BTC, Side.BUY, LONG, OrderType.MARKET, D("0.010"), "in-1")
    told = await venue.client.create_order(request)
    assert (told.status, told.filled_quantity) == (ReportStatus.OPEN, D(0))
    found = await venue.settled(told)
    assert (found.status, found.exchange_order_id) == (ReportStatus.FILLED, told.exchange_order_id)


@only("bybit")
async def test_a_client_id_is_never_free_again(venue: Venue) -> None:
    await venue.order("done")
    with pytest.raises(errors.OutcomeUnknown):
        await venue.order("done")
    [held] = await venue.client.positions()
    assert held.quantity == D("0.01")


@only("binance")
async def test_a_client_id_that_is_open_is_unknown_and_one_that_is_done_buys_again(venue: Venue) -> None:
    """An id is no idempotency key: only our own rows are."""
    await venue.order("same", kind=OrderType.LIMIT, price=D(90_000))
    with pytest.raises(errors.OutcomeUnknown):
        await venue.order("same", kind=OrderType.LIMIT, price=D(90_000))
    await venue.order("done")
    await venue.order("done")
    [held] = await venue.client.positions()
    assert held.quantity == D("0.02")


async def test_the_mark_price_and_a_quiet_balance(venue: Venue) -> None:
    tick = await venue.client.price(BTC, PriceKind.MARK)
    assert (tick.symbol, tick.price) == (BTC, D(100_000))
    balance = await venue.client.balance()
    assert balance.wallet_balance == balance.equity == balance.available_balance == D(10_000)


async def rest(venue: Venue, name: str = "rest-1", price: str = "90000", **words: Any):
    return await venue.order(name, kind=OrderType.LIMIT, price=D(price), **words)


def moved_to(
    price: str, name: str = "rest-1", side: Side = Side.BUY, quantity: str = "0.010"
) -> OrderRequest:
    return OrderRequest(BTC, side, LONG, OrderType.LIMIT, D(quantity), name, price=D(price))


async def test_a_post_only_order_rests_or_is_refused(venue: Venue) -> None:
    """At once, or after it was acknowledged."""
    resting = await rest(venue, time_in_force=TimeInForce.GTX)
    assert (resting.status, resting.price) == (ReportStatus.OPEN, D(90_000))
    if venue.name == "bybit":
        taker = await rest(venue, "takes", "100001", time_in_force=TimeInForce.GTX)
        assert (taker.status, taker.reason) == (ReportStatus.REJECTED, "EC_PostOnlyWillTakeLiquidity")
    else:
        with pytest.raises(errors.Refused, match="maker") as refusal:
            await rest(venue, "takes", "100001", time_in_force=TimeInForce.GTX)
        assert refusal.value.code == "-5022"
    assert not await venue.client.positions()


async def test_an_immediate_order_takes_what_is_there_and_the_rest_expires(venue: Venue) -> None:
    report = await rest(venue, "now", "100000.1", quantity="0.400", time_in_force=TimeInForce.IOC)
    assert report.status in (ReportStatus.EXPIRED, ReportStatus.CANCELED)
    assert report.filled_quantity == D("0.199")
    assert not await venue.client.open_orders()


@only("binance")
async def test_all_or_nothing(venue: Venue) -> None:
    with pytest.raises(errors.Refused) as refusal:
        await rest(venue, "all-1", "100000.1", quantity="0.400", time_in_force=TimeInForce.FOK)
    assert refusal.value.code == "-5021"
    whole = await rest(venue, "all-2", "100000.1", quantity="0.100", time_in_force=TimeInForce.FOK)
    assert whole.status is ReportStatus.FILLED


@only("bybit")
async def test_all_at_once_or_it_expires(venue: Venue) -> None:
    none = await rest(venue, "all-1", "100000.1", quantity="0.400", time_in_force=TimeInForce.FOK)
    assert (none.status, none.filled_quantity) == (ReportStatus.EXPIRED, D(0))
    whole = await rest(venue, "all-2", "100000.1", quantity="0.100", time_in_force=TimeInForce.FOK)
    assert whole.status is ReportStatus.FILLED


@only("bybit")
async def test_an_order_has_no_date_of_its_own_here(venue: Venue) -> None:
    """The bot takes it back when its time is over."""
    soon = datetime.now(UTC) + timedelta(minutes=5)
    resting = await rest(venue, time_in_force=TimeInForce.GTD, expires_at=soon)
    assert resting.status is ReportStatus.OPEN


@only("bybit")
async def test_trailing_by_a_rate_is_refused_before_anything_is_sent(venue: Venue) -> None:
    await venue.order("in-1")
    with pytest.raises(errors.InvalidRequest, match="amount"):
        await trail(venue, "trail-1", "1.5", "101000")
    assert not await venue.client.open_orders()


@only("binance")
async def test_an_order_good_till_a_date_names_a_date_far_enough_ahead(venue: Venue) -> None:
    late, soon = (datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (15, 5))
    resting = await rest(venue, time_in_force=TimeInForce.GTD, expires_at=late)
    assert resting.status is ReportStatus.OPEN
    with pytest.raises(errors.ExchangeError):
        await rest(venue, "soon", time_in_force=TimeInForce.GTD, expires_at=soon)


async def test_a_working_order_moves_to_another_price(venue: Venue) -> None:
    resting = await rest(venue)
    moved = await venue.client.amend_order(moved_to("91000"))
    assert (moved.status, moved.price, moved.quantity) == (ReportStatus.OPEN, D(91_000), D("0.01"))
    assert moved.exchange_order_id == resting.exchange_order_id
    [listed] = await venue.client.open_orders()
    assert (listed.client_order_id, listed.price) == ("rest-1", D(91_000))


async def test_moving_an_order_to_where_it_is_succeeds(venue: Venue) -> None:
    await rest(venue)
    same = await venue.client.amend_order(moved_to("90000"))
    assert (same.status, same.price) == (ReportStatus.OPEN, D(90_000))


async def test_a_price_that_takes_fills_at_once_unless_it_was_post_only(venue: Venue) -> None:
    await rest(venue)
    assert (await venue.client.amend_order(moved_to("100100"))).status is ReportStatus.FILLED
    await rest(venue, "maker", time_in_force=TimeInForce.GTX)
    ended = await venue.client.amend_order(moved_to("100100", "maker"))
    assert ended.status is (ReportStatus.REJECTED if venue.name == "bybit" else ReportStatus.CANCELED)
    [held] = await venue.client.positions()
    assert held.quantity == D("0.01")


async def test_what_does_not_work_any_more_cannot_be_moved(venue: Venue) -> None:
    await rest(venue)
    await venue.client.cancel_order(BTC, "rest-1", Book.PLAIN)
    for name in ("rest-1", "never"):
        with pytest.raises(errors.OrderNotFound):
            await venue.client.amend_order(moved_to("91000", name))


async def test_a_price_off_the_step_moves_nothing(venue: Venue) -> None:
    await rest(venue)
    with pytest.raises(errors.InvalidRequest):
        await venue.client.amend_order(moved_to("91000.05"))
    assert (await venue.client.find_order(BTC, "rest-1", Book.PLAIN)).price == D(90_000)


async def test_canceling_tells_what_had_filled(venue: Venue) -> None:
    await rest(venue, "part", "100000.1", quantity="0.400")
    gone = await venue.client.cancel_order(BTC, "part", Book.PLAIN)
    assert gone is not None
    assert (gone.status, gone.filled_quantity) == (ReportStatus.CANCELED, D("0.199"))
    assert gone.average_price == D("100000.1")
    await venue.stop("stop-1", "99000", quantity="0.199")
    stop = await venue.client.cancel_order(BTC, "stop-1", Book.ALGO)
    assert stop is None or stop.status is ReportStatus.CANCELED


async def test_an_order_is_named_by_the_venues_number(venue: Venue) -> None:
    report = await venue.order("in-1")
    assert await venue.client.name_of_order(BTC, report.exchange_order_id) == "in-1"
    with pytest.raises(errors.OrderNotFound):
        await venue.client.name_of_order(BTC, "999999999")


async def test_fills_after_one_are_all_the_younger_ones(venue: Venue) -> None:
    """And perhaps others of its moment."""
    before = datetime.now(UTC) - timedelta(seconds=5)
    await venue.order("in-1")
    [first] = await venue.client.fills(BTC, before)
    await venue.order("in-2", quantity="0.400")
    younger = await venue.client.fills(BTC, first.at, after=first.trade_id)
    assert sum((fill.quantity for fill in younger), D(0)) == D("0.4")
    assert first.trade_id not in {fill.trade_id for fill in younger}
    last = younger[-1]
    again = await venue.client.fills(BTC, last.at, after=last.trade_id)
    assert all(fill.at == last.at and fill.trade_id != last.trade_id for fill in again)


async def test_contracts_with_executions_are_told_whoever_ordered_them(venue: Venue) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    await venue.charge_funding("0.0001")
    assert not await venue.client.last_trades(before)
    await venue.order("in-1")
    newest = (await venue.client.fills(BTC, before))[-1].at
    assert await venue.client.last_trades(before) == {BTC: newest}
    assert not await venue.client.last_trades(datetime.now(UTC) + timedelta(minutes=1))


async def test_the_next_funding_is_known_with_its_time(venue: Venue) -> None:
    rate = await venue.client.funding_rate(BTC)
    assert rate.every == timedelta(hours=8)
    assert datetime.now(UTC) < rate.next_at < datetime.now(UTC) + rate.every
    assert rate.percent in (D(0), D("0.01"))


async def test_funding_is_told_signed_and_from_the_moment_asked_for(venue: Venue) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    assert not await venue.client.funding(before)
    await venue.order("long-1")
    await venue.charge_funding("0.0001")
    await venue.charge_funding("-0.0002")
    paid, received = await venue.client.funding(before)
    assert (paid.symbol, paid.amount, received.amount, paid.currency) == (BTC, D("-0.1"), D("0.2"), "USDT")
    assert paid.payment_id != received.payment_id
    assert not await venue.client.funding(datetime.now(UTC) + timedelta(minutes=1))


async def test_each_price_of_a_contract_can_be_asked_for(venue: Venue) -> None:
    await venue.set_price("100000", "98000")
    asked = {kind: await venue.client.price(BTC, kind) for kind in PriceKind}
    assert {kind: tick.price for kind, tick in asked.items()} == {
        PriceKind.MARK: D(100_000),
        PriceKind.LAST: D(98_000),
        PriceKind.BID: D("97999.9"),
        PriceKind.ASK: D("98000.1"),
    }
    assert all((tick.symbol, tick.kind) == (BTC, kind) for kind, tick in asked.items())
    assert all(abs(datetime.now(UTC) - tick.at) < timedelta(seconds=5) for tick in asked.values())


async def test_both_sides_of_the_book_are_told_at_once(venue: Venue) -> None:
    await venue.set_price("100000", "98000")
    bid, ask = await venue.client.best_prices(BTC)
    assert (bid.price, bid.kind) == (D("97999.9"), PriceKind.BID)
    assert (ask.price, ask.kind) == (D("98000.1"), PriceKind.ASK)


async def test_the_open_interest_is_told_in_contracts(venue: Venue) -> None:
    await venue.set_price("100000")
    assert await venue.client.open_interest(BTC) == D(250)
    with pytest.raises(errors.InvalidRequest):
        await venue.client.open_interest("NONE/USDT:USDT")


async def test_candles_hold_the_prices_there_were(venue: Venue) -> None:
    for price in ("103000.5", "99000", "101000"):
        await venue.set_price(price)
    rows = await venue.client.candles(BTC, Timeframe.MINUTE, None, 2)
    assert rows[-1].close == D(101_000)
    assert max(row.high for row in rows) == D("103000.5")
    assert min(row.low for row in rows) <= D(99_000)
    assert all(row.at.second == 0 and row.low <= row.open <= row.high for row in rows)
    assert (await venue.client.candles(BTC, Timeframe.HOUR, None, 1))[0].at.minute == 0
    of_mark = await venue.client.candles(BTC, Timeframe.MINUTE, None, 2, of_mark=True)
    assert [row.high for row in of_mark] == [row.high for row in rows]


async def test_candles_of_the_mark_price_are_its_own(venue: Venue) -> None:
    await venue.set_price("100000", "103000.5")
    await venue.set_price("98000", "100000")
    last = await venue.client.candles(BTC, Timeframe.MINUTE, None, 2)
    mark = await venue.client.candles(BTC, Timeframe.MINUTE, None, 2, of_mark=True)
    assert (last[-1].close, mark[-1].close) == (D(100_000), D(98_000))
    assert (max(row.high for row in last), max(row.high for row in mark)) == (D("103000.5"), D(100_000))


async def test_candles_begin_where_they_are_asked_for(venue: Venue) -> None:
    newest = (await venue.client.candles(BTC, Timeframe.MINUTE, None, 1))[-1]
    since = await venue.client.candles(BTC, Timeframe.MINUTE, newest.at, 500)
    assert since[0].at == newest.at
    later = newest.at + timedelta(hours=1)
    assert not await venue.client.candles(BTC, Timeframe.MINUTE, later, 500)


async def test_candles_of_a_contract_that_is_not_listed(venue: Venue) -> None:
    with pytest.raises(errors.InvalidRequest):
        await venue.client.candles("NONE/USDT:USDT", Timeframe.MINUTE, None, 5)
