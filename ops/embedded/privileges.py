"""PostgreSQL refuses to run as root; a start as root gives it an account, its data, and a way to them."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from functools import cache
from pathlib import Path

from ops.program import CannotStart, RunAs

ACCOUNT = "embedded_postgres"


@cache
def postgres_account() -> RunAs | None:
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        entry = _create_account()
    return RunAs(entry.pw_uid, entry.pw_gid)


def _create_account() -> pwd.struct_passwd:
    try:
        subprocess.run(["useradd", "--system", "--user-group", ACCOUNT], check=True, capture_output=True)
        return pwd.getpwnam(ACCOUNT)
    except (OSError, subprocess.CalledProcessError, KeyError):
        raise CannotStart(
            f"PostgreSQL does not run as root and the account {ACCOUNT} could not be made; "
            "start as a normal user, or set DATABASE_URL."
        ) from None


def own(path: Path, run_as: RunAs | None) -> None:
    if run_as:
        os.chown(path, run_as.uid, run_as.gid)


def open_the_way(data: Path, program: Path) -> None:
    """Let the account walk to its data and read its own program; no folder becomes listable."""
    for target in (data.resolve(), program.resolve()):
        for folder in target.parents:
            _allow(folder, stat.S_IXOTH)
    if not program.stat().st_mode & stat.S_IXOTH:
        for path in [*program.parents[1].rglob("*"), program.parents[1]]:
            _allow(path, stat.S_IROTH | (stat.S_IXOTH if path.stat().st_mode & stat.S_IXUSR else 0))


def _allow(path: Path, bits: int) -> None:
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(stat.S_IMODE(mode) | bits)
