"""What create_order raises for every kind of trouble, over a real socket. Never a second POST, never a secret."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from exchanges import ccxt_calls, ccxt_client, errors
from exchanges.binance_client import BinanceClient
from exchanges.ccxt_errors import Wire, told_to_wait, translate, venue_answer
from exchanges.ccxt_of_our_venues import ccxt
from exchanges.credentials import Credentials
from exchanges.types import OrderRequest, OrderType, PositionSide, Side
from tests.exchanges.capture import Capture, capturing, half_an_answer, hang_up, never, sample

KEY, SECRET = "K" * 64, "S" * 64
ORDER = ("POST", "/fapi/v1/order")
ENTRY = OrderRequest(
    "BTC/USDT:USDT", Side.BUY, PositionSide.LONG, OrderType.MARKET, Decimal("0.01"), "tb-1-entry-1"
)
EXIT = replace(ENTRY, side=Side.SELL, reduce_only=True)

ANSWERS = {case["id"]: case for case in sample("error_answers")}
EXPECTED = {
    "b-2019": errors.InsufficientMargin,
    "b-2021": errors.WouldTriggerImmediately,
    "b-2022": errors.NothingToReduce,
    "b-4061": errors.PositionModeDiffers,
    "b-4164": errors.InvalidRequest,
    "b-1111": errors.InvalidRequest,
    "b-4003": errors.InvalidRequest,
    "b-1021": errors.NotSent,
    "b-1003": errors.NotSent,
    "b-418": errors.Banned,
    "b-2011": errors.OutcomeUnknown,  # "unknown order" is no answer to creating one
    "b-2013": errors.OutcomeUnknown,
    "b-2015": errors.AccountUnusable,
    "b-4130": errors.InvalidRequest,
    "b-1007": errors.OutcomeUnknown,
    "b-503": errors.NotSent,
    "b-html502": errors.OutcomeUnknown,
    "b-empty": errors.OutcomeUnknown,
    "b-5022": errors.Refused,
}
BYBIT_EXPECTED = {
    "y110007": errors.InsufficientMargin,
    "y110017": errors.NothingToReduce,
    "y110001": errors.OrderNotFound,
    "y110043": errors.Refused,
    "y110025": errors.Refused,
    "y34040": errors.Refused,
    "y10001idx": errors.PositionModeDiffers,
    "y10002": errors.NotSent,
    "y10003": errors.AccountUnusable,
    "y10006": errors.NotSent,
    "y110094": errors.InvalidRequest,
    "y10016": errors.OutcomeUnknown,
    "y10010": errors.AccountUnusable,
}


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Capture]:
    async with capturing() as capture:
        yield capture


@pytest_asyncio.fixture
async def client(venue: Capture) -> AsyncIterator[BinanceClient]:
    made = BinanceClient(Credentials("binance", KEY, SECRET, venue.url))
    yield made
    await made.close()


async def failure_of(client: BinanceClient, venue: Capture, answer: Any) -> errors.ExchangeError:
    venue.answers[ORDER] = answer
    with pytest.raises(errors.ExchangeError) as caught:
        await client.create_order(ENTRY)
    assert len(venue.sent(*ORDER)) == 1, "no order is ever sent twice by one call"
    return caught.value


def test_every_sampled_answer_has_an_expectation() -> None:
    assert set(ANSWERS) == set(EXPECTED) | set(BYBIT_EXPECTED)


@pytest.mark.asyncio
@pytest.mark.parametrize("case", EXPECTED)
async def test_the_answer_to_an_order(case: str, client: BinanceClient, venue: Capture) -> None:
    body = ANSWERS[case]["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    error = await failure_of(client, venue, (ANSWERS[case]["http_status"], text))
    assert type(error) is EXPECTED[case]
    if isinstance(body, dict):
        assert (error.code, str(error)) == (str(body["code"]), body["msg"])


@pytest.mark.asyncio
@pytest.mark.parametrize("case", BYBIT_EXPECTED)
async def test_bybits_numbers_decide_too(case: str) -> None:
    wire = Wire(changed_something=True)
    wire.answered(200, {}, ANSWERS[case]["body"])
    error = translate("bybit", RuntimeError("anything"), wire, writing=True)
    assert type(error) is BYBIT_EXPECTED[case]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "answer",
    [
        (200, ""),
        (200, "{}"),
        (200, "[]"),
        (200, "<html>maintenance</html>"),
        (200, '{"code":200,"msg":"success"}'),
        (
            200,
            '{"orderId":1,"clientOrderId":"tb-1-entry-1","status":"A_NEW_WORD","origQty":"1","executedQty":"0"}',
        ),
        (200, '{"orderId":1,"clientOrderId":"other","status":"NEW","origQty":"1","executedQty":"0"}'),
        (400, '{"code":-4999,"msg":"a number nobody listed"}'),
        (401, "<html>who are you</html>"),
        (403, "<html>firewall</html>"),
        (500, ""),
        (503, '{"code":-1000,"msg":"Unknown error"}'),
        (504, ""),
    ],
)
async def test_nobody_knows(answer: Any, client: BinanceClient, venue: Capture) -> None:
    assert type(await failure_of(client, venue, answer)) is errors.OutcomeUnknown


@pytest.mark.asyncio
@pytest.mark.parametrize("trouble", [hang_up, half_an_answer])
async def test_an_answer_that_never_arrived_whole(
    trouble: Any, client: BinanceClient, venue: Capture
) -> None:
    assert type(await failure_of(client, venue, trouble())) is errors.OutcomeUnknown


@pytest.mark.asyncio
async def test_a_late_answer(client: BinanceClient, venue: Capture) -> None:
    client._calls.writer.timeout = 200
    assert type(await failure_of(client, venue, never())) is errors.OutcomeUnknown


@pytest.mark.asyncio
async def test_a_cancelled_task_stays_cancelled(client: BinanceClient, venue: Capture) -> None:
    venue.answers[ORDER] = never()
    task = asyncio.create_task(client.create_order(ENTRY))
    await venue.arrived(*ORDER)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.asyncio
async def test_a_refused_connection_sent_nothing() -> None:
    lonely = BinanceClient(Credentials("binance", KEY, SECRET, "http://127.0.0.1:1"))
    with pytest.raises(errors.NotSent):
        await lonely.create_order(ENTRY)
    await lonely.close()


@pytest.mark.asyncio
async def test_a_connection_refused_at_the_order_itself_sent_nothing() -> None:
    async with capturing() as venue:
        client = BinanceClient(Credentials("binance", KEY, SECRET, venue.url))
        await client.instruments()
    with pytest.raises(errors.NotSent):
        await client.create_order(ENTRY)
    await client.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", [(500, ""), (200, "<html></html>"), (400, '{"code":-4999,"msg":"odd"}')])
async def test_trouble_before_the_order_left_is_not_sent(
    answer: Any, client: BinanceClient, venue: Capture
) -> None:
    venue.answers["GET", "/fapi/v1/exchangeInfo"] = answer
    with pytest.raises(errors.NotSent):
        await client.create_order(ENTRY)
    assert venue.sent(*ORDER) == []


@pytest.mark.asyncio
async def test_an_order_held_up_on_its_way_out_is_not_sent(
    client: BinanceClient, venue: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks it up counts from the claim; it must not arrive after that count."""
    monkeypatch.setattr(ccxt_calls, "SEND_SECONDS", -1.0)
    with pytest.raises(errors.NotSent, match="held up"):
        await client.create_order(ENTRY)
    assert venue.sent(*ORDER) == []


@pytest.mark.asyncio
async def test_an_order_is_refused_by_the_venue_after_the_window_we_count_with(
    venue: Capture, settings: Any
) -> None:
    settings.ORDER_RECEIVE_WINDOW = timedelta(milliseconds=1500)
    client = BinanceClient(Credentials("binance", KEY, SECRET, venue.url))
    await failure_of(client, venue, (500, ""))
    assert venue.sent(*ORDER)[0]["recvWindow"] == "1500"
    venue.answers["PUT", "/fapi/v1/order"] = (500, "")
    with pytest.raises(errors.OutcomeUnknown):
        await client.amend_order(replace(ENTRY, order_type=OrderType.LIMIT, price=Decimal("90000")))
    assert venue.sent("PUT", "/fapi/v1/order")[0]["recvWindow"] == "1500"
    await client.close()


@pytest.mark.asyncio
async def test_a_rate_limit_says_when(client: BinanceClient, venue: Capture) -> None:
    answer = (429, '{"code":-1015,"msg":"Too many new orders"}', {"Retry-After": "17"})
    error = await failure_of(client, venue, answer)
    assert isinstance(error, errors.NotSent)
    assert error.retry_after == 17


@pytest.mark.parametrize(("ahead", "least", "most"), [(4.0, 2.0, 4.1), (-1.0, 10.0, 10.0)])
def test_bybit_names_the_moment_of_its_reset(ahead: float, least: float, most: float) -> None:
    reset = str(round((time.time() + ahead) * 1000))
    wire = Wire(
        status=200,
        answer={"retCode": 10006, "retMsg": "Too many visits."},
        headers={"X-Bapi-Limit-Reset-Timestamp": reset},
    )
    error = translate("bybit", RuntimeError("anything"), wire, writing=True)
    assert isinstance(error, errors.NotSent)
    assert least <= error.retry_after <= most


def test_bybits_ban_is_a_number_beside_a_403() -> None:
    told = {"retCode": 10018, "retMsg": "Access too frequent."}
    banned = translate("bybit", RuntimeError("anything"), Wire(status=403, answer=told), writing=True)
    assert isinstance(banned, errors.Banned)
    assert banned.retry_after == 600
    slow = translate("bybit", RuntimeError("anything"), Wire(status=200, answer=told), writing=True)
    assert type(slow) is errors.NotSent
    blocked = translate(
        "bybit", RuntimeError("anything"), Wire(status=403, changed_something=True), writing=True
    )
    assert isinstance(blocked, errors.OutcomeUnknown)


def test_a_bare_403_of_bybit_stops_the_asking_and_proves_nothing_of_an_order() -> None:
    asked = translate("bybit", ccxt.RateLimitExceeded("403"), Wire(status=403), writing=False)
    assert isinstance(asked, errors.Banned)
    assert asked.retry_after == 600
    around_an_order = Wire(status=403, changed_something=True)
    assert type(translate("bybit", ccxt.RateLimitExceeded("403"), around_an_order, writing=True)) is (
        errors.OutcomeUnknown
    )
    assert isinstance(told_to_wait("bybit", around_an_order), errors.Banned), "the budget hears of it"
    assert told_to_wait("binance", Wire(status=403)) is None


@pytest.mark.asyncio
async def test_a_ban_waits_long(client: BinanceClient, venue: Capture) -> None:
    error = await failure_of(client, venue, (418, "<html>banned</html>"))
    assert isinstance(error, errors.NotSent)
    assert error.retry_after >= 120


@pytest.mark.asyncio
async def test_a_ban_with_an_end_waits_until_then(client: BinanceClient, venue: Capture) -> None:
    text = '{"code":-1003,"msg":"Way too many requests; IP banned until 9999999999999."}'
    error = await failure_of(client, venue, (418, text))
    assert isinstance(error, errors.NotSent)
    assert error.retry_after > 1_000_000


@pytest.mark.asyncio
async def test_a_skewed_clock_is_learnt_again(client: BinanceClient, venue: Capture) -> None:
    venue.answers["GET", "/fapi/v1/time"] = {"serverTime": 1_000_000}
    venue.answers[ORDER] = (400, '{"code":-1021,"msg":"outside of the recvWindow"}')
    with pytest.raises(errors.NotSent):
        await client.create_order(EXIT)
    assert len(venue.sent("GET", "/fapi/v1/time")) == 2
    with pytest.raises(errors.ExchangeError):
        await client.create_order(EXIT)
    assert abs(int(venue.sent(*ORDER)[-1]["timestamp"]) - 1_000_000) < 60_000


SECRETS = (KEY, SECRET, "signature", "http://", "api-key")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "answer",
    [
        (400, '{"code":-2015,"msg":"Invalid API-key ' + KEY + ', IP"}'),
        (400, '{"code":-1022,"msg":"Signature ' + "a1" * 32 + ' is not valid"}'),
        (500, "oops"),
        (200, "{}"),
        hang_up(),
    ],
)
async def test_no_secret_travels_with_an_error(
    answer: Any, client: BinanceClient, venue: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    error = await failure_of(client, venue, answer)
    assert error.__cause__ is None
    assert error.__context__ is None
    told = "".join(traceback.format_exception(error)) + repr(error) + logged(caplog)
    assert KEY not in told
    assert SECRET not in told
    assert "a1" * 32 not in told
    assert "signature=" not in told


@pytest.mark.asyncio
async def test_no_secret_travels_with_a_failed_read(
    client: BinanceClient, venue: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    """A signed GET carries its signature in the address, which ccxt puts into its exception."""
    caplog.set_level(logging.DEBUG)
    venue.answers["GET", "/fapi/v3/account"] = hang_up()
    with pytest.raises(errors.OutcomeUnknown) as caught:
        await client.balance()
    told = "".join(traceback.format_exception(caught.value)) + logged(caplog)
    assert "signature=" not in told
    assert KEY not in told


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """What this process logged as a client; the capture server's own access log is not ours."""
    return "".join(r.getMessage() for r in caplog.records if not r.name.startswith("aiohttp.access"))


def test_credentials_do_not_print_themselves() -> None:
    assert KEY not in repr(Credentials("binance", KEY, SECRET))
    assert SECRET not in repr(Credentials("binance", KEY, SECRET))


def test_a_success_has_no_number() -> None:
    assert venue_answer({"code": "200", "msg": "success"}) == ("", "")
    assert venue_answer({"retCode": 0, "retMsg": "OK"}) == ("", "")
    assert venue_answer([]) == ("", "")


def test_ccxt_never_repeats_a_request_by_itself() -> None:
    exchange = ccxt_client.build_exchange(Credentials("binance", KEY, SECRET, "http://127.0.0.1:1"))
    assert not exchange.options.get("maxRetriesOnFailure")
    assert exchange.enableRateLimit is False, "the shared budget refuses; nothing may wait in ccxt"
    assert exchange.timeout == 5000
