"""The doors' own process is killed amid a sender's signals: each is decided once and its order is sent once, and the
pages know nothing of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from exchanges.paper.demo import DEMO_PRICES
from ops.children import Children
from positions.models import Position
from signals_app.models import SignalLog, SignalLogEntry
from tests.integration.parts import Part, answers
from tests.integration.stack import START_SECONDS, Stack, Trader
from tests.ops.waiting import until
from tests.ports import free_port
from tradingbot.environment import BASE_DIR


class Doors(Part):
    def __init__(self, folder: Path, stack: Stack) -> None:
        self.port = free_port()
        command = Children(BASE_DIR, {}).doors("127.0.0.1", self.port).command[1:]
        super().__init__(folder / "doors-log", *command, PAPER_EXCHANGE_URL=stack.paper.url)

    def start(self) -> None:
        super().start()
        until(lambda: answers(self.port), "the doors", START_SECONDS)


@pytest.fixture
def doors(stack: Stack, transactional_db, tmp_path: Path) -> Iterator[Doors]:
    made = Doors(tmp_path, stack)
    made.start()
    yield made
    made.stop()


def signed_in(doors: Doors, trader: Trader) -> ClientConnection:
    made: list[ClientConnection] = []

    def is_signed_in() -> bool:
        headers = {"Authorization": f"Bearer {trader.token}"}
        try:
            socket = connect(f"ws://127.0.0.1:{doors.port}/ws/signals/", additional_headers=headers)
        except (OSError, WebSocketException):
            return False
        made.append(trader.lines.enter_context(socket))
        return json.loads(socket.recv(timeout=60))["type"] == "auth_success"

    until(is_signed_in, "the sender to be known")
    return made[-1]


def heard_to_the_end(socket: ClientConnection) -> list[str | bytes]:
    told = []
    with suppress(ConnectionClosed):
        while True:
            told.append(socket.recv(timeout=60))
    return told


def frame_of(symbol: str) -> str:
    return json.dumps({"symbol": symbol, "message": "GO LONG", "bar_time": datetime.now(UTC).isoformat()})


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_killed_doors_lose_nothing_and_double_nothing(trader: Trader, doors: Doors) -> None:
    socket, uids = signed_in(doors, trader), set()
    for number, symbol in enumerate(DEMO_PRICES):
        frame = frame_of(symbol)
        socket.send(frame)
        if number % 2 == 0:
            doors.kill()  # before it was read, amid its commit, or after it: by chance
            assert len(heard_to_the_end(socket)) <= 1, "an answer or none, and then the end"
            assert answers(trader.stack.port), "the pages stand beside it"
            doors.start()
            socket = signed_in(doors, trader)
            socket.send(frame)
        uids.add(json.loads(socket.recv(timeout=60))["uid"])
    assert set(SignalLog.objects.values_list("uid", flat=True)) == uids
    assert SignalLogEntry.objects.filter(status="opened").count() == len(DEMO_PRICES)
    all_open = Position.objects.filter(status="open")
    trader.run("positions.tasks.submit_due")  # a hint may have died with its process
    until(lambda: all_open.count() == len(DEMO_PRICES), "all of them to be open", 60)
    assert Position.objects.count() == len(DEMO_PRICES)
    entries = [line for line in trader.order_requests() if line["params"].get("type") == "MARKET"]
    assert len(entries) == len(DEMO_PRICES)
