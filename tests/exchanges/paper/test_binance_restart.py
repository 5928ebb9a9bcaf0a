"""What was answered survives a kill: the server as a process, its state file and the ways it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSCloseCode

from exchanges.ccxt_of_our_venues import ccxt
from exchanges.paper.candles import Candle
from exchanges.paper.journal import Journal
from exchanges.paper.venue import PaperVenue
from tests.exchanges.paper.conftest import BTC, KEY, Paper, talking_to
from tests.forking import Process, start
from tests.ops.waiting import until

LONG = {"positionSide": "LONG"}


@dataclass
class Server:
    process: Process
    url: str

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(10)


@contextmanager
def server(
    folder: Path, *options: str, program: Sequence[str] = ("-m", "exchanges.paper.server")
) -> Iterator[Server]:
    ready = folder / "ready"
    ready.unlink(missing_ok=True)
    files = ["--state", str(folder / "state"), "--log", str(folder / "log"), "--ready-file", str(ready)]
    command = [*program, *files, "--speed", "0.000001", *options]
    with (folder / "screen").open("ab") as screen:
        process = start(command, os.environ, screen)
    try:
        until(lambda: ready.exists() or process.poll() is not None, "the ready file")
        assert process.poll() is None, (folder / "screen").read_text()
        yield Server(process, ready.read_text())
    finally:
        process.kill()
        process.wait(10)


async def picture(paper: Paper) -> dict[str, Any]:
    """Everything a client can ask for, but for what follows the price."""
    exchange = paper.ccxt()
    positions = await exchange.fetch_positions()
    return {
        "mode": (await exchange.fetch_position_mode())["hedged"],
        "leverage": (await exchange.fetch_leverage(BTC))["info"],
        "wallet": (await paper.state())["wallet"],
        "positions": [(row["side"], row["contracts"], row["entryPrice"]) for row in positions],
        "orders": [row["info"] for row in await exchange.fetch_orders(BTC)],
        "algos": [row["info"] for row in await exchange.fetch_orders(BTC, params={"trigger": True})],
        "trades": [row["info"] for row in await exchange.fetch_my_trades(BTC)],
        "price": (await exchange.fetch_mark_price(BTC))["markPrice"],
    }


async def trade(paper: Paper) -> None:
    exchange = paper.ccxt()
    await exchange.set_position_mode(True)
    await exchange.set_leverage(7, BTC)
    await exchange.set_margin_mode("isolated", BTC)
    await paper.price("60000")
    await exchange.create_order(BTC, "market", "buy", 0.5, None, LONG)  # walks through several levels
    await exchange.create_order(BTC, "limit", "buy", 0.01, 50_000, LONG)
    for n, price in enumerate((59_000, 50_000)):
        stop = {**LONG, "stopPrice": price, "clientOrderId": f"stop-{n}"}
        await exchange.create_order(BTC, "STOP_MARKET", "sell", 0.1, None, stop)
    await paper.price("58999.9")


@pytest.mark.asyncio
async def test_a_killed_server_comes_back_as_it_was(tmp_path: Path) -> None:
    with server(tmp_path) as first:
        async with talking_to(first.url) as paper:
            await paper.hook("pause")
            await trade(paper)
            before = await picture(paper)
            candles = await paper.ccxt().fetch_ohlcv(BTC, "1m", limit=100)
            first.kill()
    with server(tmp_path) as second:
        async with talking_to(second.url) as paper:
            after = await picture(paper)
            exchange = paper.ccxt()
            fresh = await exchange.create_order(BTC, "market", "buy", 0.01, None, LONG)
            rows = await exchange.fetch_ohlcv(BTC, "1m", since=candles[0][0], limit=98)
    assert after.pop("price") == pytest.approx(before.pop("price"), rel=1e-4)
    assert after == before
    assert {row["algoStatus"] for row in after["algos"]} == {"FINISHED", "NEW"}
    assert fresh["id"] not in {row["orderId"] for row in before["orders"]}
    assert rows == candles[:-2], (
        "but for the minute in which it was killed, and the one that may have ended then"
    )


@pytest.mark.asyncio
async def test_every_answer_before_a_kill_counts(tmp_path: Path) -> None:
    """Orders in a row, the kill while they are running: what was answered is there, once, and the books are whole."""
    answered = await _orders_until_killed(tmp_path, 40)
    with server(tmp_path) as second:
        async with talking_to(second.url) as paper:
            exchange = paper.ccxt()
            found = {row["clientOrderId"] for row in await exchange.fetch_orders(BTC)}
            trades, held = await exchange.fetch_my_trades(BTC), (await exchange.fetch_positions())[0]
            wallet = Decimal((await paper.state())["wallet"])
    assert answered <= found
    assert len(found) - len(answered) <= 1  # the one in flight
    assert held["contracts"] == pytest.approx(sum(trade["amount"] for trade in trades))
    fees = sum((Decimal(trade["info"]["commission"]) for trade in trades), Decimal(0))
    assert wallet == 10_000 - fees


async def _orders_until_killed(folder: Path, count: int) -> set[str]:
    answered: set[str] = set()
    with server(folder) as first:
        async with talking_to(first.url) as paper:
            exchange = paper.ccxt()
            await exchange.set_leverage(50, BTC)
            try:
                for n in range(10_000):
                    if n == count:
                        first.process.send_signal(signal.SIGKILL)
                    params = {"clientOrderId": f"o-{n}"}
                    order = await exchange.create_order(BTC, "market", "buy", 0.001, None, params)
                    answered.add(order["clientOrderId"])
            except ccxt.ExchangeNotAvailable:
                pass
    assert len(answered) >= count
    return answered


@pytest.mark.asyncio
async def test_a_restart_does_not_deafen_a_running_client(tmp_path: Path) -> None:
    with server(tmp_path) as first:
        port = first.url.rpartition(":")[2]
        async with talking_to(first.url) as paper:
            exchange = paper.ccxt()
            key = (await exchange.fapiPrivatePostListenKey())["listenKey"]
            first.kill()
            with server(tmp_path, "--port", port):
                address = f"{paper.url}/private/ws?listenKey={key}"
                async with paper.session.ws_connect(address) as line:
                    await paper.listened_to()
                    await exchange.create_order(BTC, "market", "buy", 0.01)
                    assert (await line.receive_json(timeout=10))["e"] == "ORDER_TRADE_UPDATE"


@pytest.mark.asyncio
@pytest.mark.parametrize("program", [("-m", "exchanges.paper.server"), ("manage.py", "paper_exchange")])
async def test_a_stop_is_clean_and_quick_with_clients_on_the_line(
    tmp_path: Path, program: tuple[str, ...]
) -> None:
    with server(tmp_path, "--balance", "500", program=program) as running:
        async with talking_to(running.url) as paper:
            assert running.url.startswith("http://127.0.0.1:")
            assert (await paper.ccxt().fetch_balance())["USDT"]["total"] == 500
            async with paper.session.ws_connect(f"{paper.url}/market/ws/1") as line:
                stopping = asyncio.create_task(asyncio.to_thread(running.stop))
                await line.receive(timeout=10)
                assert line.close_code == WSCloseCode.GOING_AWAY
                assert await stopping == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [(line["path"], line["api_key"]) for line in lines][-1] == ("/fapi/v3/account", KEY)


# the state file itself


def played(path: Path, changes: int = 3) -> PaperVenue:
    venue = PaperVenue(state=path)
    venue.open()
    venue.set_price("BTCUSDT", Decimal(60_000))
    venue.open_account(KEY)
    for n in range(changes):
        venue.act(lambda engine, n=n: buy(engine, n))
    return venue


def buy(engine: Any, n: int) -> Any:
    words = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "client_order_id": f"o-{n}", "now_ms": n}
    return engine.place(KEY, quantity=Decimal("0.5"), **words)


def again(path: Path) -> PaperVenue:
    venue = PaperVenue(state=path)
    venue.open()
    return venue


def test_half_a_line_takes_its_whole_change_with_it(tmp_path: Path) -> None:
    """A kill may cut the last line anywhere; never may a fill be booked and its position not."""
    path = tmp_path / "state"
    played(path)
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    for cut in range(last, len(whole), 97):
        path.write_bytes(whole[:cut])
        state = again(path).engine.account(KEY)
        assert len(state.orders) == 2
        assert state.position("BTCUSDT", "BOTH").amount == sum(row.quantity for row in state.trades) == 1
        assert state.wallet_balance == 10_000 - sum(row.commission for row in state.trades)


def test_the_file_is_condensed_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "state"
    venue = played(path, 1)
    journal = venue._journal = Journal(path, condensed_after=20_000)
    journal.open(venue.engine)
    smallest = path.stat().st_size
    for price in range(60_000, 60_500):
        venue.set_price("BTCUSDT", Decimal(price))
    assert path.stat().st_size < smallest + 25_000
    venue.act(lambda engine: buy(engine, 9))
    found = again(path).engine
    assert found.prices["BTCUSDT"] == 60_499
    assert [row.client_order_id for row in found.account(KEY).orders.values()] == ["o-0", "o-9"]


def test_a_last_price_apart_and_the_candles_of_both_come_back(tmp_path: Path) -> None:
    path = tmp_path / "state"
    venue = played(path)
    venue.set_price("BTCUSDT", Decimal(60_000), Decimal(66_000))
    venue.close()
    found = again(path).engine
    assert (found.prices["BTCUSDT"], found.last("BTCUSDT")) == (60_000, 66_000)
    assert found.candles("BTCUSDT")[-1].close == 66_000
    assert found.candles("BTCUSDT", of_mark=True)[-1].close == 60_000
    assert found.last("ETHUSDT") == found.prices["ETHUSDT"]
    venue.set_price("BTCUSDT", Decimal(60_001))
    assert venue.engine.last("BTCUSDT") == 60_001


def test_candles_that_were_told_come_back(tmp_path: Path) -> None:
    venue = played(tmp_path / "state")
    was = venue.engine.candles("BTCUSDT")
    told = Candle(was[-3].open_ms, *map(Decimal, (60_000, 60_500, 59_000, 60_100, 0)))
    venue.tell_candles("BTCUSDT", [told])
    venue.set_price("BTCUSDT", Decimal(60_001))
    venue.close()
    found = again(tmp_path / "state").engine.candles("BTCUSDT")
    assert (found[:-2], found[-2]) == (was[:-3], told)
    assert found[-1].close == 60_001


def test_without_a_state_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    venue = PaperVenue()
    venue.open()
    venue.open_account(KEY)
    venue.close()
    assert not list(tmp_path.iterdir())
