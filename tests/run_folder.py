"""Where the servers of a test run keep their files: gone with the run, and what a killed one left, with the next."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX, OWNER = "tb-test-", "owner"


@contextmanager
def run_folder(where: Path | None = None) -> Iterator[Path]:
    """The kernel lets the lock go when its run dies, however that happens."""
    where = where or Path(tempfile.gettempdir())
    _forget_left(where)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=where))
    with (folder / "no-owner-yet").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        Path(lock.name).rename(folder / OWNER)  # nobody finds it before it is locked
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _forget_left(where: Path) -> None:
    for owner in where.glob(f"{PREFIX}*/{OWNER}"):
        with suppress(OSError), owner.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(owner.parent, ignore_errors=True)
