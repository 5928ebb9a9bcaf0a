"""A program we start: how, as whom, and how it is asked to end."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


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
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15
    orphan_signal: signal.Signals = signal.SIGKILL  # what it gets when the supervisor is killed
    before_start: Callable[[], None] = _nothing
    is_ready: Callable[[], bool] = _always
    ready_seconds: float = 60

    def spawn_options(self) -> dict[str, Any]:
        """Keywords for subprocess.Popen and asyncio.create_subprocess_exec alike."""
        options: dict[str, Any] = {
            "env": {**os.environ, **self.env},
            "cwd": self.cwd,
            "start_new_session": True,  # Ctrl-C is for the supervisor, which stops all in order
            "preexec_fn": _follow_parent(self.orphan_signal),
        }
        if self.run_as:
            options |= {"user": self.run_as.uid, "group": self.run_as.gid, "extra_groups": []}
        return options


def _follow_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """Linux ends the child when its parent dies; elsewhere the next start clears up (ops.leftovers)."""
    if _libc is None:
        return None
    libc, parent = _libc, os.getpid()

    def ask_the_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:
            os._exit(1)  # the parent died in between

    return ask_the_kernel
