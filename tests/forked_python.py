"""Programs of ours as processes of their own, forked from one that has read the libraries already: to read them anew
takes longer than most of what a test wants of such a process. What is ours, settings first, is read after the fork.

`python -m tests.forked_python NUMBER` is the one they are forked from; its client is `tests.forking`."""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import sys
import threading
from contextlib import suppress
from importlib import import_module
from select import select
from typing import Any

LIBRARIES = (
    "aiohttp.web", "celery.apps.beat", "celery.apps.worker", "celery.bin.celery", "celery.concurrency.thread",
    "channels.generic.websocket", "channels_redis.core", "cryptography.fernet", "django.contrib.admin.sites",
    "django.core.management.commands.migrate", "django.core.serializers.json", "django.db.backends.postgresql.base",
    "django.db.models", "django.forms", "django.template.loader_tags", "django.test.signals", "django.views.generic",
    "exchanges.ccxt_of_our_venues", "kombu.transport.redis", "psutil", "psycopg_pool", "pydantic_settings",
    "redis.asyncio", "rich.console", "uvicorn.main", "websockets.asyncio.client", "yaml",
)  # fmt: skip
LARGEST = 1_000_000
STANDARD = 3  # stdin, stdout, stderr


class Forker:
    """Tells each client, on a line of its own, the number of its process and later how it ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._lines: dict[int, socket.socket] = {}
        self._ended, self._woken = os.pipe()
        os.set_blocking(self._woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._woken)

    def serve(self) -> list[str] | None:
        """Returns in each forked process, with what it shall run, and when nobody is left to ask."""
        while True:
            ready, _, _ = select([self._control, self._ended], [], [])
            if self._ended in ready:
                os.read(self._ended, 4096)
                self._bury()
            if self._control in ready:
                text, fds = self._hear()
                if not text or (arguments := self._fork(json.loads(text), fds)) is not None:
                    return arguments if text else None

    def _hear(self) -> tuple[bytes, list[int]]:
        text, fds, _, _ = socket.recv_fds(self._control, LARGEST, STANDARD + 1)
        while text and not text.endswith(b"\n"):
            text += self._control.recv(LARGEST)
        return text, fds

    def _fork(self, wanted: dict[str, Any], fds: list[int]) -> list[str] | None:
        *standard, line = fds
        if pid := os.fork():
            self._lines[pid] = socket.socket(fileno=line)
            self._lines[pid].send(f"{pid}\n".encode())
            for fd in standard:
                os.close(fd)
            return None
        self._become(wanted, fds)
        arguments: list[str] = wanted["arguments"]
        return arguments

    def _become(self, wanted: dict[str, Any], fds: list[int]) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, fd in enumerate(fds[:STANDARD]):
            os.dup2(fd, number)
        for mine in (self._control, *self._lines.values()):
            mine.close()
        for fd in (self._ended, self._woken, *fds):
            os.close(fd)
        os.environ.clear()
        os.environ.update(wanted["environment"])

    def _bury(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                with self._lines.pop(pid) as line, suppress(OSError):
                    line.send(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def run(arguments: list[str]) -> None:
    """As `python ARGUMENTS` does."""
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


def status_of(arguments: list[str]) -> int:
    """Ends as Python does, but takes nothing apart: that would copy all that is shared."""
    status = 0
    try:
        run(arguments)
    except SystemExit as ending:
        status = _status(ending.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _status(code: object) -> int:
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1


def main() -> None:
    for name in LIBRARIES:
        import_module(name)
    gc.freeze()  # nobody goes through them again, so they stay shared
    arguments = Forker(socket.socket(fileno=int(sys.argv[1]))).serve()
    if arguments is not None:
        os._exit(status_of(arguments))


if __name__ == "__main__":
    main()
