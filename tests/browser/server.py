"""The real web process on the test database: a child of its own that can be stopped, frozen and started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from urllib.parse import urlsplit, urlunsplit

from django.db import connection

from ops.children import Children
from tests.forking import Process, start
from tests.ports import free_port
from tradingbot.environment import BASE_DIR

DOORS, QUICK_DOORS = "tradingbot.asgi_doors:application", "tests.signals_app.quick_doors:application"
START_SECONDS = 60  # on a machine that is busy with other tests


class WebServer:
    program = "web"

    def __init__(self, log_file: str, *options: str, **environment: str) -> None:
        self._options, self._environment = options, environment
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self._log_file = log_file
        self._process: Process | None = None

    def start(self) -> None:
        environment = _environment() | self._environment
        with open(self._log_file, "ab") as log:
            self._process = start([*self._command(environment), *self._options], environment, log)
        self._await_answer()

    def _command(self, environment: dict[str, str]) -> list[str]:
        program = getattr(Children(BASE_DIR, environment), self.program)("127.0.0.1", self.port)
        return list(program.command[1:])

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._process.wait(60)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def revive(self) -> None:
        if self._process.poll() is None:
            self.thaw()
        else:
            self.start()

    def stop(self) -> None:
        if self._process.poll() is None:
            self.thaw()
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()

    def _signal(self, number: int) -> None:
        self._process.send_signal(number)

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
                return
            except OSError:
                time.sleep(0.05)
        with open(self._log_file) as log:
            raise AssertionError(f"the web process does not answer:\n{log.read()}")


class DoorsServer(WebServer):
    """The doors for signals alone."""

    program = "doors"

    def _command(self, environment: dict[str, str]) -> list[str]:
        return [QUICK_DOORS if word == DOORS else word for word in super()._command(environment)]


def _environment() -> dict[str, str]:
    parts = urlsplit(os.environ["DATABASE_URL"])
    url = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
    return os.environ | {"DATABASE_URL": url, "DEBUG": "false"}
