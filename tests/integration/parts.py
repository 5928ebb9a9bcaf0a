"""Programs of the stack that a test may take away and give back."""

from __future__ import annotations

import json
import signal
import socket as sockets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError

import redis
from django.conf import settings

from ops.embedded.redis import EmbeddedRedis
from tests.forking import Process
from tests.ops.waiting import until
from tests.ports import free_port
from tests.trailing.processes import PaperProcess, child


class Part:
    """One process. It is ended politely, or killed as if the machine had failed."""

    def __init__(self, log: Path, *arguments: str, **environment: str) -> None:
        self._log, self._arguments, self._environment = log, arguments, environment
        self._life = ExitStack()
        self._process: Process | None = None

    def start(self) -> None:
        started = child(*self._arguments, log=self._log, **self._environment)
        self._process = self._life.enter_context(started)

    def stop(self) -> None:
        self._life.close()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL: nothing of it is flushed, said or handed over."""
        assert self._process is not None
        self._process.kill()
        with suppress(AssertionError):  # it did not end well, as intended
            self._life.close()

    @contextmanager
    def gone(self) -> Iterator[None]:
        self.kill()
        try:
            yield
        finally:
            self.start()


class Paper(PaperProcess):
    """The paper exchange at one address for the whole run; its accounts live in a file and survive it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        super().__init__(f"http://127.0.0.1:{self.port}")
        self.state, self.log = folder / "paper-state.json", folder / "paper-requests.jsonl"
        options = ["--port", str(self.port), "--state", str(self.state), "--log", str(self.log)]
        self._part = Part(folder / "paper-log", "-m", "exchanges.paper.server", *options)

    def start(self) -> None:
        self._part.start()
        until(self._pauses, "the paper exchange")

    def _pauses(self) -> bool:
        """Prices move only when a test says so."""
        try:
            self.hook("pause")
        except URLError:
            return False
        return True

    def stop(self) -> None:
        self._part.stop()

    def kill(self) -> None:
        self._part.kill()

    @property
    def is_running(self) -> bool:
        return self._part.is_running

    def logged(self) -> list[dict[str, Any]]:
        """Every request of the whole run, whatever was killed; a last line may be half."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    @contextmanager
    def gone(self) -> Iterator[None]:
        self.kill()
        try:
            yield
        finally:
            self.start()


class Redis:
    """A Redis for one stack alone, so that taking it away harms no other test."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedRedis(folder / "redis")
        self.url = self._server.url()
        program = self._server.program()
        self._part = Part(folder / "redis-log", *program.argv()[1:])

    def start(self) -> None:
        self._server.prepare()
        self._part.start()
        until(self._server.is_ready, "Redis")

    def kill(self) -> None:
        self._part.kill()

    @contextmanager
    def running(self) -> Iterator[Redis]:
        self.start()
        try:
            yield self
        finally:
            self._part.stop()

    @contextmanager
    def gone(self) -> Iterator[None]:
        self.kill()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It takes connections and says nothing."""
        self._part.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._part.signal(signal.SIGCONT)

    def marks(self) -> dict[str, str]:
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return client.hgetall(f"{settings.REDIS_PREFIX}:marks:binance")


def answers(port: int) -> bool:
    try:
        sockets.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
