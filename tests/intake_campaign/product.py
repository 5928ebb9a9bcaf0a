"""The product as its owner starts it, on servers of its own, and a second process that reads signals."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import psutil
from dotenv import dotenv_values

from ops.data_folder import DataFolder
from ops.leftovers import ChildRecord
from tests.ops.waiting import until
from tests.ports import free_port

OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "PAPER_EXCHANGE_URL",
    "SECRET_KEY",
    "FIELD_KEYS",
    "DRY_RUN",
    "REDIS_PREFIX",
)
START_SECONDS = 300.0
STOP_SECONDS = 90.0


class Product:
    def __init__(self, folder: Path) -> None:
        self.folder = DataFolder(folder / "data")
        self.port, self.doors_port = free_port(), free_port()
        self.screen = folder / "screen"
        self._second_log = folder / "second"
        self.second: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[Product]:
        command = ["manage.py", "up", "--no-demo", "--port", str(self.port)]
        command += ["--signals-port", str(self.doors_port), "--data", str(self.folder.path)]
        env = {name: value for name, value in os.environ.items() if name not in OURS}
        with ExitStack() as life:
            life.callback(self._end_second)
            life.enter_context(_process(command, env, self.screen))
            until(self.answers, f"the product to start; read {self.screen}", START_SECONDS)
            os.environ.update(self.environment())
            yield self

    def environment(self) -> dict[str, str]:
        return {
            name: value or "" for name, value in dotenv_values(self.folder.run_env, interpolate=False).items()
        }

    def answers(self) -> bool:
        with suppress(OSError), urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2):
            return "Ctrl-C" in self.screen.read_text()
        return False

    def start_second(self) -> None:
        """Beside the reader of signals that the launcher keeps alive."""
        if self.second is None or self.second.poll() is not None:
            with self._second_log.open("ab") as screen:
                self.second = subprocess.Popen(
                    [sys.executable, "manage.py", "run_signals"],
                    env=os.environ | self.environment(),
                    stdout=screen,
                    stderr=screen,
                )

    def kill(self, name: str) -> bool:
        """False where it is not up just now."""
        process = self._process_of(name)
        if process is None:
            return False
        with suppress(psutil.Error):
            process.kill()
            process.wait(20)
        return True

    def _process_of(self, name: str) -> psutil.Process | None:
        if name == "second":
            return psutil.Process(self.second.pid) if self.second and self.second.poll() is None else None
        row = ChildRecord(self.folder.children)._read().get(name)
        with suppress(psutil.Error, TypeError, KeyError):
            return psutil.Process(int(str((row or {})["pid"])))
        return None

    def _end_second(self) -> None:
        if self.second and self.second.poll() is None:
            self.second.terminate()
            self.second.wait(STOP_SECONDS)


@contextmanager
def _process(command: list[str], env: dict[str, str], screen: Path) -> Iterator[None]:
    with screen.open("wb") as out:
        process = subprocess.Popen([sys.executable, *command], env=env, stdout=out, stderr=out)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
