"""Funding, deleveraging, liquidation and a person's own orders, as a client meets them."""

from __future__ import annotations

from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from exchanges.paper.signing import listen_key
from tests.exchanges.paper.conftest import BTC, KEY, Paper, talking_to
from tests.exchanges.paper.test_binance_restart import server
from tests.exchanges.paper.test_binance_stream import soon

LONG = {"positionSide": "LONG"}
LEG = {"api_key": KEY, "symbol": "BTCUSDT", "position_side": "LONG"}
pytestmark = pytest.mark.asyncio


async def buy(exchange: Any) -> Any:
    return await exchange.create_order(BTC, "market", "buy", 0.01, None, LONG)


async def charge(paper: Paper, rate: str = "0.0001") -> list[Any]:
    return (await paper.hook("funding", symbol="BTCUSDT", rate=rate))["charged"]


async def test_funding_moves_the_wallet_and_is_listed(hedged: Any, paper: Paper) -> None:
    await buy(hedged)
    before = D((await paper.state())["wallet"])
    (charged,) = await charge(paper)
    assert D((await paper.state())["wallet"]) == before - D("0.06") == before + D(charged["income"])
    (row,) = await hedged.fapiPrivateGetIncome({"incomeType": "FUNDING_FEE"})
    assert row == charged
    assert (row["symbol"], row["asset"], row["tradeId"]) == ("BTCUSDT", "USDT", "")
    (parsed,) = await hedged.fetch_funding_history(BTC)
    assert (parsed["id"], parsed["amount"], parsed["symbol"]) == (str(row["tranId"]), -0.06, BTC)


async def test_incomes_are_asked_for_by_kind_time_and_number(hedged: Any, paper: Paper) -> None:
    await buy(hedged)
    for _ in range(3):
        await charge(paper)
    every = await hedged.fapiPrivateGetIncome()
    assert [row["incomeType"] for row in every] == ["COMMISSION"] + ["FUNDING_FEE"] * 3
    last = every[-1]
    assert (await hedged.fapiPrivateGetIncome({"limit": 1})) == [last]
    from_start = {"incomeType": "FUNDING_FEE", "startTime": every[1]["time"], "limit": 2}
    assert (await hedged.fapiPrivateGetIncome(from_start)) == every[1:3]
    after = {"startTime": int(last["time"]) + 1}
    assert await hedged.fapiPrivateGetIncome(after) == []
    assert await hedged.fapiPrivateGetIncome({"symbol": "ETHUSDT"}) == []


async def test_funding_is_told_on_the_private_stream(hedged: Any, paper: Paper) -> None:
    await buy(hedged)
    async with paper.session.ws_connect(f"{paper.url}/private/ws?listenKey={listen_key(KEY)}") as line:
        await paper.listened_to()
        await charge(paper)
        told = await soon(line.receive_json())
    assert (told["e"], told["a"]["m"], told["a"]["P"]) == ("ACCOUNT_UPDATE", "FUNDING_FEE", [])
    (balance,) = told["a"]["B"]
    assert (D(balance["bc"]), balance["wb"]) == (D("-0.06"), (await paper.state())["wallet"])


async def test_funding_survives_a_kill(tmp_path: Path) -> None:
    with server(tmp_path) as first:
        async with talking_to(first.url) as paper:
            exchange = paper.ccxt()
            await exchange.set_position_mode(True)
            await buy(exchange)
            await charge(paper)
            before, wallet = await exchange.fapiPrivateGetIncome(), (await paper.state())["wallet"]
            first.kill()
    with server(tmp_path) as second:
        async with talking_to(second.url) as paper:
            exchange = paper.ccxt()
            assert await exchange.fapiPrivateGetIncome() == before
            assert (await paper.state())["wallet"] == wallet
            (fresh,) = await charge(paper)
    assert fresh["tranId"] not in {row["tranId"] for row in before}


@pytest.mark.parametrize(
    ("hook", "kind", "prefix"), [("adl", "ADL", "adl_autoclose"), ("liquidate", "LIQUIDATION", "autoclose-")]
)
async def test_a_position_taken_by_force(
    hedged: Any, paper: Paper, hook: str, kind: str, prefix: str
) -> None:
    await buy(hedged)
    async with paper.session.ws_connect(f"{paper.url}/private/ws?listenKey={listen_key(KEY)}") as line:
        await paper.listened_to()
        taken = await paper.hook(hook, **LEG)
        told = [(await soon(line.receive_json()))["o"] for _ in range(2)]
    assert (taken["status"], taken["executedQty"], taken["side"]) == ("FILLED", "0.01", "SELL")
    assert taken["clientOrderId"].startswith(prefix)
    assert [(event["x"], event["X"]) for event in told] == [("NEW", "NEW"), ("CALCULATED", "FILLED")]
    assert await hedged.fetch_positions() == []
    (row,) = await hedged.fapiPrivateGetForceOrders({"symbol": "BTCUSDT", "autoCloseType": kind})
    assert row == taken
    other = {"ADL": "LIQUIDATION", "LIQUIDATION": "ADL"}[kind]
    assert await hedged.fapiPrivateGetForceOrders({"autoCloseType": other}) == []
    assert await hedged.fapiPrivateGetForceOrders({"symbol": "ETHUSDT"}) == []
    assert await hedged.fapiPrivateGetForceOrders({"startTime": int(row["time"]) + 1}) == []
    (parsed,) = await hedged.fetch_my_liquidations(BTC, None, None, {"autoCloseType": kind})
    assert (parsed["contracts"], parsed["side"]) == (0.01, "sell")


async def test_a_person_closes_and_opens(hedged: Any, paper: Paper) -> None:
    await buy(hedged)
    closed = await paper.hook("manual", **LEG)
    assert (closed["side"], closed["status"], closed["clientOrderId"][:4]) == ("SELL", "FILLED", "web_")
    assert await hedged.fetch_positions() == []
    await paper.hook("manual", **{**LEG, "position_side": "SHORT"}, side="SELL", quantity="0.02")
    (held,) = await hedged.fetch_positions()
    assert (held["side"], held["contracts"]) == ("short", 0.02)
    assert {order["clientOrderId"][:4] for order in await hedged.fetch_orders(BTC)} >= {"web_"}


async def test_nothing_held_is_nothing_to_take(hedged: Any, paper: Paper) -> None:
    for hook in ("adl", "liquidate", "manual"):
        async with paper.session.post(f"{paper.url}/paper/{hook}", json=LEG) as answer:
            assert answer.status == 400
