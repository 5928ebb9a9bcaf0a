"""Answers of Binance in our words: exact numbers, both legs, both books."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from exchanges import errors
from exchanges.binance_client import BinanceClient
from exchanges.binance_listings import FILLS_PER_PAGE, INCOMES_PER_PAGE
from exchanges.credentials import Credentials
from exchanges.types import (
    Book,
    MarginMode,
    OrderRequest,
    OrderType,
    PositionMode,
    PositionSide,
    PriceKind,
    ReportStatus,
    Side,
)
from tests.exchanges.capture import Capture, capturing, sample

BTC = "BTC/USDT:USDT"
ANSWERS = sample("binance_answers")


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Capture]:
    async with capturing() as capture:
        yield capture


@pytest_asyncio.fixture
async def client(venue: Capture) -> AsyncIterator[BinanceClient]:
    made = BinanceClient(Credentials("binance", "key", "secret", venue.url))
    yield made
    await made.close()


def a_stop(**fields: Any) -> dict[str, Any]:
    return {
        "algoId": 777,
        "clientAlgoId": "tb-1-protect-1",
        "algoType": "CONDITIONAL",
        "orderType": "STOP_MARKET",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "positionSide": "LONG",
        "quantity": "0.010",
        "algoStatus": "NEW",
        "triggerPrice": "60000.00",
        "actualOrderId": "",
        "updateTime": 1700000000000,
    } | fields


def an_order(**fields: Any) -> dict[str, Any]:
    return {
        "orderId": 4242,
        "clientOrderId": "tb-1-entry-1",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "positionSide": "LONG",
        "status": "FILLED",
        "price": "0",
        "avgPrice": "61234.50000",
        "origQty": "0.010",
        "executedQty": "0.010",
        "cumQuote": "612.345",
        "stopPrice": "0.00",
        "updateTime": 1700000000123,
    } | fields


def a_trade(number: int, milliseconds: int) -> dict[str, Any]:
    return ANSWERS["my_trades"][0] | {"id": number, "time": milliseconds, "positionSide": "LONG"}


# -- instruments, balance, prices ----------------------------------------------------------------------


@pytest.mark.asyncio
async def test_instruments_have_exact_steps(client: BinanceClient) -> None:
    specs = {spec.symbol: spec for spec in await client.instruments()}
    btc, shib = specs[BTC], specs["SHIB/USDT:USDT"]
    assert (btc.exchange_symbol, btc.price_increment, btc.size_increment) == (
        "BTCUSDT",
        Decimal("0.10"),
        Decimal("0.001"),
    )
    assert (btc.min_quantity, btc.max_quantity, btc.min_notional) == (Decimal("0.001"), 120, 100)
    assert shib.price_increment == Decimal("0.000001")
    assert btc.active
    assert not specs["OLD/USDT:USDT"].active
    assert not [symbol for symbol in specs if "29" in symbol], "only perpetual contracts"


@pytest.mark.asyncio
async def test_a_contract_without_minimum_notional_has_none(client: BinanceClient, venue: Capture) -> None:
    info = sample("binance_exchange_info")
    info["symbols"][0]["filters"] = info["symbols"][0]["filters"][:3]
    venue.answers["GET", "/fapi/v1/exchangeInfo"] = info
    specs = {spec.symbol: spec for spec in await client.instruments()}
    assert specs[BTC].min_notional == 0


@pytest.mark.asyncio
async def test_balance_is_the_quote_currency_only(client: BinanceClient, venue: Capture) -> None:
    usdt = {
        "asset": "USDT",
        "walletBalance": "10000.12345678",
        "marginBalance": "10010.5",
        "availableBalance": "9000.1",
        "initialMargin": "1",
        "updateTime": 1,
    }
    venue.answers["GET", "/fapi/v3/account"] = {"assets": [{**usdt, "asset": "BNB"}, usdt], "positions": []}
    report = await client.balance()
    assert report.wallet_balance == Decimal("10000.12345678")
    assert (report.equity, report.available_balance) == (Decimal("10010.5"), Decimal("9000.1"))


@pytest.mark.asyncio
async def test_mark_price(client: BinanceClient, venue: Capture) -> None:
    venue.answers["GET", "/fapi/v1/premiumIndex"] = {
        "symbol": "BTCUSDT",
        "markPrice": "61234.12345678",
        "indexPrice": "61200",
        "lastFundingRate": "0.0001",
        "interestRate": "0.0001",
        "nextFundingTime": 1700006400000,
        "time": 1700000000000,
    }
    tick = await client.price(BTC, PriceKind.MARK)
    assert (tick.symbol, tick.price) == (BTC, Decimal("61234.12345678"))
    assert tick.at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


# -- positions -----------------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "long", "short"),
    [("positions_hedge_v3", "0.009", "0.004"), ("positions_hedge_v2", "20", "10")],
)
async def test_both_legs_are_positions(
    answer: str, long: str, short: str, client: BinanceClient, venue: Capture
) -> None:
    venue.answers["GET", "/fapi/v3/positionRisk"] = ANSWERS[answer]
    found = {report.position_side: report for report in await client.positions()}
    assert found[PositionSide.LONG].quantity == Decimal(long)
    assert found[PositionSide.SHORT].quantity == Decimal(short)
    assert {report.symbol for report in found.values()} == {BTC}


@pytest.mark.asyncio
async def test_flat_rows_are_no_positions(client: BinanceClient, venue: Capture) -> None:
    venue.answers["GET", "/fapi/v3/positionRisk"] = ANSWERS["positions_flat"] + [
        ANSWERS["positions_hedge_v3"][0] | {"positionAmt": "0.000"}
    ]
    assert await client.positions() == []


@pytest.mark.asyncio
async def test_one_way_side_follows_the_sign_and_an_unlisted_contract_stays_visible(
    client: BinanceClient, venue: Capture
) -> None:
    row = ANSWERS["positions_hedge_v3"][1] | {"positionSide": "BOTH", "symbol": "GONEUSDT"}
    venue.answers["GET", "/fapi/v3/positionRisk"] = [row]
    (report,) = await client.positions()
    assert (report.position_side, report.quantity) == (PositionSide.SHORT, Decimal("0.004"))
    assert "GONE" in report.symbol


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", [{}, (200, ""), (200, "<html>"), [{"symbol": "BTCUSDT"}]])
async def test_an_odd_answer_is_not_an_empty_account(
    answer: Any, client: BinanceClient, venue: Capture
) -> None:
    for path in ("v3/positionRisk", "v1/openOrders", "v1/openAlgoOrders", "v1/userTrades"):
        venue.answers["GET", f"/fapi/{path}"] = answer
    for question in (client.positions(), client.open_orders(), client.fills(BTC, datetime.now(UTC))):
        with pytest.raises(errors.OutcomeUnknown):
            await question


# -- orders --------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_market_order_is_reported_filled(client: BinanceClient, venue: Capture) -> None:
    venue.answers["POST", "/fapi/v1/order"] = an_order()
    request = OrderRequest(
        BTC, Side.BUY, PositionSide.LONG, OrderType.MARKET, Decimal("0.01"), "tb-1-entry-1"
    )
    report = await client.create_order(request)
    assert (report.status, report.book) == (ReportStatus.FILLED, Book.PLAIN)
    assert (report.exchange_order_id, report.client_order_id) == ("4242", "tb-1-entry-1")
    assert (report.filled_quantity, report.average_price) == (Decimal("0.01"), Decimal("61234.5"))
    assert report.trigger_price is None


@pytest.mark.asyncio
async def test_a_stop_lands_in_the_algo_book(client: BinanceClient, venue: Capture) -> None:
    venue.answers["POST", "/fapi/v1/algoOrder"] = a_stop()
    request = OrderRequest(
        BTC,
        Side.SELL,
        PositionSide.LONG,
        OrderType.STOP_MARKET,
        Decimal("0.01"),
        "tb-1-protect-1",
        reduce_only=True,
        trigger_price=Decimal(60000),
    )
    report = await client.create_order(request)
    assert (report.book, report.status, report.exchange_order_id) == (Book.ALGO, ReportStatus.OPEN, "777")
    assert (report.child_order_id, report.filled_quantity) == (None, 0)


@pytest.mark.asyncio
@pytest.mark.parametrize("state", ["TRIGGERED", "FINISHED"])
async def test_a_fired_stop_names_its_child_and_claims_no_fill(
    state: str, client: BinanceClient, venue: Capture
) -> None:
    venue.answers["GET", "/fapi/v1/algoOrder"] = a_stop(algoStatus=state, actualOrderId="4243")
    report = await client.find_order(BTC, "tb-1-protect-1", Book.ALGO)
    assert (report.status, report.child_order_id) == (ReportStatus.TRIGGERED, "4243")
    assert report.filled_quantity == 0
    (asked,) = venue.sent("GET", "/fapi/v1/algoOrder")
    assert (asked["clientAlgoId"], asked["symbol"]) == ("tb-1-protect-1", "BTCUSDT")


@pytest.mark.asyncio
async def test_a_plain_order_is_found_by_our_id(client: BinanceClient, venue: Capture) -> None:
    venue.answers["GET", "/fapi/v1/order"] = an_order(status="PARTIALLY_FILLED", executedQty="0.004")
    report = await client.find_order(BTC, "tb-1-entry-1", Book.PLAIN)
    assert (report.status, report.filled_quantity) == (ReportStatus.PARTIALLY_FILLED, Decimal("0.004"))
    (asked,) = venue.sent("GET", "/fapi/v1/order")
    assert asked["origClientOrderId"] == "tb-1-entry-1"
    assert "orderId" not in asked


@pytest.mark.asyncio
async def test_an_order_that_does_not_exist(client: BinanceClient, venue: Capture) -> None:
    venue.answers["GET", "/fapi/v1/order"] = (400, '{"code":-2013,"msg":"Order does not exist."}')
    with pytest.raises(errors.OrderNotFound):
        await client.find_order(BTC, "tb-1-entry-1", Book.PLAIN)


@pytest.mark.asyncio
async def test_the_name_of_an_order_is_read_whatever_its_status_is_called(
    client: BinanceClient, venue: Capture
) -> None:
    venue.answers["GET", "/fapi/v1/order"] = an_order(status="A_NEW_WORD")
    assert await client.name_of_order(BTC, "5") == an_order()["clientOrderId"]


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", [(200, "{}"), (200, ""), (502, "<html>")])
async def test_an_unreadable_look_up_proves_nothing(
    answer: Any, client: BinanceClient, venue: Capture
) -> None:
    venue.answers["GET", "/fapi/v1/order"] = answer
    with pytest.raises(errors.OutcomeUnknown):
        await client.find_order(BTC, "tb-1-entry-1", Book.PLAIN)


@pytest.mark.asyncio
async def test_open_orders_of_both_books(client: BinanceClient, venue: Capture) -> None:
    venue.answers["GET", "/fapi/v1/openOrders"] = [an_order(status="NEW", executedQty="0", avgPrice="0.00")]
    venue.answers["GET", "/fapi/v1/openAlgoOrders"] = [a_stop(), *ANSWERS["open_algo_orders"]]
    plain, stop, one_way = await client.open_orders()
    assert (plain.book, plain.position_side, plain.trigger_price) == (Book.PLAIN, PositionSide.LONG, None)
    assert plain.average_price is None
    assert (stop.book, stop.position_side, stop.trigger_price) == (Book.ALGO, PositionSide.LONG, 60000)
    assert (one_way.client_order_id, one_way.position_side) == ("test-algo-order-1", None)
    assert "symbol" not in venue.sent("GET", "/fapi/v1/openOrders")[0]


@pytest.mark.asyncio
async def test_open_orders_are_unknown_when_one_book_did_not_answer(
    client: BinanceClient, venue: Capture
) -> None:
    venue.answers["GET", "/fapi/v1/openOrders"] = []
    venue.answers["GET", "/fapi/v1/openAlgoOrders"] = (500, "")
    with pytest.raises(errors.OutcomeUnknown):
        await client.open_orders()


@pytest.mark.asyncio
async def test_cancel_asks_the_right_book(client: BinanceClient, venue: Capture) -> None:
    venue.answers["DELETE", "/fapi/v1/order"] = an_order(status="CANCELED")
    done = {"algoId": 777, "clientAlgoId": "tb-1-protect-1", "code": "200", "msg": "success"}
    venue.answers["DELETE", "/fapi/v1/algoOrder"] = done
    plain = await client.cancel_order(BTC, "tb-1-entry-1", Book.PLAIN)
    assert plain is not None
    assert plain.status is ReportStatus.CANCELED
    assert await client.cancel_order(BTC, "tb-1-protect-1", Book.ALGO) is None
    assert venue.sent("DELETE", "/fapi/v1/order")[0]["origClientOrderId"] == "tb-1-entry-1"
    assert venue.sent("DELETE", "/fapi/v1/algoOrder")[0]["clientAlgoId"] == "tb-1-protect-1"


@pytest.mark.asyncio
async def test_cancelling_what_is_gone(client: BinanceClient, venue: Capture) -> None:
    venue.answers["DELETE", "/fapi/v1/algoOrder"] = (400, '{"code":-2011,"msg":"Unknown order sent."}')
    with pytest.raises(errors.OrderNotFound):
        await client.cancel_order(BTC, "tb-1-protect-1", Book.ALGO)


# -- fills ---------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_fills_carry_fee_and_profit(client: BinanceClient, venue: Capture) -> None:
    venue.answers["GET", "/fapi/v1/userTrades"] = ANSWERS["my_trades_open_close"]
    opening, closing = await client.fills("ETH/USDT:USDT", datetime.now(UTC) - timedelta(hours=1))
    assert (opening.side, opening.quantity, closing.side) == (Side.SELL, Decimal("0.005"), Side.BUY)
    assert {opening.position_side, closing.position_side} == {None}, "one-way mode does not say"
    assert closing.realized_pnl == Decimal("-0.00325")
    assert opening.fee + closing.fee == Decimal("0.0111147")
    assert (opening.fee_currency, opening.trade_id, opening.client_order_id) == ("USDT", "82357626", "")


@pytest.mark.asyncio
async def test_a_full_page_of_fills_is_followed_by_the_next(client: BinanceClient, venue: Capture) -> None:
    now = int(datetime.now(UTC).timestamp() * 1000)
    trades = [a_trade(number, now - 5000 + number) for number in range(FILLS_PER_PAGE + 3)]

    def page() -> list[dict[str, Any]]:
        start = int(venue.seen[-1].params["startTime"])
        return [trade for trade in trades if trade["time"] >= start][:FILLS_PER_PAGE]

    venue.answers["GET", "/fapi/v1/userTrades"] = page
    fills = await client.fills(BTC, datetime.now(UTC) - timedelta(minutes=1))
    assert [fill.trade_id for fill in fills] == [str(number) for number in range(FILLS_PER_PAGE + 3)]


@pytest.mark.asyncio
async def test_fills_of_a_month_are_asked_week_by_week(client: BinanceClient, venue: Capture) -> None:
    venue.answers["GET", "/fapi/v1/userTrades"] = []
    assert await client.fills(BTC, datetime.now(UTC) - timedelta(days=20)) == []
    assert len(venue.sent("GET", "/fapi/v1/userTrades")) == 3


@pytest.mark.asyncio
async def test_fills_after_a_number_are_read_to_the_last_page(client: BinanceClient, venue: Capture) -> None:
    trades = [a_trade(number, 1_700_000_000_000) for number in range(1, 2 * FILLS_PER_PAGE + 1)]

    def page() -> list[dict[str, Any]]:
        first = int(venue.seen[-1].params["fromId"])
        return [trade for trade in trades if trade["id"] >= first][:FILLS_PER_PAGE]

    venue.answers["GET", "/fapi/v1/userTrades"] = page
    fills = await client.fills(BTC, datetime.now(UTC), after="7")
    assert [int(fill.trade_id) for fill in fills] == list(range(8, 2 * FILLS_PER_PAGE + 1))
    asked = venue.sent("GET", "/fapi/v1/userTrades")
    assert [one["fromId"] for one in asked] == ["8", "1008"]
    assert not any("startTime" in one for one in asked), "the venue refuses both together"


# -- funding -------------------------------------------------------------------------------------------


def a_payment(number: int, milliseconds: int) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "incomeType": "FUNDING_FEE",
        "income": "-0.37500000",
        "asset": "USDT",
        "info": "FUNDING_FEE",
        "time": milliseconds,
        "tranId": 9689322392000 + number,
        "tradeId": "",
    }


@pytest.mark.asyncio
async def test_funding_is_signed_and_exact(client: BinanceClient, venue: Capture) -> None:
    venue.answers["GET", "/fapi/v1/income"] = [a_payment(0, 1_700_000_000_000)]
    (paid,) = await client.funding(datetime(2023, 11, 14, tzinfo=UTC))
    assert (paid.symbol, paid.amount, paid.currency) == (BTC, Decimal("-0.375"), "USDT")
    assert (paid.payment_id, paid.at.year) == ("9689322392000", 2023)
    (asked,) = venue.sent("GET", "/fapi/v1/income")
    assert (asked["incomeType"], asked["startTime"], asked["limit"]) == (
        "FUNDING_FEE",
        "1699920000000",
        str(INCOMES_PER_PAGE),
    )


@pytest.mark.asyncio
async def test_a_full_page_of_funding_is_followed_by_the_next(client: BinanceClient, venue: Capture) -> None:
    """Several contracts pay in the same millisecond: the moment a page broke off at is asked for again."""
    payments = [a_payment(number, 1_700_000_000_000 + number // 7) for number in range(2 * INCOMES_PER_PAGE)]

    def page() -> list[dict[str, Any]]:
        start = int(venue.seen[-1].params["startTime"])
        return [payment for payment in payments if payment["time"] >= start][:INCOMES_PER_PAGE]

    venue.answers["GET", "/fapi/v1/income"] = page
    found = await client.funding(datetime(2023, 11, 14, tzinfo=UTC))
    assert sorted(int(payment.payment_id) for payment in found) == [row["tranId"] for row in payments]
    assert len(venue.sent("GET", "/fapi/v1/income")) == 3


# -- moving and taking back ----------------------------------------------------------------------------


def moved(price: str = "61000.5") -> OrderRequest:
    leg, kind = PositionSide.LONG, OrderType.LIMIT
    return OrderRequest(BTC, Side.BUY, leg, kind, Decimal("0.010"), "tb-1-entry-1", price=Decimal(price))


@pytest.mark.asyncio
async def test_an_order_is_moved_by_our_name_alone(client: BinanceClient, venue: Capture) -> None:
    venue.answers["PUT", "/fapi/v1/order"] = an_order(status="NEW", price="61000.50", executedQty="0")
    report = await client.amend_order(moved())
    assert (report.status, report.price) == (ReportStatus.OPEN, Decimal("61000.5"))
    (asked,) = venue.sent("PUT", "/fapi/v1/order")
    wanted = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01", "price": "61000.5"}
    assert asked.items() >= (wanted | {"origClientOrderId": "tb-1-entry-1", "recvWindow": "3000"}).items()
    assert "orderId" not in asked


@pytest.mark.asyncio
async def test_an_amend_that_changes_nothing_is_a_success(client: BinanceClient, venue: Capture) -> None:
    venue.answers["PUT", "/fapi/v1/order"] = (400, '{"code":-5027,"msg":"No need to modify the order."}')
    venue.answers["GET", "/fapi/v1/order"] = an_order(status="NEW", price="61000.50", executedQty="0")
    assert (await client.amend_order(moved())).price == Decimal("61000.5")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, '{"code":-2013,"msg":"Order does not exist."}'), errors.OrderNotFound),
        ((400, '{"code":-5026,"msg":"Exceed maximum modify order limit."}'), errors.Refused),
        ((429, '{"code":-1003,"msg":"Too many requests."}'), errors.NotSent),
        ((503, '{"code":-1007,"msg":"Timeout waiting for response from backend server."}'), errors.OutcomeUnknown),
        ((200, ""), errors.OutcomeUnknown),
        (an_order(clientOrderId="another"), errors.OutcomeUnknown),
    ],
)  # fmt: skip
async def test_what_can_go_wrong_while_moving(
    answer: Any, error: type[Exception], client: BinanceClient, venue: Capture
) -> None:
    venue.answers["PUT", "/fapi/v1/order"] = answer
    with pytest.raises(error):
        await client.amend_order(moved())
    assert len(venue.sent("PUT", "/fapi/v1/order")) == 1


# -- settings of the account ---------------------------------------------------------------------------


MODE, CONFIG = "/fapi/v1/positionSide/dual", "/fapi/v1/symbolConfig"


@pytest.mark.asyncio
@pytest.mark.parametrize(("is_hedged", "mode"), [(True, PositionMode.HEDGE), (False, PositionMode.ONE_WAY)])
async def test_the_position_mode_is_read_and_nothing_is_set(
    is_hedged: bool, mode: PositionMode, client: BinanceClient, venue: Capture
) -> None:
    venue.answers["GET", MODE] = {"dualSidePosition": is_hedged}
    assert await client.position_mode(BTC) is mode
    assert venue.sent("POST", MODE) == []


@pytest.mark.asyncio
@pytest.mark.parametrize(("mode", "word"), [(PositionMode.HEDGE, "true"), (PositionMode.ONE_WAY, "false")])
@pytest.mark.parametrize(
    "answer",
    [{"code": 200, "msg": "success"}, (400, '{"code":-4059,"msg":"No need to change position side."}')],
    ids=["changed", "already so"],
)
async def test_the_position_mode_is_set(
    answer: Any, mode: PositionMode, word: str, client: BinanceClient, venue: Capture
) -> None:
    venue.answers["POST", MODE] = answer
    await client.set_position_mode(BTC, mode)
    assert [sent["dualSidePosition"] for sent in venue.sent("POST", MODE)] == [word]


@pytest.mark.asyncio
async def test_the_position_mode_stays_while_something_is_open(client: BinanceClient, venue: Capture) -> None:
    venue.answers["POST", MODE] = (400, '{"code":-4068,"msg":"Position side cannot be changed"}')
    with pytest.raises(errors.Refused, match="cannot be changed"):
        await client.set_position_mode(BTC, PositionMode.HEDGE)


@pytest.mark.asyncio
async def test_an_unclear_position_mode_is_unknown(client: BinanceClient, venue: Capture) -> None:
    venue.answers["GET", MODE] = {}
    with pytest.raises(errors.OutcomeUnknown):
        await client.position_mode(BTC)


def configured(venue: Capture, **rows: Any) -> None:
    """What the contract is set to; each `POST` answers, and changes it only where the test says so."""
    row = {"symbol": "BTCUSDT", "marginType": "CROSSED", "isAutoAddMargin": False, "leverage": 10}
    venue.answers["GET", CONFIG] = [row | rows]


@pytest.mark.asyncio
async def test_leverage_is_not_set_where_it_is_so(client: BinanceClient, venue: Capture) -> None:
    configured(venue)
    await client.ensure_leverage(BTC, 10)
    assert venue.sent("POST", "/fapi/v1/leverage") == []


@pytest.mark.asyncio
async def test_leverage_that_is_set_is_read_back(client: BinanceClient, venue: Capture) -> None:
    configured(venue)
    venue.answers["POST", "/fapi/v1/leverage"] = {"leverage": 20, "symbol": "BTCUSDT"}
    with pytest.raises(errors.OutcomeUnknown, match="was to be 20, and reads 10"):
        await client.ensure_leverage(BTC, 20)
    assert len(venue.sent("POST", "/fapi/v1/leverage")) == 1


@pytest.mark.asyncio
async def test_the_margin_mode_is_not_set_where_it_is_so(client: BinanceClient, venue: Capture) -> None:
    configured(venue)
    await client.ensure_margin_mode(BTC, MarginMode.CROSS)
    assert venue.sent("POST", "/fapi/v1/marginType") == []


@pytest.mark.asyncio
async def test_a_margin_mode_that_is_set_is_read_back(client: BinanceClient, venue: Capture) -> None:
    configured(venue)
    venue.answers["POST", "/fapi/v1/marginType"] = {"code": 200, "msg": "success"}
    with pytest.raises(errors.OutcomeUnknown, match="was to be ISOLATED, and reads CROSSED"):
        await client.ensure_margin_mode(BTC, MarginMode.ISOLATED)
    assert [sent["marginType"] for sent in venue.sent("POST", "/fapi/v1/marginType")] == ["ISOLATED"]
