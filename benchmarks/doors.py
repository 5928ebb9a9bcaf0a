"""`python -m benchmarks.doors`: signals through the real socket and the real webhook, until durable and answered.

The web process is started as `manage.py up` starts it; beside it a bare application on the same server with one commit
for each message. Both take turns, message by message where the time of an answer is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import websockets
from aiohttp import ClientSession, ClientTimeout
from rich.console import Console
from rich.table import Table

from benchmarks.intake import prepare
from benchmarks.report import machine, p99
from benchmarks.stores import own_stores
from ops.children import Children
from ops.ports import free_port, is_listening
from ops.verification.frames import frame

BASE = Path(__file__).resolve().parent.parent
START_SECONDS = 60
AHEAD = 1000  # frames that are sent before an answer is awaited
CALLERS = 8  # of the webhook at a time
PRODUCT, FLOOR = "tradingbot.asgi:application", "benchmarks.door_floor:application"


@dataclass
class Door:
    port: int
    token: str = ""
    rates: dict[str, list[float]] = field(default_factory=dict)  # messages a second, one for each round
    answers: dict[str, list[float]] = field(default_factory=dict)  # milliseconds

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}

    @contextmanager
    def timed(self, what: str, count: int) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.rates.setdefault(what, []).append(count / (time.perf_counter() - began))

    async def answered(self, what: str, act: Callable[[], Awaitable[str | bytes]]) -> None:
        began = time.perf_counter()
        said = await act()
        assert "log_id" in str(said), said
        self.answers.setdefault(what, []).append((time.perf_counter() - began) * 1000)


@contextmanager
def serving(application: str) -> Iterator[int]:
    port, environment = free_port(), dict(os.environ)
    command = [
        application if word == PRODUCT else word
        for word in Children(BASE, environment).web("127.0.0.1", port).command
    ]
    process = subprocess.Popen(command, cwd=BASE, env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_listening("127.0.0.1", port):
            is_starting = process.poll() is None and time.monotonic() < deadline
            assert is_starting, f"{application} does not answer"
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def a_sender() -> str:
    from signals_app.models import SignalSender
    from signals_app.tokens import new_token, token_hash

    token = new_token()
    SignalSender.objects.create(name="bench", token_hash=token_hash(token), rate_per_minute=0)
    return token


async def socket_rate(door: Door, count: int) -> None:
    frames = [frame() for _ in range(count)]
    async with _Socket(door) as socket:
        with door.timed("socket", count):
            for number, one in enumerate(frames):
                await socket.send(one)
                if number >= AHEAD:
                    await socket.recv()
            for _ in range(min(count, AHEAD)):
                await socket.recv()


class _Socket:
    """Signed in where the door asks for it."""

    def __init__(self, door: Door) -> None:
        address = f"ws://127.0.0.1:{door.port}/ws/signals/"
        self._asks = bool(door.token)
        self._connecting = websockets.connect(address, additional_headers=door.headers, compression=None)

    async def __aenter__(self) -> websockets.ClientConnection:
        socket = await self._connecting.__aenter__()
        if self._asks:
            assert "auth_success" in str(await socket.recv())
        return socket

    async def __aexit__(self, *error: object) -> None:
        await self._connecting.__aexit__(*error)  # type: ignore[arg-type]


async def webhook_rate(door: Door, http: ClientSession, count: int) -> None:
    frames = iter([frame() for _ in range(count)])

    async def caller() -> None:
        for one in frames:
            await _post(door, http, one)

    with door.timed("webhook", count):
        await asyncio.gather(*(caller() for _ in range(CALLERS)))


async def _post(door: Door, http: ClientSession, body: str) -> str:
    url = f"http://127.0.0.1:{door.port}/webhook/bench/"
    async with http.post(url, data=body, headers=door.headers) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.text()


async def answer_times(doors: list[Door], http: ClientSession, options: argparse.Namespace) -> None:
    """By turns and evenly in time: the sockets at one rate, the webhooks at another."""
    async with _Socket(doors[0]) as first, _Socket(doors[1]) as second:
        for _ in range(options.answers):
            for door, socket in zip(doors, (first, second), strict=True):

                async def ask(socket: websockets.ClientConnection = socket) -> str | bytes:
                    await socket.send(frame())
                    return await socket.recv()

                await door.answered("socket", ask)
                await asyncio.sleep(0.5 / options.socket_rate)
    for _ in range(options.answers):
        for door in doors:
            await door.answered("webhook", lambda door=door: _post(door, http, frame()))  # type: ignore[misc]
            await asyncio.sleep(0.5 / options.webhook_rate)


async def measure(doors: list[Door], options: argparse.Namespace) -> None:
    async with ClientSession(timeout=ClientTimeout(30)) as http:
        for turn in range(options.rounds + 1):
            for door in doors:
                await socket_rate(door, options.frames)
                await webhook_rate(door, http, options.frames // 10)
                if turn == 0:
                    door.rates.clear()  # it was cold
        await answer_times(doors, http, options)


def print_rates(console: Console, product: Door, floor: Door) -> None:
    table = Table("door", "signals/s", "floor, one commit each", "x floor")
    for what, label in (
        ("socket", "one socket, frames sent ahead"),
        ("webhook", f"webhook, {CALLERS} callers"),
    ):
        ours, least = median(product.rates[what]), median(floor.rates[what])
        table.add_row(label, f"{ours:,.0f}", f"{least:,.0f}", f"{ours / least:.2f}")
    console.print(table)


def print_answers(console: Console, product: Door, floor: Door, options: argparse.Namespace) -> None:
    table = Table("answer", "n", "median ms", "p99 ms", "floor median", "floor p99", "x median", "x p99")
    for what, rate in (("socket", options.socket_rate), ("webhook", options.webhook_rate)):
        ours, least = product.answers[what], floor.answers[what]
        figures = [median(ours), p99(ours), median(least), p99(least)]
        ratios = [figures[0] / figures[2], figures[1] / figures[3]]
        cells = [f"{value:.2f}" for value in figures] + [f"{value:.1f}" for value in ratios]
        table.add_row(f"{what}, {rate:g}/s", str(len(ours)), *cells)
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.doors")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--frames", type=int, default=5000, help="over the socket in a round; a tenth by HTTP"
    )
    parser.add_argument("--answers", type=int, default=500, help="timed answers of each door")
    parser.add_argument("--socket-rate", type=float, default=100.0)
    parser.add_argument("--webhook-rate", type=float, default=50.0)
    options, console = parser.parse_args(), Console()
    with own_stores(), ExitStack() as stack:
        prepare()
        token = a_sender()
        ports = [stack.enter_context(serving(application)) for application in (PRODUCT, FLOOR)]
        product, floor = Door(ports[0], token), Door(ports[1])
        asyncio.run(measure([product, floor], options))
    console.print(f"\n{machine()}\n[bold]Signal sent → durable and answered[/bold]")
    print_rates(console, product, floor)
    print_answers(console, product, floor, options)


if __name__ == "__main__":
    main()
