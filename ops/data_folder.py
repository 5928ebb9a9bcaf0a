"""The folder with everything a run keeps (var/), and the lock that says whose run it is."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ops.program import CannotStart

LOCK = "up.lock"


@dataclass(frozen=True)
class DataFolder:
    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "log"

    @property
    def keys(self) -> Path:
        return self.path / "keys.env"

    @property
    def run_env(self) -> Path:
        return self.path / "run.env"

    @property
    def children(self) -> Path:
        return self.path / "children.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """The kernel lets the lock go when we die, however that happens."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / LOCK).open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CannotStart(self._who_holds_it()) from None
            _say_whose(lock.fileno())
            self.logs.mkdir(exist_ok=True)
            yield

    def forget_all(self) -> None:
        """Start from nothing; the lock is held, so no run uses what goes."""
        for entry in self.path.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != LOCK:
                entry.unlink()
        self.logs.mkdir()

    def holder(self) -> dict[str, object]:
        """Who held it last, as it said itself; empty where nobody ever did."""
        try:
            return dict(json.loads((self.path / LOCK).read_text()))
        except (ValueError, TypeError, OSError):
            return {}

    def _who_holds_it(self) -> str:
        holder = self.holder()
        who = f"process {holder['pid']}, since {holder['since']}" if holder else "another process"
        return (
            f"{self.path} is in use by another run ({who}); stop that one first, "
            "or start a second one beside it with --data and --port."
        )


def _say_whose(descriptor: int) -> None:
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps({"pid": os.getpid(), "since": since}).encode())


def write_private(path: Path, text: str) -> None:
    """Readable by the owner only, and whole or not at all."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
    unfinished.replace(path)
