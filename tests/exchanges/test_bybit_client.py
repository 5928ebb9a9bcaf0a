"""The Bybit client against a small venue: what it asks, what it makes of the answers, and what it does not believe."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from exchanges import errors
from exchanges.bybit_client import BybitClient
from exchanges.credentials import Credentials
from exchanges.types import (
    Book,
    MarginMode,
    OrderReport,
    OrderRequest,
    OrderType,
    PositionMode,
    PositionSide,
    PriceKind,
    ReportStatus,
    Side,
    Timeframe,
)
from tests.exchanges.bybit_rows import (
    a_position,
    a_stop,
    acknowledged,
    an_execution,
    an_order,
    listed,
    refusal,
)
from tests.exchanges.capture import Capture, capturing, hang_up

BTC = "BTC/USDT:USDT"
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
CREATE, AMEND, CANCEL = (
    ("POST", "/v5/order/create"),
    ("POST", "/v5/order/amend"),
    ("POST", "/v5/order/cancel"),
)
REALTIME, HISTORY = ("GET", "/v5/order/realtime"), ("GET", "/v5/order/history")
EXECUTIONS, LOG = ("GET", "/v5/execution/list"), ("GET", "/v5/account/transaction-log")
POSITIONS, KLINE = ("GET", "/v5/position/list"), ("GET", "/v5/market/kline")
TICKERS, LEVERAGE = ("GET", "/v5/market/tickers"), ("POST", "/v5/position/set-leverage")
MODE = ("POST", "/v5/position/switch-mode")
pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Capture]:
    async with capturing() as capture:
        yield capture


@pytest_asyncio.fixture
async def client(venue: Capture) -> AsyncIterator[BybitClient]:
    made = BybitClient(Credentials("bybit", "key", "secret", venue.url))
    yield made
    await made.close()


def one_after_the_other(*answers: Any) -> Any:
    left = list(answers)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def an_entry(**fields: Any) -> OrderRequest:
    words = {"side": Side.BUY, "position_side": LONG, "order_type": OrderType.MARKET} | fields
    return OrderRequest(symbol=BTC, quantity=D("0.010"), client_order_id="tb-1-entry-1", **words)


def the_stop(leg: PositionSide = LONG) -> OrderRequest:
    words = {"side": leg.exit_side, "position_side": leg, "order_type": OrderType.STOP_MARKET}
    return an_entry(**words, trigger_price=D(59000), reduce_only=True)


# orders


async def test_an_acknowledgement_tells_of_no_fill(client: BybitClient, venue: Capture) -> None:
    venue.answers[CREATE] = acknowledged()
    report = await client.create_order(an_entry())
    assert (report.status, report.filled_quantity, report.book) == (ReportStatus.OPEN, D(0), Book.PLAIN)
    assert (report.exchange_order_id, report.quantity) == ("a-1", D("0.010"))
    [sent] = venue.sent(*CREATE)
    assert (sent["positionIdx"], sent["orderLinkId"], sent["side"]) == (1, "tb-1-entry-1", "Buy")
    assert "reduceOnly" not in sent


@pytest.mark.parametrize(("leg", "index", "direction"), [(LONG, 1, 2), (SHORT, 2, 1)])
async def test_a_stop_says_its_leg_and_from_where_it_fires(
    client: BybitClient, venue: Capture, leg: PositionSide, index: int, direction: int
) -> None:
    venue.answers[CREATE] = acknowledged()
    report = await client.create_order(the_stop(leg))
    assert (report.book, report.status) == (Book.ALGO, ReportStatus.OPEN)
    [sent] = venue.sent(*CREATE)
    asked = [
        sent[name] for name in ("positionIdx", "triggerDirection", "triggerBy", "triggerPrice", "reduceOnly")
    ]
    assert asked == [index, direction, "MarkPrice", "59000", True]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"retCode": 0, "retMsg": "OK", "result": {}, "time": 1}, errors.OutcomeUnknown),
        (acknowledged(name="somebody-else"), errors.OutcomeUnknown),
        (acknowledged(number=""), errors.OutcomeUnknown),
        ((200, ""), errors.OutcomeUnknown),
        (hang_up(), errors.OutcomeUnknown),
        (refusal(10016, "Internal System Error."), errors.OutcomeUnknown),
        (refusal(110072, "OrderLinkedID is duplicate"), errors.OutcomeUnknown),
        (refusal(110001, "order not exists"), errors.OutcomeUnknown),
        (refusal(110007, "ab not enough for new order"), errors.InsufficientMargin),
        (refusal(110093, "expect Falling"), errors.WouldTriggerImmediately),
        (refusal(110017, "current position is zero"), errors.NothingToReduce),
        (refusal(10001, "position idx not match position mode"), errors.PositionModeDiffers),
        (refusal(10003, "API key is invalid."), errors.AccountUnusable),
        (refusal(170209, "not available in your region"), errors.Refused),
        (refusal(999999, "a number nobody knows"), errors.OutcomeUnknown),
    ],
)
async def test_what_an_answer_to_an_order_proves(
    answer: Any, error: type[Exception], client: BybitClient, venue: Capture
) -> None:
    venue.answers[CREATE] = answer
    with pytest.raises(error):
        await client.create_order(an_entry())
    assert len(venue.sent(*CREATE)) == 1


async def test_an_order_is_found_open_just_ended_or_long_ago(client: BybitClient, venue: Capture) -> None:
    filled = an_order(orderStatus="Filled", cumExecQty="0.010", avgPrice="60000.1")
    for realtime, history in ((listed(filled), listed()), (listed(), listed(filled))):
        venue.answers |= {REALTIME: realtime, HISTORY: history}
        report = await client.find_order(BTC, "tb-1-entry-1", Book.PLAIN)
        assert (report.status, report.filled_quantity, report.average_price) == (
            ReportStatus.FILLED, D("0.01"), D("60000.1"),
        )  # fmt: skip


async def test_an_order_is_absent_only_when_every_list_has_answered(
    client: BybitClient, venue: Capture
) -> None:
    venue.answers |= {REALTIME: listed(), HISTORY: listed()}
    with pytest.raises(errors.OrderNotFound):
        await client.find_order(BTC, "tb-1-entry-1", Book.PLAIN)
    for broken in (
        (502, "bad gateway"),
        refusal(10016, "Internal System Error."),
        {"retCode": 0, "result": {}},
    ):
        venue.answers[HISTORY] = broken
        with pytest.raises(errors.OutcomeUnknown):
            await client.find_order(BTC, "tb-1-entry-1", Book.PLAIN)


async def test_another_order_in_the_answer_is_not_ours(client: BybitClient, venue: Capture) -> None:
    venue.answers |= {REALTIME: listed(an_order(orderLinkId="other")), HISTORY: listed()}
    with pytest.raises(errors.OrderNotFound):
        await client.find_order(BTC, "tb-1-entry-1", Book.PLAIN)


async def test_a_stop_is_one_order_in_two_books(client: BybitClient, venue: Capture) -> None:
    venue.answers |= {REALTIME: listed(a_stop()), HISTORY: listed()}
    assert (await client.find_order(BTC, "tb-1-protect-1", Book.ALGO)).status is ReportStatus.OPEN
    with pytest.raises(errors.OrderNotFound):
        await client.find_order(BTC, "tb-1-protect-1", Book.PLAIN)
    fired = a_stop(orderStatus="Filled", cumExecQty="0.010", avgPrice="58990")
    venue.answers[REALTIME] = listed(fired)
    waiting = await client.find_order(BTC, "tb-1-protect-1", Book.ALGO)
    assert (waiting.status, waiting.child_order_id) == (ReportStatus.TRIGGERED, "a-1")
    child = await client.find_child(BTC, "a-1")
    assert child == await client.find_order(BTC, "tb-1-protect-1", Book.PLAIN)
    assert (child.status, child.filled_quantity) == (ReportStatus.FILLED, D("0.01"))
    assert await client.name_of_order(BTC, "a-1") == "tb-1-protect-1"


async def test_open_orders_are_read_to_the_last_page(client: BybitClient, venue: Capture) -> None:
    pages = one_after_the_other(listed(an_order(), cursor="next"), listed(a_stop(orderId="a-2")))
    venue.answers[REALTIME] = pages
    found = await client.open_orders()
    assert [(one.book, one.exchange_order_id) for one in found] == [(Book.PLAIN, "a-1"), (Book.ALGO, "a-2")]
    first, second = venue.sent(*REALTIME)
    assert (first["settleCoin"], second["cursor"]) == ("USDT", "next")


async def test_a_cancel_tells_what_became_of_the_order(client: BybitClient, venue: Capture) -> None:
    gone = an_order(orderStatus="Cancelled", cumExecQty="0.004", avgPrice="60000")
    venue.answers |= {CANCEL: acknowledged(), REALTIME: listed(gone)}
    report = await client.cancel_order(BTC, "tb-1-entry-1", Book.PLAIN)
    assert report is not None
    assert (report.status, report.filled_quantity) == (ReportStatus.CANCELED, D("0.004"))
    assert venue.sent(*CANCEL)[0]["orderLinkId"] == "tb-1-entry-1"
    venue.answers[CANCEL] = refusal(110001, "order not exists or too late to cancel")
    with pytest.raises(errors.OrderNotFound):
        await client.cancel_order(BTC, "tb-1-entry-1", Book.PLAIN)


async def moved(client: BybitClient) -> OrderReport:
    return await client.amend_order(an_entry(order_type=OrderType.LIMIT, price=D("61000")))


async def test_an_order_is_moved_by_our_name(client: BybitClient, venue: Capture) -> None:
    venue.answers |= {AMEND: acknowledged(), REALTIME: listed(an_order(price="61000"))}
    assert (await moved(client)).price == D(61000)
    [sent] = venue.sent(*AMEND)
    assert (sent["orderLinkId"], sent["price"], "qty" in sent) == ("tb-1-entry-1", "61000", False)
    venue.answers[AMEND] = refusal(10001, "The order remains unchanged as the parameters entered match.")
    assert (await moved(client)).price == D(61000)
    venue.answers[AMEND] = refusal(10001, "params error: price invalid")
    with pytest.raises(errors.InvalidRequest):
        await moved(client)


# what is held


async def test_both_legs_are_read_and_flat_slots_are_not(client: BybitClient, venue: Capture) -> None:
    short = a_position(positionIdx=2, side="Sell", size="0.020")
    flat = a_position(positionIdx=2, side="", size="0", avgPrice="0", symbol="ETHUSDT")
    pages = one_after_the_other(listed(a_position(), flat, cursor="next"), listed(short))
    venue.answers[POSITIONS] = pages
    held = await client.positions()
    assert [(one.symbol, one.position_side, one.quantity) for one in held] == [
        (BTC, LONG, D("0.01")), (BTC, SHORT, D("0.02")),
    ]  # fmt: skip


@pytest.mark.parametrize("answer", [{"retCode": 0, "result": {}}, {"retCode": 0, "result": {"list": {}}}, {}])
async def test_an_odd_answer_is_not_an_empty_account(
    answer: Any, client: BybitClient, venue: Capture
) -> None:
    venue.answers |= {POSITIONS: answer, ("GET", "/v5/account/wallet-balance"): answer}
    for question in (client.positions, client.balance):
        with pytest.raises(errors.OutcomeUnknown):
            await question()


@pytest.mark.parametrize(
    ("told", "answer", "posts"),
    [
        (("5", "5"), acknowledged(), 0),
        (("5", "10"), acknowledged(), 1),
        (("10", "10"), refusal(110043, "leverage not modified"), 1),
    ],
)
async def test_leverage_is_set_where_a_leg_differs_and_read_back(
    told: tuple[str, str], answer: Any, posts: int, client: BybitClient, venue: Capture
) -> None:
    legs = [a_position(leverage=one, positionIdx=index) for index, one in enumerate(told, start=1)]
    venue.answers |= {POSITIONS: listed(*legs), LEVERAGE: answer}
    with pytest.raises(errors.OutcomeUnknown, match="reads otherwise") if posts else nullcontext():
        await client.ensure_leverage(BTC, 5)
    assert [(sent["buyLeverage"], sent["sellLeverage"]) for sent in venue.sent(*LEVERAGE)] == [
        ("5", "5")
    ] * posts


@pytest.mark.parametrize(
    ("indexes", "mode"),
    [((1, 2), PositionMode.HEDGE), ((0,), PositionMode.ONE_WAY)],
)
async def test_the_position_mode_is_read_from_a_contracts_slots(
    indexes: tuple[int, ...], mode: PositionMode, client: BybitClient, venue: Capture
) -> None:
    venue.answers[POSITIONS] = listed(*(a_position(positionIdx=index) for index in indexes))
    assert await client.position_mode(BTC) is mode


@pytest.mark.parametrize("indexes", [(), (0, 1)])
async def test_an_unclear_position_mode_is_unknown(
    indexes: tuple[int, ...], client: BybitClient, venue: Capture
) -> None:
    venue.answers[POSITIONS] = listed(*(a_position(positionIdx=index) for index in indexes))
    with pytest.raises(errors.OutcomeUnknown):
        await client.position_mode(BTC)


@pytest.mark.parametrize(("mode", "word"), [(PositionMode.HEDGE, "3"), (PositionMode.ONE_WAY, "0")])
@pytest.mark.parametrize(
    "answer",
    [{"retCode": 0, "retMsg": "OK", "result": {}}, refusal(110025, "Position mode is not modified")],
    ids=["changed", "already so"],
)
async def test_the_position_mode_is_set_for_all_contracts(
    answer: Any, mode: PositionMode, word: str, client: BybitClient, venue: Capture
) -> None:
    venue.answers[MODE] = answer
    await client.set_position_mode(BTC, mode)
    assert [(str(sent["mode"]), sent["coin"], "symbol" in sent) for sent in venue.sent(*MODE)] == [
        (word, "USDT", False)
    ]


async def test_the_position_mode_stays_while_something_is_open(client: BybitClient, venue: Capture) -> None:
    venue.answers[MODE] = refusal(110024, "You have an existing position")
    with pytest.raises(errors.Refused):
        await client.set_position_mode(BTC, PositionMode.HEDGE)


MARGIN, SET_MARGIN = ("GET", "/v5/account/info"), ("POST", "/v5/account/set-margin-mode")


@pytest.mark.parametrize(
    ("wanted", "posts"), [(MarginMode.CROSS, []), (MarginMode.ISOLATED, ["ISOLATED_MARGIN"])]
)
async def test_the_margin_mode_of_the_account_is_set_where_it_differs_and_read_back(
    wanted: MarginMode, posts: list[str], client: BybitClient, venue: Capture
) -> None:
    venue.answers[MARGIN] = {"retCode": 0, "retMsg": "OK", "result": {"marginMode": "REGULAR_MARGIN"}}
    venue.answers[SET_MARGIN] = {"retCode": 0, "retMsg": "OK", "result": {"reasons": []}}
    with pytest.raises(errors.OutcomeUnknown, match="reads REGULAR_MARGIN") if posts else nullcontext():
        await client.ensure_margin_mode(BTC, wanted)
    assert [sent["setMarginMode"] for sent in venue.sent(*SET_MARGIN)] == posts


# executions


async def test_executions_are_read_page_by_page_and_told_oldest_first(
    client: BybitClient, venue: Capture
) -> None:
    since = datetime.now(UTC) - timedelta(days=1)
    at = int((since + timedelta(hours=1)).timestamp() * 1000)
    young, old = an_execution(execId="e-2", execTime=str(at + 1)), an_execution(execTime=str(at))
    paid = an_execution(execId="e-0", execType="Funding", execTime=str(at))
    venue.answers[EXECUTIONS] = one_after_the_other(listed(young, paid, cursor="next"), listed(old))
    assert [fill.trade_id for fill in await client.fills(BTC, since)] == ["e-1", "e-2"]
    venue.answers[EXECUTIONS] = listed(young, old)
    assert [fill.trade_id for fill in await client.fills(BTC, since, after="e-1")] == ["e-2"]
    assert not venue.sent(*LOG)


async def test_executions_of_a_month_are_asked_week_by_week(client: BybitClient, venue: Capture) -> None:
    venue.answers[EXECUTIONS] = listed()
    await client.fills(BTC, datetime.now(UTC) - timedelta(days=29))
    starts = [int(sent["startTime"]) for sent in venue.sent(*EXECUTIONS)]
    assert len(starts) == 5
    assert {b - a for a, b in pairwise(starts)} == {7 * 24 * 3600 * 1000}


async def test_a_profit_that_the_listing_hides_is_read_from_the_log(
    client: BybitClient, venue: Capture
) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    row = an_execution(side="Sell", closedSize="0.010")
    del row["execPnl"]
    venue.answers |= {
        EXECUTIONS: listed(row),
        LOG: listed({"tradeId": "e-1", "cashFlow": "9.998"}, {"tradeId": ""}),
    }
    [fill] = await client.fills(BTC, since)
    assert (fill.realized_pnl, fill.position_side) == (D("9.998"), LONG)


def a_closing(at: datetime, name: str = "e-1") -> dict[str, object]:
    row = an_execution(execId=name, side="Sell", closedSize="0.010", execTime=str(int(at.timestamp() * 1000)))
    del row["execPnl"]
    return row


async def test_the_log_is_read_for_the_hidden_profits_alone(client: BybitClient, venue: Capture) -> None:
    now = datetime.now(UTC)
    since, first, last = (now - timedelta(days=days) for days in (28, 20, 12))
    venue.answers |= {EXECUTIONS: listed(a_closing(since, "known")), LOG: listed()}
    assert await client.fills(BTC, since, after="known") == []
    assert not venue.sent(*LOG)
    venue.answers[EXECUTIONS] = listed(a_closing(last, "e-2"), a_closing(first), a_closing(since, "known"))
    await client.fills(BTC, since, after="known")
    spans = [(int(sent["startTime"]), int(sent["endTime"])) for sent in venue.sent(*LOG)]
    week_ms = 7 * 24 * 3600 * 1000
    assert spans[0][0] == int(first.timestamp() * 1000)
    assert spans[0][1] == spans[1][0] == spans[0][0] + week_ms
    assert 0 < spans[-1][1] - int(last.timestamp() * 1000) <= 5000


async def test_a_trade_waits_a_moment_for_its_row_in_the_log(client: BybitClient, venue: Capture) -> None:
    now = datetime.now(UTC)
    row = a_closing(now)
    venue.answers |= {EXECUTIONS: listed(row, an_execution(execId="e-0")), LOG: listed()}
    assert [fill.trade_id for fill in await client.fills(BTC, now)] == ["e-0"]
    venue.answers[LOG] = listed({"tradeId": "e-1", "cashFlow": "-3"})
    assert [fill.realized_pnl for fill in await client.fills(BTC, now)] == [D(0), D(-3)]
    venue.answers |= {EXECUTIONS: listed(a_closing(now - timedelta(seconds=6))), LOG: listed()}
    assert [fill.trade_id for fill in await client.fills(BTC, now)] == ["e-1"], "patience has an end"


async def test_contracts_with_executions_and_funding(client: BybitClient, venue: Capture) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    venue.answers[EXECUTIONS] = listed(an_execution(), an_execution(execId="e-2", execTime="1700000001000"))
    assert await client.last_trades(since) == {BTC: datetime.fromtimestamp(1_700_000_001, UTC)}
    venue.answers[EXECUTIONS] = listed(an_execution(execType="Funding", execFee="-0.25"))
    [payment] = await client.funding(since)
    assert (payment.amount, payment.payment_id, payment.symbol) == (D("0.25"), "e-1", BTC)
    assert venue.sent(*EXECUTIONS)[-1]["execType"] == "Funding"


# prices


async def test_one_ticker_tells_every_price(client: BybitClient, venue: Capture) -> None:
    row = {
        "symbol": "BTCUSDT",
        "lastPrice": "1",
        "markPrice": "2",
        "bid1Price": "3",
        "ask1Price": "4",
        "openInterest": "5",
    }
    venue.answers[TICKERS] = listed(row)
    asked = [(await client.price(BTC, kind)).price for kind in (PriceKind.LAST, PriceKind.MARK)]
    bid, ask = await client.best_prices(BTC)
    assert [*asked, bid.price, ask.price, await client.open_interest(BTC)] == [D(one) for one in range(1, 6)]
    assert bid.at == datetime.fromtimestamp(1_700_000_000, UTC)
    with pytest.raises(errors.InvalidRequest):
        await client.price("NONE/USDT:USDT", PriceKind.MARK)


async def test_candles_are_turned_round_and_begin_where_they_are_asked_for(
    client: BybitClient, venue: Capture
) -> None:
    start = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
    first = int(datetime(2026, 1, 1, 12, 1, tzinfo=UTC).timestamp() * 1000)
    rows = [[str(first + n * 60_000), "1", "3", "0.5", "2", "10", "20"] for n in (1, 0, -1)]
    venue.answers[KLINE] = listed(*rows)
    found = await client.candles(BTC, Timeframe.MINUTE, start, 2)
    assert [int(one.at.timestamp() * 1000) for one in found] == [first, first + 60_000]
    [sent] = venue.sent(*KLINE)
    assert (sent["interval"], int(sent["start"]), int(sent["end"])) == ("1", first, first + 2 * 60_000 - 1)
    mark = ("GET", "/v5/market/mark-price-kline")
    venue.answers[mark] = listed([str(first), "1", "3", "0.5", "2"])
    [candle] = await client.candles(BTC, Timeframe.HOUR, None, 5, of_mark=True)
    assert (candle.high, candle.volume, venue.sent(*mark)[0]["interval"]) == (D(3), D(0), "60")


async def test_instruments_have_exact_steps(client: BybitClient) -> None:
    [btc] = await client.instruments()
    assert (btc.symbol, btc.price_increment, btc.size_increment, btc.max_quantity, btc.min_notional) == (
        BTC, D("0.10"), D("0.001"), D(500), D(5),
    )  # fmt: skip


async def test_requests_are_signed_for_the_servers_time(client: BybitClient, venue: Capture) -> None:
    venue.answers[CREATE] = acknowledged()
    await client.create_order(an_entry())
    assert venue.sent("GET", "/v5/market/time")
    clock = await client.clock()
    assert clock is not None
    assert abs(clock.offset_ms) < 2000
    assert "secret" not in json.dumps([one.params for one in venue.seen])
