"""What ccxt hides: signatures, keys, clocks, malformed words and the request log, byte for byte."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from exchanges.ccxt_of_our_venues import ccxt
from exchanges.paper.request_log import RequestLog
from exchanges.paper.signing import listen_key, paper_secret
from tests.exchanges.paper.conftest import BTC, KEY, Paper, sign
from tests.sampling import sample

WRONG = "Signature for this request is not valid."
ORDER, ALGO = "/fapi/v1/order", "/fapi/v1/algoOrder"
BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
LIMIT = {**BUY, "type": "LIMIT", "price": "59000", "timeInForce": "GTC"}
STOP = {
    "algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "BUY", "type": "STOP_MARKET", "triggerPrice": "61000",
    "quantity": "0.01",
}  # fmt: skip


# who asks


def test_the_secret_of_a_paper_key_is_public() -> None:
    assert paper_secret("paper-1") == sha256(b"paper:paper-1").hexdigest()
    assert listen_key("paper-1") != listen_key("paper-2")


@pytest.mark.asyncio
async def test_a_signature_covers_the_text_before_it_byte_for_byte(paper: Paper) -> None:
    raw = sign(KEY, {"symbol": "BTCUSDT", "origClientOrderId": "a/b c&d%=é"})
    assert (await paper.send("GET", ORDER, raw))[1]["code"] == -2013
    for forged in (raw.replace("BTC", "ETH"), raw.replace("%2F", "%2f"), raw + "&extra=1", raw[:-1] + "x"):
        assert (await paper.send("GET", ORDER, forged)) == (400, {"code": -1022, "msg": WRONG})
    assert [line["signature"] for line in await paper.log(ORDER)] == ["valid"] + ["invalid"] * 4


@pytest.mark.asyncio
async def test_a_signature_of_foreign_letters_is_only_wrong(paper: Paper) -> None:
    status, answer = await paper.send("POST", ORDER, "symbol=BTCUSDT&timestamp=1&signature=\u00e9\ufffd")
    assert (status, answer["code"]) == (400, -1022)


@pytest.mark.asyncio
async def test_unsigned_requests_are_refused(paper: Paper) -> None:
    status, answer = await paper.send("GET", "/fapi/v3/account", f"timestamp={time.time_ns() // 1_000_000}")
    assert (status, answer["code"]) == (400, -1102)
    assert (await paper.log())[-1]["signature"] == "none"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("key", "code"), [(None, -2014), ("with space", -2014), ("x" * 200, -2014), ("live", -2015)]
)
async def test_foreign_keys_are_refused(paper: Paper, key: str | None, code: int) -> None:
    for method, path in (("GET", "/fapi/v3/account"), ("POST", ORDER), ("POST", "/fapi/v1/listenKey")):
        status, answer = await paper.send(method, path, "timestamp=1&signature=abc", key)
        assert (status, answer["code"]) == (401, code)


@pytest.mark.asyncio
@pytest.mark.parametrize(("late_ms", "window", "is_taken"), [
    (0, 5000, True), (4000, 5000, True), (6000, 5000, False), (6000, 10_000, True), (50_000, 60_000, True),
    (70_000, 600_000, False), (-900, 5000, True), (-5_000, 5000, False), (6000, "", False),
])  # fmt: skip
async def test_requests_have_a_window_in_time(
    paper: Paper, late_ms: int, window: object, is_taken: bool
) -> None:
    sent = time.time_ns() // 1_000_000 - late_ms
    status, answer = await paper.signed("GET", "/fapi/v3/account", timestamp=sent, recvWindow=window)
    assert status == 200 if is_taken else answer["code"] == -1021


@pytest.mark.asyncio
async def test_the_same_refusals_through_ccxt(paper: Paper) -> None:
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        await paper.ccxt(secret="wrong").fetch_balance()
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        await paper.ccxt("live-key").fetch_balance()
    skewed = paper.ccxt()
    skewed.options["timeDifference"] = 60_000
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        await skewed.fetch_balance()
    await skewed.load_time_difference()
    assert (await skewed.fetch_balance())["USDT"]["total"] == 10_000


# malformed words


BAD_NUMBERS = {
    "": -1102, "NaN": -1100, "abc": -1100, "Infinity": -1100, "1e3": -1100, "1_0": -1100, "0x10": -1100, " 1": -1100,
    "1,5": -1100, "--1": -1100, "\u0661": -1100, "9" * 21: -1100, "0." + "0" * 21: -1100, "-1": -4003, "0": -4003,
    "0.0005": -1111, "0.01" + "0" * 15 + "1": -1111, "9" * 20: -4005,
}  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize("text", BAD_NUMBERS)
async def test_bad_quantities(paper: Paper, text: str) -> None:
    for path, words in ((ORDER, BUY), (ALGO, STOP)):
        status, answer = await paper.signed("POST", path, **{**words, "quantity": text})
        expected = -4003 if path == ALGO and not text else BAD_NUMBERS[text]  # closePosition needs none
        assert (status, answer["code"]) == (400, expected)
    assert (await paper.state())["positions"] == []


BAD_WORDS: list[tuple[str, str, dict[str, Any], int]] = [
    ("POST", ORDER, {**BUY, "symbol": ""}, -1102),
    ("POST", ORDER, {**BUY, "symbol": "NOPE"}, -1121),
    ("POST", ORDER, {**BUY, "side": ""}, -1102),
    ("POST", ORDER, {**BUY, "side": "HOLD"}, -1117),
    ("POST", ORDER, {**BUY, "type": "ICEBERG"}, -1116),
    ("POST", ORDER, {**BUY, "type": "STOP_MARKET", "quantity": ""}, -4120),
    ("POST", ORDER, {**BUY, "type": "TRAILING_STOP_MARKET"}, -4120),
    ("POST", ORDER, {**BUY, "positionSide": "UP"}, -1130),
    ("POST", ORDER, {**BUY, "reduceOnly": "maybe"}, -1130),
    ("POST", ORDER, {**BUY, "newClientOrderId": "a b"}, -4015),
    ("POST", ORDER, {**LIMIT, "price": ""}, -1102),
    ("POST", ORDER, {**LIMIT, "price": "NaN"}, -1100),
    ("POST", ORDER, {**LIMIT, "price": "0"}, -4014),
    ("POST", ORDER, {**LIMIT, "price": "59000.05"}, -4014),
    ("POST", ORDER, {**LIMIT, "price": "9" * 20, "quantity": "9"}, -2019),
    ("POST", ORDER, {**LIMIT, "timeInForce": ""}, -1102),
    ("POST", ORDER, {**LIMIT, "timeInForce": "FOREVER"}, -1115),
    ("GET", ORDER, {"symbol": "BTCUSDT"}, -1102),
    ("GET", ORDER, {"symbol": "BTCUSDT", "orderId": "None"}, -1100),
    ("GET", ORDER, {"symbol": "BTCUSDT", "orderId": "1" * 20}, -1100),
    ("DELETE", ORDER, {"symbol": "BTCUSDT", "orderId": "\u00b2"}, -1100),
    ("GET", "/fapi/v1/openOrder", {"symbol": "BTCUSDT", "origClientOrderId": "never"}, -2013),
    ("GET", "/fapi/v1/openOrders", {"symbol": "NOPE"}, -1121),
    ("DELETE", "/fapi/v1/allOpenOrders", {}, -1102),
    ("GET", "/fapi/v1/userTrades", {}, -1102),
    ("GET", "/fapi/v1/userTrades", {"symbol": "BTCUSDT", "startTime": "-5"}, -1100),
    ("GET", "/fapi/v1/userTrades", {"symbol": "BTCUSDT", "limit": "many"}, -1100),
    ("POST", ALGO, {**STOP, "algoType": "VP"}, -1130),
    ("POST", ALGO, {**STOP, "type": "LIMIT"}, -1116),
    ("POST", ALGO, {**STOP, "triggerPrice": ""}, -1102),
    ("POST", ALGO, {**STOP, "triggerPrice": "abc"}, -1100),
    ("POST", ALGO, {**STOP, "triggerPrice": "61000.01"}, -4014),
    ("POST", ALGO, {**STOP, "closePosition": "true"}, -4136),
    ("GET", ALGO, {}, -1102),
    ("GET", "/fapi/v1/openAlgoOrders", {"symbol": "NOPE"}, -1121),
    ("POST", "/fapi/v1/leverage", {"symbol": "BTCUSDT", "leverage": "ten"}, -1100),
    ("POST", "/fapi/v1/leverage", {"symbol": "BTCUSDT", "leverage": "0"}, -4028),
    ("POST", "/fapi/v1/marginType", {"symbol": "BTCUSDT", "marginType": "BOTH"}, -1130),
    ("POST", "/fapi/v1/positionSide/dual", {}, -1102),
    ("POST", "/fapi/v1/positionSide/dual", {"dualSidePosition": "1"}, -1130),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("method", "path", "words", "code"), sample(BAD_WORDS, 5))
async def test_bad_words(paper: Paper, method: str, path: str, words: dict[str, Any], code: int) -> None:
    status, answer = await paper.signed(method, path, **words)
    assert (status, answer["code"]) == (400, code)
    assert answer["msg"]
    state = await paper.state()
    assert (state["positions"], state["open_orders"], state["open_algos"]) == ([], [], [])


@pytest.mark.asyncio
@pytest.mark.parametrize(("query", "code"), [
    ("klines?symbol=BTCUSDT", -1102), ("klines?symbol=BTCUSDT&interval=7m", -1120), ("klines?interval=1m", -1102),
    ("depth?symbol=NOPE", -1121), ("ticker/24hr?symbol=NOPE", -1121), ("premiumIndex?symbol=%00", -1121),
    ("klines?symbol=BTCUSDT&interval=1m&limit=-1", -1100),
])  # fmt: skip
async def test_bad_public_words(paper: Paper, query: str, code: int) -> None:
    path, _, raw = query.partition("?")
    status, answer = await paper.send("GET", f"/fapi/v1/{path}", raw, key=None)
    assert (status, answer["code"]) == (400, code)


@pytest.mark.asyncio
async def test_unknown_addresses_are_said_to_be_so(paper: Paper, exchange: Any) -> None:
    for method, path in (
        ("GET", "/fapi/v1/nothing"),
        ("PUT", "/fapi/v1/x"),
        ("GET", "/"),
        ("DELETE", "/sapi/v1/x"),
    ):
        status, answer = await paper.send(method, path)
        assert (status, answer["code"]) == (404, -5000)
        assert (await paper.log(path))[-1]["status"] == 404
    with pytest.raises(ccxt.BaseError, match="-5000"):
        await exchange.fapiPrivateGetRateLimitOrder()


@pytest.mark.asyncio
async def test_a_bug_of_ours_is_an_unknown_error_and_the_market_goes_on(
    paper: Paper, exchange: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchanges.paper.binance_words.order", lambda row: 1 / 0)
    with pytest.raises(ccxt.OperationFailed, match="-1000"):
        await exchange.create_order(BTC, "market", "buy", 0.01)
    assert (await paper.log(ORDER))[-1]["code"] == -1000
    assert len(await exchange.fetch_positions()) == 1  # it was done, as an unknown error may well be


# the private stream's key


@pytest.mark.asyncio
async def test_a_listen_key_is_made_kept_and_ended(paper: Paper) -> None:
    path, key = "/fapi/v1/listenKey", {"listenKey": listen_key(KEY)}
    for method in ("POST", "PUT", "POST"):
        assert await paper.send(method, path) == (200, key)
    assert (await paper.send("DELETE", path)) == (200, {})
    status, answer = await paper.send("PUT", path)
    assert (status, answer["code"]) == (400, -1125)
    assert await paper.send("POST", path) == (200, key)
    assert await paper.send("PUT", path) == (200, key)


# the log


@pytest.mark.asyncio
async def test_every_request_leaves_a_line(paper: Paper, exchange: Any) -> None:
    before = (await paper.log())[-1]["n"]
    await exchange.create_order(BTC, "limit", "buy", 0.01, 50_000, {"clientOrderId": "mine"})
    with pytest.raises(ccxt.OrderNotFound):
        await exchange.fetch_order(None, BTC, {"clientOrderId": "other"})
    async with paper.session.get(f"{paper.url}/paper/requests?since={before}") as answer:
        placed, asked = (await answer.json())["requests"]
    assert (placed["method"], placed["path"], placed["status"], placed["code"]) == ("POST", ORDER, 200, None)
    assert (placed["client_order_id"], placed["signature"], placed["api_key"]) == ("mine", "valid", KEY)
    assert (placed["params"]["price"], "signature" in placed["params"]) == ("50000", False)
    assert (asked["client_order_id"], asked["status"], asked["code"]) == ("other", 400, -2013)
    assert abs(placed["at"] - time.time()) < 60


def test_lines_are_numbered_as_they_end_and_kept_in_a_file(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "log")
    slow, quick = log.begin(path="slow"), log.begin(path="quick")
    log.finish(quick, 200, None)
    seen = log.since(0)
    log.finish(slow, None, None)
    assert [line["path"] for line in seen] == ["quick"]
    assert [line["path"] for line in log.since(seen[-1]["n"])] == ["slow"]
    log.close()
    assert [json.loads(line)["path"] for line in (tmp_path / "log").read_text().splitlines()] == [
        "quick",
        "slow",
    ]


@pytest.mark.asyncio
async def test_bytes_that_are_no_text_do_no_harm(paper: Paper) -> None:
    """Straight to the socket: no client library would send these."""
    place = urlsplit(paper.url)
    head = f"POST {ORDER} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-MBX-APIKEY: paper-".encode()
    body = b"\xff\xfe&signature=\xff"
    whole = head + b"\xe9\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body

    def talk() -> bytes:
        with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=5) as line:
            line.sendall(whole)
            return b"".join(iter(lambda: line.recv(65536), b""))

    answer = await asyncio.to_thread(talk)
    assert answer.startswith((b"HTTP/1.1 401", b"HTTP/1.1 400"))
    assert b"500" not in answer.partition(b"\r\n")[0]
