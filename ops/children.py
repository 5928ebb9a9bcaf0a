"""The programs of a run and their commands."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from ops.ports import is_listening
from ops.program import Program

MODES = ("all", "web", "doors", "worker", "beat", "intake", "signals", "market", "notify", "paper")
PAPER_HOST = "127.0.0.1"
PAPER_HISTORY_MINUTES = 3600  # 240 quarters of an hour: forecasts look back on 200


@dataclass(frozen=True)
class Children:
    """Builds programs that share one environment and one checkout."""

    base: Path
    env: Mapping[str, str]

    def paper(self, port: int, state: Path) -> Program:
        """PAPER_SPEED and PAPER_STARTING_BALANCE, where configured, replace its own defaults."""
        state.mkdir(parents=True, exist_ok=True)
        command = ["paper_exchange", "--port", str(port), "--state", str(state / "state.json")]
        command += ["--log", str(state / "requests.jsonl"), "--history", str(PAPER_HISTORY_MINUTES)]
        for option, name in (("--speed", "PAPER_SPEED"), ("--balance", "PAPER_STARTING_BALANCE")):
            command += [option, self.env[name]] if self.env.get(name) else []
        return self._manage("paper", *command, is_ready=lambda: is_listening(PAPER_HOST, port))

    def web(self, host: str, port: int) -> Program:
        return self._served("web", "tradingbot.asgi:application", host, port)

    def doors(self, host: str, port: int) -> Program:
        return self._served("doors", "tradingbot.asgi_doors:application", host, port)

    def _served(self, name: str, application: str, host: str, port: int) -> Program:
        command = ["uvicorn", application, "--host", host, "--port", str(port)]
        command += ["--ws", "websockets-sansio", "--ws-max-size", "1048576"]
        # messages are small and many: to compress them cost a quarter of all that watching costs
        command += ["--ws-per-message-deflate", "false"]
        command += ["--loop", "uvloop", "--no-access-log", self._proxies()]
        command += ["--timeout-graceful-shutdown", "5"]
        return self._module(name, *command, is_ready=lambda: _answers(host, port))

    def _proxies(self) -> str:
        """Nobody's word about addresses and https is believed, unless TRUSTED_PROXIES names who may say it."""
        return f"--forwarded-allow-ips={self.env.get('TRUSTED_PROXIES', '')}"

    def workers(self) -> list[Program]:
        """Orders and stops never wait behind sweeps, and the sweeps that act never behind those that ask."""
        quick = ["-Q", "orders,trailing", "-c", "8", "-n", "orders@%h", "--prefetch-multiplier", "1"]
        slow = ["-Q", "sweeps", "-c", "6", "-n", "sweeps@%h"]
        asking = ["-Q", "reconcile,forecasts", "-c", "4", "-n", "reconcile@%h"]
        return [
            self._worker("worker", *quick),
            self._worker("sweeps", *slow),
            self._worker("reconcile", *asking),
        ]

    def beat(self) -> Program:
        return self._celery("beat", "beat", "-l", "WARNING")

    def market(self) -> Program:
        return self._manage("market", "watch_market")

    def intake(self) -> Program:
        return self._manage("intake", "run_signals")

    def notify(self) -> Program:
        return self._manage("notify", "send_notifications")

    def signals(self) -> Program:
        return self._manage("signals", "send_demo_signals")

    def demo(self) -> Program:
        """As `signals`, but the first minute comes before them."""
        return self._manage("signals", "show_demo")

    def step(self, *command: str) -> Program:
        return self._manage(command[0], *command)

    def _worker(self, name: str, *options: str) -> Program:
        common = ["-P", "threads", "--without-gossip", "--without-mingle", "-l", "INFO"]
        return self._celery(name, "worker", *common, *options)

    def _celery(self, name: str, *command: str) -> Program:
        # its warning about root is about pickled messages, and ours are JSON
        hushed = ["-W", "ignore::UserWarning:celery.platforms"]
        return self._program(name, *hushed, "-m", "celery", "-q", "-A", "tradingbot", *command)

    def _manage(self, name: str, *command: str, **options: object) -> Program:
        return self._program(name, str(self.base / "manage.py"), *command, **options)

    def _module(self, name: str, *command: str, **options: object) -> Program:
        return self._program(name, "-m", *command, **options)

    def _program(self, name: str, *command: str, **options: object) -> Program:
        return Program(name, [sys.executable, *command], self.env, self.base, **options)  # type: ignore[arg-type]


def _answers(host: str, port: int) -> bool:
    """Any answer will do: a login page is as good as the page itself."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
    try:
        with urlopen(f"http://{shown}:{port}/healthz", timeout=2):
            return True
    except OSError as error:
        return getattr(error, "code", 0) > 0
