"""The product itself, started by its own command in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

from dotenv import dotenv_values
from rich.console import Console

BASE = Path(__file__).resolve().parent.parent
DATA = BASE / "var" / "bench"
START_SECONDS = 300


@contextmanager
def running_product(console: Console) -> Iterator[dict[str, str]]:
    """Yields the environment that reaches its servers, and makes Django use it."""
    command = [sys.executable, "manage.py", "up", "--no-demo", "--port", "0", "--fresh", "--data", str(DATA)]
    DATA.mkdir(parents=True, exist_ok=True)
    output = (DATA.parent / "bench.log").open("wb")
    process = subprocess.Popen(command, cwd=BASE, stdout=output, stderr=subprocess.STDOUT)
    try:
        with console.status("starting the product"):
            environment = _await_start(process)
        os.environ.update(environment, DJANGO_SETTINGS_MODULE="tradingbot.settings")
        yield environment
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        output.close()


def _await_start(process: subprocess.Popen[bytes]) -> dict[str, str]:
    """The page answers last of all."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        environment = {
            name: value or "" for name, value in dotenv_values(DATA / "run.env", interpolate=False).items()
        }
        with suppress(OSError):
            if "WEB_URL" in environment and urlopen(f"{environment['WEB_URL']}/readyz", timeout=2):  # noqa: S310
                return environment
        time.sleep(0.1)
    raise SystemExit(f"The product did not start; its last words are in {DATA.parent / 'bench.log'}.")
