"""The exchange's own trailing stops: what is refused, from where they trail, and that nothing seen is forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges.paper import persistence
from exchanges.paper.book import AlgoOrder, VenueRefusal
from exchanges.paper.matching import Engine
from tests.exchanges.paper.conftest import BTC as SYMBOL
from tests.exchanges.paper.conftest import Paper, talking_to
from tests.exchanges.paper.test_binance_restart import LONG, server
from tests.exchanges.paper.test_matching import BTC, NAME, amount, make, order

LEGS = [("LONG", "SELL", 1), ("SHORT", "BUY", -1)]


def trail(engine: Engine, leg: str = "LONG", **words: Any) -> AlgoOrder:
    side = "SELL" if leg == "LONG" else "BUY"
    base = {"symbol": "BTCUSDT", "side": side, "position_side": leg, "quantity": D("0.1"), "now_ms": 3}
    kind = {"type": "TRAILING_STOP_MARKET", "callback_rate": D(1)}
    return engine.place_algo(NAME, **base | kind | words)


def held(leg: str = "LONG") -> Engine:
    engine = make()
    order(engine, side="BUY" if leg == "LONG" else "SELL", position_side=leg)
    return engine


def see(engine: Engine, *prices: D) -> None:
    for price in prices:
        engine.set_price("BTCUSDT", price, 4)


REFUSED = [
    ({"callback_rate": None}, -2007),
    ({"callback_rate": D(0)}, -2007),
    ({"callback_rate": D("0.05")}, -2007),
    ({"callback_rate": D("10.1")}, -2007),
    ({"callback_rate": D("1.25")}, -2007),
    ({"activate_price": D(0)}, -4135),
    ({"activate_price": D("51000.05")}, -4135),
    ({"activate_price": D(50_000)}, -2021),
    ({"activate_price": D(49_000)}, -2021),
    ({"side": "BUY", "position_side": "SHORT", "activate_price": D(51_000)}, -2021),
    ({"close_position": True, "quantity": None}, -4136),
    ({"quantity": None}, -4003),
    ({"position_side": "BOTH"}, -4061),
    ({"reduce_only": True}, -1106),
]


@pytest.mark.parametrize(("words", "code"), REFUSED)
def test_what_is_refused(words: dict[str, Any], code: int) -> None:
    engine = held()
    with pytest.raises(VenueRefusal) as refusal:
        trail(engine, **words)
    assert refusal.value.code == code
    assert not engine.open_algos(NAME)


@pytest.mark.parametrize("rate", ["0.1", "10"])
def test_the_outermost_rates_are_taken(rate: str) -> None:
    assert trail(held(), callback_rate=D(rate)).status == "NEW"


@pytest.mark.parametrize(("leg", "side", "sign"), LEGS)
def test_without_activation_price_it_trails_from_where_it_was_placed(leg: str, side: str, sign: int) -> None:
    engine = held(leg)
    trailing = trail(engine, leg)
    see(engine, D(50_000) - sign * D("499.9"))
    assert trailing.status == "NEW"
    see(engine, D(50_000) - sign * 500)
    assert (trailing.status, amount(engine, leg)) == ("FINISHED", D(0))


@pytest.mark.parametrize(("leg", "side", "sign"), LEGS)
def test_before_its_activation_price_it_does_nothing(leg: str, side: str, sign: int) -> None:
    engine = held(leg)
    trailing = trail(engine, leg, activate_price=D(50_000) + sign * 1000)
    see(engine, D(50_000) + sign * 900, D(50_000) - sign * 3000, D(50_000) + sign * 999)
    assert trailing.status == "NEW"
    see(engine, D(50_000) + sign * 1000, D(50_000) + sign * 600)
    assert trailing.status == "NEW"
    see(engine, D(50_000))
    assert (trailing.status, amount(engine, leg)) == ("FINISHED", D(0))


def test_in_one_way_mode_it_only_reduces() -> None:
    engine = make(hedge=False)
    order(engine)
    trailing = trail(engine, position_side="BOTH", reduce_only=True)
    order(engine, side="SELL")
    see(engine, D(49_000))
    assert (trailing.status, trailing.reason) == ("REJECTED", "ReduceOnly Order is rejected.")
    assert amount(engine, "BOTH") == 0


def brute_force(prices: Iterable[D], activation: D | None, rate: D) -> int | None:
    """Word for word: the highest price since it was placed is at the activation price or above it, and the latest is
    at the highest less the callback rate or below."""
    seen = [D(50_000)]
    for index, price in enumerate(prices):
        seen.append(price)
        highest = max(seen)
        if (activation is None or highest >= activation) and price <= highest * (1 - rate / 100):
            return index
    return None


@settings(deadline=None)
@given(
    steps=st.lists(st.integers(-40, 40), min_size=1, max_size=60),
    activation=st.none() | st.integers(1, 60),
    rate=st.sampled_from([D("0.1"), D("0.3"), D(1)]),
    restarted_after=st.integers(0, 60),
)
def test_it_fires_where_the_documentation_says_restarted_or_not(
    steps: list[int], activation: int | None, rate: D, restarted_after: int
) -> None:
    starts_at = None if activation is None else D(50_000 + 10 * activation)
    prices = [D(50_000 + 10 * sum(steps[: n + 1])) for n in range(len(steps))]
    engine = held()
    placed = trail(engine, callback_rate=rate, activate_price=starts_at)
    fired = None
    for index, price in enumerate(prices):
        if index == restarted_after:
            engine = restarted(engine)
        see(engine, price)
        if fired is None and engine.find_algo(NAME, placed.algo_id).status == "FINISHED":
            fired = index
    assert fired == brute_force(prices, starts_at, rate)


def restarted(engine: Engine) -> Engine:
    fresh = Engine([BTC], spread_ticks=0)
    persistence.restore(fresh, list(persistence.snapshot(engine)))
    return fresh


def test_every_better_price_is_written_down_and_told_to_nobody() -> None:
    engine = held()
    trail(engine)
    engine.drain_events()
    see(engine, D(50_100), D(50_050), D(50_200))
    rows = [record["row"]["best_price"] for record in persistence.records_of(engine.drain_events())]
    assert rows == ["50100", "50200"]


@pytest.mark.asyncio
async def test_the_best_price_outlives_a_killed_server(tmp_path: Path) -> None:
    with server(tmp_path) as first:
        async with talking_to(first.url) as paper:
            await place(paper)
            await paper.price("61000")
            first.kill()
    with server(tmp_path) as second:
        async with talking_to(second.url) as paper:
            await paper.hook("pause")
            exchange = paper.ccxt()
            assert len(await exchange.fetch_positions()) == 1
            await paper.price("60390")  # 1 % below what was seen before the kill
            assert await exchange.fetch_positions() == []


async def place(paper: Paper) -> None:
    await paper.hook("pause")
    await paper.price("60000")
    exchange = paper.ccxt()
    await exchange.set_position_mode(True)
    await exchange.create_order(SYMBOL, "market", "buy", 0.01, None, LONG)
    words = {**LONG, "trailingPercent": 1, "trailingTriggerPrice": 60_500, "workingType": "MARK_PRICE"}
    placed = await exchange.create_order(SYMBOL, "market", "sell", 0.01, None, words)
    shown = {name: placed["info"][name] for name in ("type", "callbackRate", "activatePrice", "workingType")}
    assert shown == {
        "type": "TRAILING_STOP_MARKET",
        "callbackRate": "1",
        "activatePrice": "60500",
        "workingType": "MARK_PRICE",
    }
