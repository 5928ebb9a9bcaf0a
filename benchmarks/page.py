"""`python -m benchmarks.page`: what watching costs. The product holds 50 positions, prices change ten times a second,
and signals go in by turns, through the page's own process and through the doors', while nobody looks, and while a
hundred sockets and a browser look at the live page.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import websockets
from aiohttp import ClientSession
from asgiref.sync import sync_to_async
from rich.console import Console
from rich.table import Table

from benchmarks.product import DATA, running_product
from benchmarks.report import machine
from benchmarks.signal_to_order import _signal as signal

MEGABYTE = 1024 * 1024
FLAGS = ["--no-sandbox", "--disable-gpu"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SETTLE_SECONDS = 3.0
Signals = list[tuple[str, str, bool]]


@dataclass
class Turns:
    """Of all turns of one kind: milliseconds from signal to request, shares of one core, megabytes."""

    door: str
    is_watched: bool
    parts: dict[str, list[float]] = field(default_factory=dict)
    requests: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    ticks: list[float] = field(default_factory=list)  # from a price set to the message that tells it
    lost: int = 0


class Prices:
    """Ten changes a second, one contract after the other, all the time: also while nobody looks."""

    def __init__(self, paper_url: str, rate: float) -> None:
        self._url, self._rate = f"{paper_url}/paper", rate
        self.set_at: dict[str, float] = {}  # price of the first contract -> when it was set

    @asynccontextmanager
    async def moving(self) -> AsyncIterator[Prices]:
        async with ClientSession() as http:
            await http.post(f"{self._url}/pause")
            moving = asyncio.create_task(self._move(http))
            try:
                yield self
            finally:
                moving.cancel()

    async def _move(self, http: ClientSession) -> None:
        from exchanges.paper.demo import DEMO_PRICES, DEMO_RULES

        steps = {rules.symbol: rules.price_increment for rules in DEMO_RULES}
        for number in range(10**9):
            symbol = sorted(DEMO_PRICES)[number % len(DEMO_PRICES)]
            price = DEMO_PRICES[symbol] + steps[symbol] * (number // len(DEMO_PRICES) % 50)
            self.set_at[f"{symbol} {price.normalize():f}"] = time.time()
            await http.post(f"{self._url}/price", json={"symbol": symbol, "price": str(price)})
            await asyncio.sleep(1 / self._rate)


class Watchers:
    """Sockets of the live page. One of them is asked how old its prices are."""

    def __init__(self, environment: dict[str, str], cookie: str, count: int) -> None:
        self._origin, self._cookie, self._count = environment["WEB_URL"], cookie, count
        self.received = 0

    @asynccontextmanager
    async def watching(self, prices: Prices, turns: Turns) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            readers = []
            for number in range(
                self._count
            ):  # read from the first moment: what waits here would seem to be told late
                socket = await stack.enter_async_context(self._connect())
                reading = self._read(socket) if number else self._time(socket, prices, turns)
                readers.append(asyncio.create_task(reading))
            await stack.enter_async_context(self._chromium())
            yield
            for reader in readers:
                reader.cancel()

    def _connect(self) -> Any:
        address = self._origin.replace("http", "ws", 1) + "/ws/live/"
        headers = {"Cookie": f"sessionid={self._cookie}"}
        return websockets.connect(address, additional_headers=headers, origin=self._origin)  # type: ignore[arg-type]

    async def _read(self, socket: Any) -> None:
        async for _ in socket:
            self.received += 1

    async def _time(self, socket: Any, prices: Prices, turns: Turns) -> None:
        symbols: dict[int, str] = {}
        async for text in socket:
            self.received += 1
            message, now = json.loads(text), time.time()
            for row in message.get("snapshot", message).get("positions", ()):
                symbols[row["id"]] = row["exchange_symbol"]
            told = {(symbols.get(tick["id"]), tick["mark_price"]) for tick in message.get("ticks", ())}
            for symbol, price in told:
                set_at = prices.set_at.pop(f"{symbol} {_plain(price)}", None)
                turns.ticks += [(now - set_at) * 1000] if set_at else []

    @asynccontextmanager
    async def _chromium(self) -> AsyncIterator[None]:
        from playwright.async_api import async_playwright

        path = next((found for found in map(shutil.which, BROWSERS) if found), None)
        if path is None:
            raise SystemExit("No Chromium on PATH: this measurement needs one.")
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
            context = await browser.new_context()
            await context.add_cookies([{"name": "sessionid", "value": self._cookie, "url": self._origin}])
            page = await context.new_page()
            await page.goto(self._origin)
            await page.wait_for_selector("body[data-link=live]")
            yield
            await browser.close()


def _plain(price: str) -> str:
    from decimal import Decimal

    return f"{Decimal(price).normalize():f}"


@contextmanager
def web_process(turns: Turns) -> Iterator[None]:
    """Processor time and memory of the web process meanwhile."""
    from ops.data_folder import DataFolder
    from ops.leftovers import ChildRecord

    web = ChildRecord(DataFolder(DATA).children).alive()["web"]
    used, began = web.cpu_times(), time.monotonic()
    yield
    now, seconds = web.cpu_times(), time.monotonic() - began
    turns.cpu.append((now.user + now.system - used.user - used.system) / seconds * 100)
    turns.memory.append(web.memory_info().rss / MEGABYTE)


def viewer_cookie() -> str:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("bench-viewer"))
    return client.cookies["sessionid"].value


async def send(socket: Any, plan: Signals, rate: float) -> dict[str, float]:
    """Signal uid -> when its frame was sent, of those that opened."""
    sent = {}
    for symbol, phrase, _ in plan:
        began = time.time()
        await socket.send(signal(symbol, phrase))
        verdict = json.loads(await socket.recv())
        if verdict["entries"] and verdict["entries"][0]["status"] == "opened":
            sent[verdict["uid"]] = began
        await asyncio.sleep(max(1 / rate - (time.time() - began), 0))
    return sent


async def one_turn(socket: Any, plan: Signals, options: argparse.Namespace, turns: Turns) -> None:
    from benchmarks import desk

    await asyncio.sleep(SETTLE_SECONDS)
    with web_process(turns):
        sent = await send(socket, plan, options.rate)
        await asyncio.sleep(SETTLE_SECONDS)
    arrived = await sync_to_async(desk.arrivals)(list(sent))
    turns.requests += [(arrived[uid] - at) * 1000 for uid, at in sent.items() if uid in arrived]
    for name, waited in (await sync_to_async(desk.parts_of)(sent, arrived)).items():
        turns.parts.setdefault(name, []).extend(waited)
    turns.lost += len(plan) - len(arrived)


async def measure(environment: dict[str, str], options: argparse.Namespace, console: Console) -> list[Turns]:
    import django

    django.setup()
    from benchmarks import desk

    plan = await sync_to_async(desk.prepare)(options.positions)
    held, counted = [one for one in plan if not one[2]], [one for one in plan if one[2]]
    cookie = await sync_to_async(viewer_cookie)()
    prices = Prices(environment["PAPER_EXCHANGE_URL"], options.changes)
    watchers = Watchers(environment, cookie, options.sockets)
    results = [Turns(door, is_watched) for is_watched in (False, True) for door in ("page", "doors")]
    async with AsyncExitStack() as stack:
        sockets = {
            door: await stack.enter_async_context(_signed_in(address, desk.TOKEN))
            for door, address in _addresses(environment).items()
        }
        opened = await send(sockets["doors"], held[: options.positions], options.rate)
        console.print(f"{len(opened)} positions are held")
        shares = iter(_shares(counted, len(results) * options.turns))
        async with prices.moving():
            for turns in results * options.turns:
                async with watchers.watching(prices, turns) if turns.is_watched else nullcontext():
                    await one_turn(sockets[turns.door], next(shares), options, turns)
    console.print(f"{watchers.received} messages were told to {options.sockets} sockets")
    return results


def _addresses(environment: dict[str, str]) -> dict[str, str]:
    page = environment["WEB_URL"].replace("http", "ws", 1) + "/ws/signals/"
    return {"page": page, "doors": environment["SIGNALS_URL"]}


@asynccontextmanager
async def _signed_in(address: str, token: str) -> AsyncIterator[Any]:
    headers = {"Authorization": f"Bearer {token}"}
    async with websockets.connect(address, additional_headers=headers) as socket:
        await socket.recv()
        yield socket


def _shares(plan: Signals, count: int) -> list[Signals]:
    size = len(plan) // count
    return [plan[size * number :][:size] for number in range(count)]


def print_turns(console: Console, results: list[Turns], options: argparse.Namespace) -> None:
    watched = f"{options.sockets} sockets and a browser"
    titles = [f"{turns.door}, {watched if turns.is_watched else 'nobody watches'}" for turns in results]
    table = Table("signals through", *titles)
    table.add_row("signals that reached the exchange", *(str(len(turns.requests)) for turns in results))
    table.add_row("and that did not", *(str(turns.lost) for turns in results))
    table.add_row("signal → request, median and most, ms", *(_in_short(turns.requests) for turns in results))
    for name in results[0].parts:
        table.add_row(f"  {name}", *(_in_short(turns.parts.get(name, [])) for turns in results))
    table.add_row("price set → told, median and most, ms", *(_in_short(turns.ticks) for turns in results))
    table.add_row("web process, % of a core", *(f"{median(turns.cpu):.0f}" for turns in results))
    table.add_row("web process, MB", *(f"{max(turns.memory):.0f}" for turns in results))
    console.print(table)


def _in_short(values: list[float]) -> str:
    return f"{median(values):.1f}  {max(values):.1f}" if values else "—"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page")
    parser.add_argument("--sockets", type=int, default=100)
    parser.add_argument("--positions", type=int, default=50, help="held before the first counted signal")
    parser.add_argument("--changes", type=float, default=10.0, help="of prices, a second")
    parser.add_argument("--rate", type=float, default=2.0, help="signals a second")
    parser.add_argument("--turns", type=int, default=2, help="of each kind, one after the other")
    options, console = parser.parse_args(), Console()
    with running_product(console) as environment:
        results = asyncio.run(measure(environment, options, console))
    console.print(f"\n{machine()}; {options.positions} positions, {options.changes:g} price changes a second")
    print_turns(console, results, options)


if __name__ == "__main__":
    main()
