"""A signal server as older bots know it, for demo and tests: token, snapshots that repeat, and trouble on demand."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

_quiet = logging.getLogger("signals_app.sources.frames")

Records = Callable[[], list[dict[str, Any]]]
AUTH_SECONDS = 5.0


@dataclass
class Trouble:
    """What the server does wrong from now on; changed from outside at any time."""

    refuses_everybody: bool = False
    is_silent: bool = False  # the socket stands, and answers pings, but tells nothing
    asks_for_nothing: bool = False  # it does not begin the handshake
    noise: list[str] = field(default_factory=list)  # frames sent before the next snapshot


class DemoServer:
    def __init__(self, token: str, records: Records, port: int = 0, repeat_seconds: float = 5.0) -> None:
        self.trouble, self.seen = Trouble(), Counter[str]()
        self._token, self._records, self._repeat_seconds = token, records, repeat_seconds
        self._port, self._lines = port, set[ServerConnection]()

    @property
    def port(self) -> int:
        return self._port

    @contextmanager
    def running(self, host: str = "127.0.0.1") -> Iterator[DemoServer]:
        with serve(self._converse, host, self._port, logger=_quiet) as server:
            self._port = server.socket.getsockname()[1]
            thread = threading.Thread(target=server.serve_forever, name="signal server", daemon=True)
            thread.start()
            try:
                yield self
            finally:
                self._end(server)
                thread.join()

    def _end(self, server: Server) -> None:
        server.shutdown()
        self.drop_all()

    def drop_all(self) -> None:
        """Without a closing frame, as a network does it."""
        for line in list(self._lines):
            with suppress(OSError):
                line.socket.shutdown(2)

    def _converse(self, line: ServerConnection) -> None:
        self.seen["connections"] += 1
        self._lines.add(line)
        try:
            if self._lets_in(line):
                self._tell(line)
        except (ConnectionClosed, TimeoutError):
            pass
        finally:
            self._lines.discard(line)

    def _lets_in(self, line: ServerConnection) -> bool:
        if self.trouble.asks_for_nothing:
            line.recv()
        _say(line, type="auth_required")
        given = _object(line.recv(timeout=AUTH_SECONDS))
        is_known = given.get("type") == "auth" and given.get("token") == self._token
        if not is_known or self.trouble.refuses_everybody:
            self.seen["refused"] += 1
            _say(line, type="auth_failed", message="invalid token")
            return False
        self.seen["signed in"] += 1
        _say(line, type="auth_success", query_interval=self._repeat_seconds, signal_window=60)
        return True

    def _tell(self, line: ServerConnection) -> None:
        while True:
            try:
                self._answer(line, _object(line.recv(timeout=self._repeat_seconds)))
            except TimeoutError:
                self._send_snapshot(line)

    def _answer(self, line: ServerConnection, asked: dict[str, Any]) -> None:
        kind = str(asked.get("type"))
        self.seen[kind] += 1
        if kind == "get_signals":
            self._send_snapshot(line)
        elif self.trouble.is_silent:
            return
        elif kind == "get_stats":
            _say(line, type="stats", connections=self.seen["connections"], signals=len(self._records()))
        elif kind == "ping":
            _say(line, type="pong")
        else:
            _say(line, type="error", message=f"unknown type {kind[:40]}")

    def _send_snapshot(self, line: ServerConnection) -> None:
        if self.trouble.is_silent:
            return
        while self.trouble.noise:
            line.send(self.trouble.noise.pop(0))
        records = self._records()
        _say(line, type="signals", count=len(records), data=records)


def _say(line: ServerConnection, **message: Any) -> None:
    line.send(json.dumps(message))


def _object(frame: str | bytes) -> dict[str, Any]:
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
