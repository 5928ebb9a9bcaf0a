"""The paper exchange and the market process as children on the test database, and the queue they fill."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from celery import current_app

from tests.browser.server import _environment
from tests.forking import Process, start
from tests.ops.waiting import DEADLINE_SECONDS, until


class PaperProcess:
    def __init__(self, url: str) -> None:
        self.url = url

    def hook(self, name: str, /, **words: Any) -> None:
        body = json.dumps(words).encode()
        request = Request(f"{self.url}/paper/{name}", body, {"Content-Type": "application/json"})  # noqa: S310
        urlopen(request, timeout=5).close()  # noqa: S310

    def clear_faults(self) -> None:
        urlopen(Request(f"{self.url}/paper/faults", method="DELETE"), timeout=5).close()  # noqa: S310

    def set_price(self, symbol: str, price: object) -> None:
        self.hook("price", symbol=symbol, price=str(price))

    def tell_candles(self, symbol: str, rows: Sequence[Sequence[object]]) -> None:
        """[milliseconds, open, high, low, close] of minutes, a volume where it matters, instead of all from the first
        of them on."""
        self.hook("candles", symbol=symbol, rows=[[row[0], *map(str, row[1:])] for row in rows])


@contextmanager
def paper_process(folder: Path) -> Iterator[PaperProcess]:
    ready = folder / "paper-address"
    with child("-m", "exchanges.paper.server", "--ready-file", str(ready), log=folder / "paper-log"):
        until(lambda: ready.exists() and ready.read_text(), "the paper exchange's address")
        paper = PaperProcess(ready.read_text())
        paper.hook("pause")  # prices move only when a test says so
        yield paper


@contextmanager
def child(*arguments: str, log: Path, **environment: str) -> Iterator[Process]:
    """Ended by SIGTERM, and it must end well."""
    with log.open("ab") as screen:
        process = start(arguments, _environment() | environment, screen)
    try:
        yield process
    finally:
        process.terminate()
        try:
            status = process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert status in (0, -15), log.read_text()


def take_hints(queue: str = "trailing") -> list[tuple[str, list[Any]]]:
    """The tasks that wait in a queue of the broker, and their arguments; the queue is empty afterwards."""
    found = []
    with current_app.connection_for_read() as connection:
        channel = connection.default_channel
        channel.queue_declare(queue, durable=True)
        while (message := channel.basic_get(queue, no_ack=True)) is not None:
            arguments, *_ = json.loads(message.body)
            found.append((message.headers["task"], arguments))
    return found
