"""Starts programs of ours by `tests.forked_python`, and waits for them as `subprocess` does."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from select import select
from typing import IO

from tradingbot.environment import BASE_DIR


class _Forker:
    """One for this test process."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        self._asking = threading.Lock()
        command = [sys.executable, "-m", "tests.forked_python", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command, cwd=BASE_DIR, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
            )
        atexit.register(self.end)

    def start(self, wanted: object, standard: Sequence[int]) -> tuple[int, socket.socket]:
        """The number of the new process, and the line on which its end is told."""
        line, theirs = socket.socketpair()
        text = json.dumps(wanted).encode() + b"\n"
        with self._asking, theirs:
            sent = socket.send_fds(self._control, [text], [*standard, theirs.fileno()])
            self._control.sendall(text[sent:])
            told = line.recv(100)
        if not told:
            raise RuntimeError("tests.forked_python has ended")
        return int(told), line

    def end(self) -> None:
        self._control.close()
        self._process.wait(10)


_forker = cache(_Forker)


class Forked:
    """What `subprocess.Popen` says and does, as far as tests need it."""

    returncode: int | None = None

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        stdout: IO[bytes],
        stderr: IO[bytes],
        typed: str = "",
    ) -> None:
        self.args = list(arguments)
        wanted = {"arguments": self.args, "environment": dict(environment)}
        with tempfile.TemporaryFile() as stdin:
            stdin.write(typed.encode())
            stdin.seek(0)
            standard = [stdin.fileno(), stdout.fileno(), stderr.fileno()]
            self.pid, self._line = _forker().start(wanted, standard)

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            ready, _, _ = select([self._line], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            with self._line:
                self.returncode = int(self._line.recv(100))
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


Process = Forked | subprocess.Popen[bytes]


def start(arguments: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> Process:
    """Other options of Python itself are for one that starts anew."""
    if arguments[0] in ("-m", "-c") or not arguments[0].startswith("-"):
        return Forked(arguments, environment, log, log)
    return subprocess.Popen([sys.executable, *arguments], env=environment, stdout=log, stderr=log)


def run(
    arguments: Sequence[str], environment: Mapping[str, str], typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """To its end, and what it said."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = Forked(arguments, environment, out, err, typed)
        status = process.wait()
        said = [_read(file) for file in (out, err)]
    return subprocess.CompletedProcess(process.args, status, *said)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
