"""Faults by dice: the same seed and the same requests bring the same trouble."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from exchanges.ccxt_of_our_venues import ccxt
from exchanges.paper.fault_kinds import EVENT_KINDS, REQUEST_KINDS, RequestKind, is_order_call
from exchanges.paper.storm import Storm
from exchanges.paper.venue import PaperVenue
from tests.exchanges.paper.conftest import BTC, Paper, running, talking_to
from tests.exchanges.paper.test_binance_stream_faults import listening

POST_ORDER = ("POST", "/fapi/v1/order")
LONG = {"positionSide": "LONG"}


def troubles(storm: Storm, count: int, method: str = "POST", path: str = "/fapi/v1/order") -> list[Any]:
    return [storm.for_request(method, path) for _ in range(count)]


def test_the_seed_decides() -> None:
    assert troubles(Storm(7, 0.5), 200) == troubles(Storm(7, 0.5), 200)
    assert troubles(Storm(7, 0.5), 200) != troubles(Storm(8, 0.5), 200)


def test_other_calls_between_change_nothing() -> None:
    alone, mixed = Storm(7, 0.5), Storm(7, 0.5)
    found = []
    for number in range(50):
        for _ in range(number % 3):
            mixed.for_request("GET", "/fapi/v1/openOrders")
            mixed.for_event("ORDER_TRADE_UPDATE")
        found.append(mixed.for_request(*POST_ORDER))
    assert found == troubles(alone, 50)


@pytest.mark.parametrize(("rate", "least", "most"), [(0, 0, 0), (0.2, 350, 450), (1, 2000, 2000)])
def test_the_rate_is_the_share_that_meets_trouble(rate: float, least: int, most: int) -> None:
    met = [trouble for trouble in troubles(Storm(7, rate), 2000) if trouble]
    assert least <= len(met) <= most


def test_every_kind_comes_up_and_is_counted() -> None:
    storm = Storm(7, 1)
    kinds = Counter(trouble.kind for trouble in troubles(storm, 1000))
    events = Counter(trouble.kind for _ in range(1000) if (trouble := storm.for_event("ALGO_UPDATE")))
    assert set(kinds) == set(REQUEST_KINDS)
    assert set(events) == set(EVENT_KINDS)
    assert min((*kinds.values(), *events.values())) > 30
    assert storm.counts() == {"POST /fapi/v1/order": kinds, "stream ALGO_UPDATE": events}


def test_only_the_calls_meant_meet_trouble() -> None:
    storm = Storm(7, 1, paths=["/fapi/v1/*rder", "GET /fapi/v1/income"])
    assert all(troubles(storm, 3, "GET", "/fapi/v1/algoOrder"))
    assert all(troubles(storm, 3, "GET", "/fapi/v1/income"))
    assert not any(troubles(storm, 3, "POST", "/fapi/v1/income"))
    orders = Storm(7, 1, orders_only=True)
    assert all(troubles(orders, 3))
    assert not any(troubles(orders, 3, "GET", "/fapi/v1/order"))


@pytest.mark.parametrize(
    ("method", "path", "is_one"),
    [
        ("POST", "/fapi/v1/order", True),
        ("DELETE", "/fapi/v1/order", True),
        ("POST", "/fapi/v1/algoOrder", True),
        ("DELETE", "/fapi/v1/algoOpenOrders", True),
        ("GET", "/fapi/v1/order", False),
        ("POST", "/fapi/v1/leverage", False),
        ("POST", "/fapi/v1/listenKey", False),
    ],
)
def test_which_calls_change_orders(method: str, path: str, is_one: bool) -> None:
    assert is_order_call(method, path) is is_one


def test_only_order_calls_can_be_told_before_they_are_answered() -> None:
    storm = Storm(7, 1, kinds=[RequestKind.EVENT_FIRST])
    assert not any(troubles(storm, 20, "GET", "/fapi/v1/order"))
    assert all(troubles(storm, 20))


def test_trouble_has_a_size() -> None:
    met = troubles(Storm(7, 1, seconds=0.5, skew_ms=4000), 500)
    assert all(0 <= trouble.seconds <= 0.5 for trouble in met)
    assert max(trouble.seconds for trouble in met) > 0.4
    assert {trouble.skew_ms for trouble in met} == {-4000, 4000}
    assert {500, 503, 504} <= {trouble.status for trouble in met}


async def played(seed: int) -> tuple[list[str], dict[str, Any], int]:
    """Forty orders in a storm: what the client met, what was counted, how many orders there are."""
    venue = PaperVenue()
    venue.is_paused = True
    async with running(venue) as url, talking_to(url) as paper:
        exchange = paper.ccxt()
        await exchange.load_markets()
        await exchange.set_position_mode(True)
        await paper.price("60000")
        await paper.hook(
            "storm", seed=seed, rate=0.6, kinds=[*REQUEST_KINDS], paths=["/fapi/v1/order"], seconds=0.01
        )
        met = [await outcome(exchange, f"o-{n}") for n in range(40)]
        counts = await paper.hook("storm", method="GET")
        assert await paper.hook("storm", method="DELETE") == counts
        return met, counts, len(await exchange.fetch_orders(BTC))


async def outcome(exchange: Any, name: str) -> str:
    try:
        params = {**LONG, "clientOrderId": name, "recvWindow": 3000}
        order = await exchange.create_order(BTC, "market", "buy", 0.001, None, params)
        return str(order["status"])
    except ccxt.BaseError as error:
        return type(error).__name__


@pytest.mark.asyncio
async def test_a_storm_over_the_wire_can_be_played_again() -> None:
    first = await played(7)
    assert first == await played(7)
    met, counts, orders = first
    assert 0 < orders < 40
    (hits,) = counts.values()
    assert list(counts) == ["POST /fapi/v1/order"]
    assert 10 < sum(hits.values()) < 40
    assert {"ExchangeNotAvailable", "DDoSProtection", "closed", "None"} <= set(met)
    assert first[0] != (await played(8))[0]


@pytest.mark.asyncio
async def test_a_storm_ends(hedged: Any, paper: Paper) -> None:
    await paper.hook("storm", seed=7, rate=1, kinds=["answer"])
    with pytest.raises(ccxt.NetworkError):
        await hedged.fetch_time()
    counts = {"GET /fapi/v1/time": {"answer": 1}}
    assert await paper.hook("storm", method="DELETE") == counts
    assert await hedged.fetch_time()
    assert await paper.hook("storm", method="GET") == counts


@pytest.mark.asyncio
async def test_a_storm_over_events_is_counted(hedged: Any, paper: Paper) -> None:
    async with listening(paper) as line:
        await paper.hook("storm", seed=7, rate=1, kinds=["duplicate"])
        await hedged.create_order(BTC, "market", "buy", 0.001, None, LONG)
        told = [(await line.receive_json())["e"] for _ in range(6)]
    assert told == ["ORDER_TRADE_UPDATE"] * 4 + ["ACCOUNT_UPDATE"] * 2
    assert await paper.hook("storm", method="GET") == {
        "stream ORDER_TRADE_UPDATE": {"duplicate": 2},
        "stream ACCOUNT_UPDATE": {"duplicate": 1},
    }


@pytest.mark.asyncio
async def test_what_is_planned_comes_before_the_storm(hedged: Any, paper: Paper) -> None:
    await paper.hook("storm", seed=7, rate=1, kinds=["close_before"])
    await paper.fault("GET", "/fapi/v1/time", "answer", status=504)
    with pytest.raises(ccxt.RequestTimeout):
        await hedged.fetch_time()
    assert await paper.hook("storm", method="GET") == {}
