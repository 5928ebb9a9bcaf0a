"""A program we start: how, as whom, and how it is asked to end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PARENTED = Path(__file__).with_name("parented.py")


class CannotStart(Exception):
    """The start ends here; the text is one sentence that says what to do next."""


@dataclass(frozen=True)
class RunAs:
    """An unprivileged user, for servers that refuse to run as root."""

    uid: int
    gid: int


def _nothing() -> None:
    return None


def _always() -> bool:
    return True


@dataclass(frozen=True)
class Program:
    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: Path | None = None
    run_as: RunAs | None = None
    quiet: bool = False  # its lines go to its log only
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15
    orphan_signal: signal.Signals = signal.SIGKILL  # what it gets when the supervisor is killed
    before_start: Callable[[], None] = _nothing
    is_ready: Callable[[], bool] = _always
    ready_seconds: float = 60

    def argv(self) -> list[str]:
        """The command behind a few lines that tie its life to ours."""
        account = f"{self.run_as.uid}:{self.run_as.gid}" if self.run_as else "-"
        tie = [str(int(self.orphan_signal)), account, str(os.getpid())]
        return [sys.executable, "-I", "-S", str(PARENTED), *tie, *self.command]

    def spawn_options(self) -> dict[str, Any]:
        """Keywords for subprocess.Popen and asyncio.create_subprocess_exec alike."""
        # a session of its own: Ctrl-C is for the supervisor, which stops all in order
        return {"env": {**os.environ, **self.env}, "cwd": self.cwd, "start_new_session": True}
