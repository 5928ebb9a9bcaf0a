"""An outside sender: knows the address and its token, nothing else of us."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from websockets.sync.client import ClientConnection, connect

from signals_app.models import SignalSender
from signals_app.tokens import new_token, token_hash
from tests.browser.server import WebServer
from tests.ops.waiting import until

SECONDS = 60.0  # only a failure waits so long


def a_sender(name: str = "charts", **values: Any) -> str:
    """Its token."""
    token = new_token()
    SignalSender.objects.create(name=name, token_hash=token_hash(token), **values)
    return token


def address(web: WebServer, query: str = "") -> str:
    return f"ws://127.0.0.1:{web.port}/ws/signals/{query}"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def hear(socket: ClientConnection) -> dict[str, Any]:
    return json.loads(socket.recv(timeout=SECONDS))


def ask(socket: ClientConnection, frame: Any) -> dict[str, Any]:
    socket.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))
    return hear(socket)


def is_known(web: WebServer, token: str) -> bool:
    with connect(address(web), additional_headers=bearer(token)) as socket:
        return hear(socket)["type"] == "auth_success"


def a_known_sender(web: WebServer, name: str = "charts", **values: Any) -> str:
    token = a_sender(name, **values)
    until(lambda: is_known(web, token), "the sender to be known")
    return token


@contextmanager
def connected(web: WebServer, name: str = "charts", **values: Any) -> Iterator[ClientConnection]:
    """Signed in; the web process has heard of the new sender first."""
    token = a_known_sender(web, name, **values)
    with connect(address(web), additional_headers=bearer(token)) as socket:
        assert hear(socket) == {"type": "auth_success", "sender": name}
        yield socket


def a_frame(number: int = 0, **changes: Any) -> dict[str, Any]:
    bar_time = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=number)
    return {"symbol": "NOSUCHUSDT", "message": f"TREND {number}", "bar_time": bar_time.isoformat()} | changes
