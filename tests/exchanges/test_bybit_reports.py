"""Bybit's rows in our words: one order seen in two books, both legs, and the empty texts it writes for 'not told'."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from exchanges.errors import InvalidRequest
from exchanges.types import (
    Book,
    Forced,
    OrderRequest,
    OrderType,
    PositionSide,
    PriceKind,
    Reference,
    ReportStatus,
    Side,
    TimeInForce,
)
from exchanges.venues import bybit, bybit_events
from exchanges.venues import bybit_reports as reports
from tests.exchanges.bybit_rows import a_position, a_stop, an_execution, an_order

BTC = "BTC/USDT:USDT"
ALGO, PLAIN = Book.ALGO, Book.PLAIN
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def told(row: dict[str, Any]) -> list[tuple[Book, ReportStatus, D]]:
    return [(one.book, one.status, one.filled_quantity) for one in reports.order_reports(row, BTC)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (a_stop(), [(ALGO, ReportStatus.OPEN, D(0))]),
        (a_stop(orderStatus="Deactivated"), [(ALGO, ReportStatus.CANCELED, D(0))]),
        (a_stop(orderStatus="Rejected"), [(ALGO, ReportStatus.REJECTED, D(0))]),
        (a_stop(orderStatus="Cancelled"), [(ALGO, ReportStatus.CANCELED, D(0))]),
        (a_stop(orderStatus="Triggered"), [(ALGO, ReportStatus.TRIGGERED, D(0)), (PLAIN, ReportStatus.OPEN, D(0))]),
        (
            a_stop(orderStatus="Filled", cumExecQty="0.010"),
            [(ALGO, ReportStatus.TRIGGERED, D(0)), (PLAIN, ReportStatus.FILLED, D("0.01"))],
        ),
        (
            a_stop(orderStatus="Cancelled", cumExecQty="0.004"),
            [(ALGO, ReportStatus.TRIGGERED, D(0)), (PLAIN, ReportStatus.CANCELED, D("0.004"))],
        ),
        (an_order(), [(PLAIN, ReportStatus.OPEN, D(0))]),
        (an_order(orderStatus="PartiallyFilled", cumExecQty="0.004"),
         [(PLAIN, ReportStatus.PARTIALLY_FILLED, D("0.004"))]),
        (an_order(orderStatus="Rejected"), [(PLAIN, ReportStatus.REJECTED, D(0))]),
        (an_order(orderStatus="Rejected", cumExecQty="0.004"), [(PLAIN, ReportStatus.CANCELED, D("0.004"))]),
    ],
)  # fmt: skip
def test_one_order_in_our_two_books(row: dict[str, Any], expected: list[Any]) -> None:
    assert told(row) == expected


def test_a_stop_that_fired_is_its_own_child() -> None:
    waiting, fired = a_stop(), a_stop(orderStatus="Filled", cumExecQty="0.010", avgPrice="58990")
    assert reports.conditional_report(waiting, BTC).child_order_id is None
    conditional, plain = reports.order_reports(fired, BTC)
    assert conditional.child_order_id == conditional.exchange_order_id == plain.exchange_order_id == "a-1"
    assert (plain.average_price, plain.position_side, plain.trigger_price) == (D(58990), LONG, D(59000))


@pytest.mark.parametrize(
    ("reason", "status", "kept"),
    [
        ("EC_NoError", ReportStatus.CANCELED, ""),
        ("EC_PerCancelRequest", ReportStatus.CANCELED, ""),
        ("EC_PostOnlyWillTakeLiquidity", ReportStatus.REJECTED, "EC_PostOnlyWillTakeLiquidity"),
        ("EC_NoImmediateQtyToFill", ReportStatus.EXPIRED, "EC_NoImmediateQtyToFill"),
        ("EC_Others", ReportStatus.CANCELED, "EC_Others"),
    ],
)
def test_why_an_order_ended_decides_what_it_was(reason: str, status: ReportStatus, kept: str) -> None:
    told = reports.plain_report(an_order(orderStatus="Cancelled", rejectReason=reason), BTC)
    assert (told.status, told.reason) == (status, kept)


@pytest.mark.parametrize(
    ("row", "leg", "forced"),
    [
        (an_execution(), LONG, None),
        (an_execution(side="Sell"), SHORT, None),
        (an_execution(side="Sell", closedSize="0.010"), LONG, None),
        (an_execution(closedSize="0.010"), SHORT, None),
        (an_execution(side="Sell", positionIdx=1), LONG, None),
        (an_execution(side="Sell", closedSize="0.010", execType="AdlTrade"), LONG, Forced.ADL),
        (an_execution(closedSize="0.010", execType="BustTrade"), SHORT, Forced.LIQUIDATION),
    ],
)
def test_the_leg_of_an_execution(row: dict[str, Any], leg: PositionSide, forced: Forced | None) -> None:
    fill = reports.fill_report(row, BTC)
    assert (fill.position_side, fill.forced) == (leg, forced)


def test_an_execution_is_exact() -> None:
    fill = reports.fill_report(an_execution(execPnl="-1.25", closedSize="0.010"), BTC)
    assert (fill.price, fill.quantity, fill.fee, fill.realized_pnl) == (
        D("60000.10"),
        D("0.01"),
        D("0.33000055"),
        D("-1.25"),
    )
    assert (fill.trade_id, fill.client_order_id, fill.fee_currency) == ("e-1", "tb-1-entry-1", "USDT")


def test_funding_is_the_opposite_of_its_fee() -> None:
    assert reports.funding_report(an_execution(execType="Funding", execFee="0.6"), BTC).amount == D("-0.6")
    assert not reports.is_trade(an_execution(execType="Funding"))


@pytest.mark.parametrize(
    ("fields", "leg"),
    [({}, LONG), ({"positionIdx": 2, "side": "Sell"}, SHORT), ({"positionIdx": 0, "side": "Sell"}, SHORT)],
)
def test_the_leg_of_a_position(fields: dict[str, Any], leg: PositionSide) -> None:
    held = reports.position_report(a_position(**fields), BTC)
    assert held is not None
    assert (held.position_side, held.quantity, held.liquidation_price) == (leg, D("0.01"), None)


@pytest.mark.parametrize(("listed", "read"), [("12.5", 12), ("10", 10), ("0.5", 1), ("", None), ("0", None)])
def test_the_leverage_of_a_position(listed: str, read: int | None) -> None:
    held = reports.position_report(a_position(leverage=listed), BTC)
    assert held is not None
    assert held.leverage == read


def test_a_flat_slot_is_no_position() -> None:
    assert reports.position_report(a_position(size="0", side="", avgPrice="0"), BTC) is None


def a_wallet(available: str, **coin: str) -> dict[str, Any]:
    usdt = {
        "coin": "USDT",
        "walletBalance": "1000.5",
        "equity": "1010",
        "totalPositionIM": "200",
        "totalOrderIM": "50",
    }
    return {"totalAvailableBalance": available, "coin": [{"coin": "BTC", "walletBalance": "1"}, usdt | coin]}


def test_what_is_available_is_told_or_reckoned_and_never_nothing_for_an_empty_text() -> None:
    assert reports.balance_report(a_wallet("123.4")).available_balance == D("123.4")
    reckoned = reports.balance_report(a_wallet(""))
    assert (reckoned.wallet_balance, reckoned.equity, reckoned.available_balance) == (
        D("1000.5"),
        D(1010),
        D("750.5"),
    )
    assert reports.balance_report({"totalAvailableBalance": "", "coin": []}).wallet_balance == 0


def a_limit(**fields: Any) -> OrderRequest:
    words = {"time_in_force": None} | fields
    return OrderRequest(BTC, Side.BUY, LONG, OrderType.LIMIT, D("0.01"), "tb-1", price=D(60000), **words)


@pytest.mark.parametrize(
    ("force", "word"),
    [(None, None), (TimeInForce.GTX, "PostOnly"), (TimeInForce.IOC, "IOC"), (TimeInForce.GTD, "GTC")],
)
def test_how_long_an_order_works(force: TimeInForce | None, word: str | None) -> None:
    assert bybit.order_words(a_limit(time_in_force=force)).params.get("timeInForce") == word


def test_requests_that_bybit_does_not_understand() -> None:
    trailing = OrderRequest(
        BTC, Side.SELL, LONG, OrderType.TRAILING_STOP_MARKET, D("0.01"), "tb-1", reduce_only=True
    )
    strange = OrderRequest(BTC, Side.BUY, LONG, OrderType.MARKET, D("0.01"), "tb 1")
    by_book = OrderRequest(BTC, Side.SELL, LONG, OrderType.STOP_MARKET, D("0.01"), "tb-1", trigger_price=D(1),
                           trigger_by=PriceKind.BID)  # fmt: skip
    for request in (trailing, strange, by_book):
        with pytest.raises(InvalidRequest):
            bybit.order_words(request)


# price streams


def prices(messages: list[dict[str, Any]], reference: Reference) -> list[tuple[PriceKind, D, int]]:
    known: bybit_events.Known = {}
    found = [
        tick for one in messages for tick in bybit_events.ticks_of(one, reference, known, lambda name: BTC)
    ]
    return [(tick.kind, tick.price, int(tick.at.timestamp() * 1000)) for tick in found]


def a_ticker(at: int, **data: str) -> dict[str, Any]:
    return {"topic": "tickers.BTCUSDT", "type": "delta", "ts": at, "data": {"symbol": "BTCUSDT", **data}}


def a_book(at: int, bids: list[list[str]], asks: list[list[str]]) -> dict[str, Any]:
    return {"topic": "orderbook.1.BTCUSDT", "ts": at, "data": {"s": "BTCUSDT", "b": bids, "a": asks}}


def test_what_a_ticker_leaves_out_is_as_it_was_and_now() -> None:
    said = [
        a_ticker(1000, markPrice="100", lastPrice="99"),
        a_ticker(2000, lastPrice="98"),
        a_ticker(3000, markPrice="101"),
    ]
    assert prices(said, Reference.MARK) == [
        (PriceKind.MARK, D(100), 1000), (PriceKind.MARK, D(100), 2000), (PriceKind.MARK, D(101), 3000)
    ]  # fmt: skip
    assert [price for _, price, _ in prices(said, Reference.LAST)] == [D(99), D(98), D(98)]
    assert prices([a_ticker(1000, lastPrice="99")], Reference.MARK) == []


def test_the_best_of_each_side_of_the_book() -> None:
    said = [a_book(1000, [["99", "1"]], [["101", "2"]]), a_book(2000, [["99", "0"], ["98", "3"]], [])]
    assert prices(said, Reference.BOOK) == [
        (PriceKind.BID, D(99), 1000), (PriceKind.ASK, D(101), 1000),
        (PriceKind.BID, D(98), 2000), (PriceKind.ASK, D(101), 2000),
    ]  # fmt: skip
    assert prices(said, Reference.MARK) == []
