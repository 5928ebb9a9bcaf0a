"""The exits that belong to a position on Bybit: set together, kept by the exchange, gone with the position."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from exchanges.paper.book import Rules, VenueRefusal
from exchanges.paper.matching import Engine
from exchanges.paper.position_exits import Exits
from exchanges.paper.venue_rules import BYBIT
from tests.exchanges.paper.bybit import LONG, SHORT, ask, bybit, hedged_bybit
from tests.exchanges.paper.conftest import BTC, Paper

__all__ = ["bybit", "hedged_bybit"]
STOP = "/v5/position/trading-stop"
LEG = {"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 1}


async def held(exchange: Any, index: int = 1) -> dict[str, Any]:
    rows = {row["info"]["positionIdx"]: row["info"] for row in await exchange.fetch_positions([BTC])}
    return rows[index]


@pytest.mark.asyncio
async def test_both_are_set_by_ccxt_and_told_with_the_position(hedged_bybit: Any) -> None:
    await hedged_bybit.create_order(BTC, "market", "buy", 0.1, None, LONG)
    levels = {**LONG, "stopLossPrice": 58_000, "takeProfitPrice": 63_000}
    await hedged_bybit.create_order(BTC, "market", "sell", 0, None, levels)
    row = await held(hedged_bybit)
    assert (row["stopLoss"], row["takeProfit"]) == ("58000", "63000")
    orders = {one["info"]["stopOrderType"]: one for one in await hedged_bybit.fetch_open_orders(BTC)}
    assert set(orders) == {"StopLoss", "TakeProfit"}
    assert {one["info"]["orderLinkId"] for one in orders.values()} == {""}
    assert orders["StopLoss"]["info"]["createType"] == "CreateByStopLoss"
    assert orders["StopLoss"]["info"]["closeOnTrigger"] is True


@pytest.mark.asyncio
async def test_an_entry_brings_its_exits_with_it(hedged_bybit: Any) -> None:
    levels = {**SHORT, "stopLoss": {"triggerPrice": 62_000}, "takeProfit": {"triggerPrice": 55_000}}
    await hedged_bybit.create_order(BTC, "market", "sell", 0.4, None, levels)
    row = await held(hedged_bybit, 2)
    assert (row["stopLoss"], row["takeProfit"], row["size"]) == ("62000", "55000", "0.400")
    assert len(await hedged_bybit.fetch_open_orders(BTC)) == 2


@pytest.mark.asyncio
async def test_a_trailing_stop_follows_by_a_distance_once_it_is_activated(
    hedged_bybit: Any, paper: Paper
) -> None:
    await hedged_bybit.create_order(BTC, "market", "buy", 0.1, None, LONG)
    trail = {**LONG, "trailingAmount": "500", "trailingTriggerPrice": 61_000}
    await hedged_bybit.create_order(BTC, "market", "sell", 0.1, None, trail)
    assert (await held(hedged_bybit))["trailingStop"] == "500"
    for price in ("59000", "61000", "61500"):  # not yet active, active, better
        await paper.price(price)
        assert float((await held(hedged_bybit))["size"]) == 0.1
    await paper.price("61000")
    assert float((await held(hedged_bybit))["size"]) == 0
    (trade, _) = (await ask(paper, "GET", "/v5/execution/list", category="linear"))["result"]["list"]
    assert (trade["stopOrderType"], trade["createType"]) == ("TrailingStop", "CreateByTrailingStop")


@pytest.mark.asyncio
async def test_all_of_them_or_none(hedged_bybit: Any, paper: Paper) -> None:
    assert (await ask(paper, "POST", STOP, **LEG, stopLoss="58000"))["retCode"] == 10001  # nothing held
    await hedged_bybit.create_order(BTC, "market", "buy", 0.1, None, LONG)
    for wrong in ({"takeProfit": "59000"}, {"trailingStop": "-1"}, {"takeProfit": "63000.05"}):
        refused = await ask(paper, "POST", STOP, **LEG, stopLoss="58000", **wrong)
        assert refused["retCode"] == 10001
        assert await hedged_bybit.fetch_open_orders(BTC) == []
    assert (await ask(paper, "POST", STOP, **{**LEG, "positionIdx": 0}, stopLoss="58000"))["retCode"] == 10001


@pytest.mark.asyncio
async def test_another_level_keeps_the_order_and_the_same_changes_nothing(
    hedged_bybit: Any, paper: Paper
) -> None:
    await hedged_bybit.create_order(BTC, "market", "buy", 0.1, None, LONG)
    assert (await ask(paper, "POST", STOP, **LEG, stopLoss="58000"))["retCode"] == 0
    (first,) = await hedged_bybit.fetch_open_orders(BTC)
    assert (await ask(paper, "POST", STOP, **LEG, stopLoss="58000"))["retCode"] == 34040
    assert (await ask(paper, "POST", STOP, **LEG, stopLoss="59000"))["retCode"] == 0
    (moved,) = await hedged_bybit.fetch_open_orders(BTC)
    assert (moved["id"], moved["triggerPrice"]) == (first["id"], 59_000)
    assert (await ask(paper, "POST", STOP, **LEG, stopLoss="0"))["retCode"] == 0
    assert await hedged_bybit.fetch_open_orders(BTC) == []
    assert (await ask(paper, "POST", STOP, **LEG, stopLoss="0"))["retCode"] == 34040


@pytest.mark.asyncio
async def test_they_go_with_the_position(hedged_bybit: Any, paper: Paper) -> None:
    await hedged_bybit.create_order(BTC, "market", "buy", 0.1, None, LONG)
    await ask(paper, "POST", STOP, **LEG, stopLoss="58000", takeProfit="63000")
    await hedged_bybit.create_order(BTC, "market", "sell", 0.1, None, LONG)
    assert await hedged_bybit.fetch_open_orders(BTC) == []
    row = await held(hedged_bybit)
    assert (row["stopLoss"], row["takeProfit"], row["side"]) == ("", "", "")


@pytest.mark.asyncio
async def test_a_stop_closes_what_is_held_when_it_fires(hedged_bybit: Any, paper: Paper) -> None:
    await hedged_bybit.create_order(BTC, "market", "buy", 0.1, None, LONG)
    await ask(paper, "POST", STOP, **LEG, stopLoss="58000", takeProfit="63000")
    await hedged_bybit.create_order(BTC, "market", "buy", 0.2, None, LONG)  # more than when it was set
    await paper.price("57900")
    assert await hedged_bybit.fetch_positions() == []
    gone = {
        one["info"]["stopOrderType"]: one for one in await hedged_bybit.fetch_canceled_and_closed_orders(BTC)
    }
    assert (gone["StopLoss"]["filled"], gone["StopLoss"]["status"]) == (0.3, "closed")
    assert gone["TakeProfit"]["info"]["cancelType"] == "CancelByTpSlTsClear"


def test_the_leg_is_the_one_that_was_named() -> None:
    engine = Engine([Rules("BTCUSDT", "BTC", "USDT", D("0.1"), D("0.001"), D("0.001"), D(100), D(5))])
    engine.open_account("a", D(10_000), BYBIT)
    engine.set_price("BTCUSDT", D(50_000), 1)
    engine.set_dual_side("a", True)
    for side, leg in (("BUY", "LONG"), ("SELL", "SHORT")):
        engine.place(
            "a",
            symbol="BTCUSDT",
            side=side,
            type="MARKET",
            quantity=D("0.1"),
            position_side=leg,
            now_ms=2,
        )
    engine.match_acknowledged(3)
    engine.set_exits("a", "BTCUSDT", "SHORT", Exits(stop_loss=D(51_000)), 4)
    with pytest.raises(VenueRefusal, match="higher"):
        engine.set_exits("a", "BTCUSDT", "SHORT", Exits(stop_loss=D(49_000)), 4)
    engine.set_price("BTCUSDT", D(51_000), 5)
    (left,) = engine.positions("a")
    assert left.position_side == "LONG"
