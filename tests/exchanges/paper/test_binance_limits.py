"""Rate limits as a client meets them: headers, 429, 418, and that nothing was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from exchanges.ccxt_of_our_venues import ccxt
from exchanges.paper import binance_dialect
from tests.exchanges.paper.conftest import BTC, KEY, Paper, sign

LONG = {"positionSide": "LONG", "clientOrderId": "once"}
pytestmark = pytest.mark.asyncio


@dataclass
class Clock:
    """Stands still, so that no window turns in the middle of a test."""

    at: int = 1_700_000_040_000

    def __call__(self) -> int:
        return self.at


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(binance_dialect, "now_ms", made)
    return made


async def get(paper: Paper, path: str, signed: bool = True) -> tuple[int, Any]:
    """Status and headers."""
    url = f"{paper.url}{path}?{sign(KEY, {})}" if signed else paper.url + path
    headers = {"X-MBX-APIKEY": KEY} if signed else {}
    async with paper.session.get(url, headers=headers) as answer:
        return answer.status, answer.headers


async def buy(exchange: Any, name: str = "once") -> Any:
    return await exchange.create_order(BTC, "market", "buy", 0.01, None, {**LONG, "clientOrderId": name})


async def names(exchange: Any) -> list[str]:
    return [order["clientOrderId"] for order in await exchange.fetch_orders(BTC)]


async def test_every_answer_says_what_was_used(hedged: Any, paper: Paper) -> None:
    await paper.hook("limits")
    used = [(await get(paper, "/fapi/v1/openOrders"))[1]["X-MBX-USED-WEIGHT-1M"] for _ in range(2)]
    assert used == ["40", "80"]
    assert (await get(paper, "/fapi/v1/time", signed=False))[1]["X-MBX-USED-WEIGHT-1M"] == "1"
    await buy(hedged)
    told = hedged.last_response_headers
    assert told["X-MBX-ORDER-COUNT-10S"] == told["X-MBX-ORDER-COUNT-1M"] == "1"
    assert told["X-MBX-USED-WEIGHT-1M"] == "80"


async def test_the_limits_are_listed(exchange: Any, paper: Paper) -> None:
    listed = (await exchange.fapiPublicGetExchangeInfo())["rateLimits"]
    assert {(row["rateLimitType"], row["interval"]): int(row["limit"]) for row in listed} == {
        ("REQUEST_WEIGHT", "MINUTE"): 2400,
        ("ORDERS", "MINUTE"): 1200,
        ("ORDERS", "SECOND"): 300,
    }
    assert (await paper.hook("limits", method="GET"))["weight_per_minute"] == 2400


async def test_past_the_weight_only_orders_go_through(hedged: Any, paper: Paper, clock: Clock) -> None:
    """As they weigh nothing; a minute later everything does again."""
    await paper.hook("limits", weight_per_minute=40)
    status, told = await get(paper, "/fapi/v1/openOrders")
    assert (status, told["X-MBX-USED-WEIGHT-1M"]) == (200, "40")
    status, told = await get(paper, "/fapi/v3/account")
    assert (status, told["Retry-After"]) == (429, "60")
    with pytest.raises(ccxt.DDoSProtection, match="-1003"):
        await hedged.fetch_positions()
    assert (await buy(hedged))["status"] == "closed"
    clock.at += 60_000
    assert await names(hedged) == ["once"]


async def test_an_order_too_many_is_not_made(hedged: Any, paper: Paper, clock: Clock) -> None:
    await paper.hook("limits", orders_per_10s=1)
    await buy(hedged)
    with pytest.raises(ccxt.DDoSProtection, match="-1015"):
        await buy(hedged, "second")
    assert hedged.last_response_headers["Retry-After"] == "10"
    stop = {"positionSide": "LONG", "stopPrice": 50_000, "clientOrderId": "stop"}
    with pytest.raises(ccxt.DDoSProtection, match="-1015"):
        await hedged.create_order(BTC, "STOP_MARKET", "sell", 0.01, None, stop)
    assert await names(hedged) == ["once"]
    assert await hedged.fetch_open_orders(params={"trigger": True}) == []
    clock.at += 10_000
    await buy(hedged, "second")
    assert await names(hedged) == ["once", "second"]


async def test_an_unsigned_order_counts_for_nothing(hedged: Any, paper: Paper) -> None:
    await paper.hook("limits", orders_per_10s=1)
    assert (await paper.send("POST", "/fapi/v1/order", "symbol=BTCUSDT"))[0] == 400
    assert (await buy(hedged))["status"] == "closed"


async def test_who_does_not_listen_is_banned(hedged: Any, paper: Paper, clock: Clock) -> None:
    await paper.hook("limits", weight_per_minute=30, ban_after=2)
    assert [(await get(paper, "/fapi/v1/openOrders"))[0] for _ in range(3)] == [429, 429, 418]
    with pytest.raises(ccxt.DDoSProtection, match="banned until"):
        await buy(hedged)
    assert hedged.last_response_headers["Retry-After"] == "120"
    clock.at += 120_000
    assert await names(hedged) == []
    assert (await buy(hedged))["status"] == "closed"


async def test_two_processes_with_one_key_share_what_there_is(hedged: Any, paper: Paper) -> None:
    await paper.hook("limits", orders_per_minute=2)
    other = paper.ccxt()
    await other.load_markets()
    await buy(hedged)
    await buy(other, "second")
    for exchange in (hedged, other):
        with pytest.raises(ccxt.DDoSProtection, match="-1015"):
            await buy(exchange, "third")


async def test_one_address_may_be_weighed_as_a_whole(paper: Paper) -> None:
    await paper.hook("limits", weight_per_minute=31, weight_by_address=True)
    assert (await paper.signed("GET", "/fapi/v1/positionSide/dual", key="paper-2"))[0] == 200
    assert (await paper.signed("GET", "/fapi/v1/positionSide/dual", key="paper-3"))[0] == 429


async def test_a_wrong_clock_opens_no_new_window(hedged: Any, paper: Paper) -> None:
    await paper.hook("limits", orders_per_minute=1)
    await buy(hedged)
    await paper.fault("POST", "/fapi/v1/order", "clock_skew", skew_ms=-600_000)
    with pytest.raises(ccxt.InvalidNonce):
        await buy(hedged, "second")
    with pytest.raises(ccxt.DDoSProtection, match="-1015"):
        await buy(hedged, "second")
