"""What goes wrong on Bybit's requests: lost answers, wrong clocks, too many visits, a killed server."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exchanges.ccxt_client import build_exchange
from exchanges.ccxt_of_our_venues import ccxt
from exchanges.credentials import Credentials
from exchanges.paper import bybit_dialect
from exchanges.paper.book import VenueRefusal
from exchanges.paper.demo import DEMO_RULES
from exchanges.paper.matching import Engine
from exchanges.paper.persistence import restore, snapshot
from exchanges.paper.signing import paper_secret
from exchanges.paper.venue_rules import BYBIT
from ops.report.evidence import accepted
from tests.exchanges.paper.bybit import KEY, LONG, ask, bybit, hedged_bybit
from tests.exchanges.paper.conftest import BTC, Paper, talking_to
from tests.exchanges.paper.test_binance_restart import server

__all__ = ["bybit", "hedged_bybit"]
pytestmark = pytest.mark.asyncio
CREATE = "/v5/order/create"

IN_TROUBLE: list[tuple[str, dict[str, Any], str, bool]] = [
    ("close_before", {}, "ExchangeNotAvailable", False),
    ("close_after", {}, "ExchangeNotAvailable", True),
    ("half_body", {}, "ExchangeError", True),
    ("answer", {"status": 504}, "RequestTimeout", False),
    ("answer_after", {"status": 503}, "ExchangeNotAvailable", True),
    ("html_after", {}, "BadResponse", True),
    ("empty", {}, "BadResponse", False),
    ("too_many", {}, "RateLimitExceeded", False),
    ("banned", {}, "RateLimitExceeded", False),
    ("clock_skew", {"skew_ms": 60_000}, "InvalidNonce", False),
]


@pytest.mark.parametrize(("kind", "words", "raised", "is_there"), IN_TROUBLE)
async def test_the_outcome_of_an_order_in_trouble(
    hedged_bybit: Any, paper: Paper, kind: str, words: dict[str, Any], raised: str, is_there: bool
) -> None:
    await paper.fault("POST", CREATE, kind, **words)
    with pytest.raises(getattr(ccxt, raised)):
        await hedged_bybit.create_order(BTC, "market", "buy", 0.01, None, {**LONG, "clientOrderId": "once"})
    found = await hedged_bybit.fetch_open_orders(BTC, params={"orderLinkId": "once"})
    assert [order["status"] for order in found] == (["closed"] if is_there else [])
    assert [sent.client_order_id for sent in accepted(await paper.log(CREATE))] == ["once"] * is_there


async def test_orders_only_means_orders(hedged_bybit: Any, paper: Paper) -> None:
    await paper.fault("*", "/v5/*", "close_before", orders_only=True)
    assert await hedged_bybit.fetch_positions() == []
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await hedged_bybit.cancel_all_orders(BTC)


async def test_the_log_names_our_orders(hedged_bybit: Any, paper: Paper) -> None:
    await hedged_bybit.create_order(BTC, "market", "buy", 0.01, None, {**LONG, "clientOrderId": "one"})
    (line,) = await paper.log(CREATE)
    assert (line["client_order_id"], line["api_key"], line["status"], line["code"]) == ("one", KEY, 200, None)
    assert (line["signature"], line["params"]["qty"]) == ("valid", "0.01")


# limits


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No window turns in the middle of a test."""
    monkeypatch.setattr(bybit_dialect, "now_ms", lambda: 1_700_000_040_000)


async def visit(paper: Paper, times: int) -> list[int]:
    return [(await ask(paper, "GET", "/v5/user/query-api"))["retCode"] for _ in range(times)]


@pytest.mark.usefixtures("still")
async def test_each_path_has_its_visits_a_second_and_answers_say_what_is_left(
    bybit: Any, paper: Paper
) -> None:
    await paper.hook("limits", reads_per_second=3)
    await bybit.fetch_balance()
    told = bybit.last_response_headers
    assert (told["X-Bapi-Limit"], told["X-Bapi-Limit-Status"]) == ("3", "2")
    assert told["X-Bapi-Limit-Reset-Timestamp"] == "1700000041000"
    assert await visit(paper, 4) == [0, 0, 0, 10006]
    await bybit.fetch_balance()  # another path


@pytest.mark.usefixtures("still")
async def test_an_order_too_many_is_not_made(hedged_bybit: Any, paper: Paper) -> None:
    await paper.hook("limits", changes_per_second=1)
    await hedged_bybit.create_order(BTC, "market", "buy", 0.01, None, LONG)
    with pytest.raises(ccxt.RateLimitExceeded):
        await hedged_bybit.create_order(BTC, "market", "buy", 0.01, None, LONG)
    (held,) = await hedged_bybit.fetch_positions()
    assert held["contracts"] == 0.01


@pytest.mark.usefixtures("still")
async def test_an_address_that_asks_too_much_is_sent_away(bybit: Any, paper: Paper) -> None:
    await paper.hook("limits", requests_per_5s=1)
    await bybit.fetch_balance()
    with pytest.raises(ccxt.RateLimitExceeded):
        await bybit.fetch_balance()


# restarts


async def test_a_killed_server_comes_back_with_its_bybit_account(tmp_path: Path) -> None:
    with server(tmp_path) as first:
        async with talking_to(first.url) as paper:
            exchange = _bybit(paper)
            await paper.hook("pause")
            await paper.price("60000")
            await exchange.set_position_mode(True, BTC)
            await exchange.create_order(BTC, "market", "buy", 0.1, None, {**LONG, "clientOrderId": "one"})
            stop = {**LONG, "clientOrderId": "stop", "stopLossPrice": 50_000}
            placed = await exchange.create_order(BTC, "market", "sell", 0.1, None, stop)
            await paper.hook("acknowledge", seconds=60)
            await exchange.create_order(BTC, "market", "buy", 0.1, None, {**LONG, "clientOrderId": "two"})
        first.kill()
    with server(tmp_path) as again:
        async with talking_to(again.url) as paper:
            await paper.hook("pause")
            exchange = _bybit(paper)
            (held,) = await exchange.fetch_positions()
            assert (held["contracts"], held["hedged"]) == (0.2, True)  # what was acknowledged was matched
            (waiting,) = await exchange.fetch_open_orders(BTC)
            assert (waiting["id"], waiting["clientOrderId"]) == (placed["id"], "stop")
            for name in ("one", "stop"):
                with pytest.raises(ccxt.InvalidOrder, match="110072"):
                    await exchange.create_order(
                        BTC, "market", "buy", 0.1, None, {**LONG, "clientOrderId": name}
                    )
            later = await exchange.create_order(BTC, "market", "buy", 0.1, None, LONG)
            assert later["id"] > placed["id"]


def _bybit(paper: Paper) -> Any:
    made = build_exchange(Credentials("bybit", KEY, paper_secret(KEY), paper.url))
    paper.exchanges.append(made)
    return made


async def test_an_id_stays_used_when_its_order_is_forgotten() -> None:
    words = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "now_ms": 1}
    engine, later = (Engine(DEMO_RULES) for _ in range(2))
    engine.open_account(KEY, Decimal(10_000), BYBIT)
    engine.set_price("BTCUSDT", Decimal(60_000), 1)
    for name in ("once", "later"):
        engine.place(KEY, client_order_id=name, quantity=Decimal("0.1"), **words)
    engine.match_acknowledged(2)
    engine.trim(1)
    assert [order.client_order_id for order in engine.account(KEY).orders.values()] == ["later"]
    restore(later, snapshot(engine))
    with pytest.raises(VenueRefusal, match="duplicated"):
        later.place(KEY, client_order_id="once", quantity=Decimal("0.1"), **words)
