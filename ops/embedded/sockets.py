"""Where a server's unix socket lives: beside its data, or in a short folder when that path would not do."""

from __future__ import annotations

import os
import re
import tempfile
from hashlib import sha256
from pathlib import Path

from ops.program import CannotStart, RunAs

LONGEST_SOCKET_PATH = 100  # Linux allows 107 characters, macOS 103
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432.lock")
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")  # what every client library reads without quoting


def socket_folder(data: Path, run_as: RunAs | None) -> Path:
    text = str(data)
    if PLAIN_PATH.fullmatch(text) and len(text) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH:
        return data
    return _short_folder(sha256(text.encode()).hexdigest()[:12], run_as)


def _short_folder(name: str, run_as: RunAs | None) -> Path:
    base = Path(tempfile.gettempdir())
    if not PLAIN_PATH.fullmatch(str(base)) or len(str(base)) > 60:
        base = Path("/tmp")  # noqa: S108  (the folder below is ours alone, and checked)
    folder = base / f"tradingbot-{os.geteuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    _refuse_a_strangers(folder, run_as)
    if run_as:
        os.chown(folder, run_as.uid, run_as.gid)
    return folder


def _refuse_a_strangers(folder: Path, run_as: RunAs | None) -> None:
    owner = folder.lstat().st_uid
    if folder.is_symlink() or owner not in {os.geteuid(), run_as.uid if run_as else os.geteuid()}:
        raise CannotStart(
            f"{folder} belongs to somebody else; remove it, or set TMPDIR to a folder of yours."
        )
