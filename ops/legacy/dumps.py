"""Dumps of old schemas and tables: taking them, reading them to their end, putting them back."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

from ops.legacy.client_programs import ClientPrograms
from ops.legacy.server import Server

DUMP, PLAIN = ".dump", ".sql"
WAIT_FOR_LOCKS = "--lock-wait-timeout=60s"
ONLY_SINCE_17 = b"SET transaction_timeout"  # newer programs write it for any server
HEAD_LINES = 60


def take(
    programs: ClientPrograms, server: Server, file: Path, wanted: Sequence[str], snapshot: str = ""
) -> None:
    at = [f"--snapshot={snapshot}"] if snapshot else []
    programs.run(
        server, "pg_dump", "--no-password", "--format=custom", WAIT_FOR_LOCKS, f"--file={file}", *at, *wanted
    )


def write_plain(programs: ClientPrograms, dump: Path, plain: Path) -> None:
    """Reads the dump to its end, which its list of contents alone does not."""
    programs.output_of("pg_restore", "--file", str(plain), str(dump))


def what_is_missing(programs: ClientPrograms, dump: Path, tables: Iterable[str]) -> list[str]:
    listed = programs.output_of("pg_restore", "--list", str(dump)).splitlines()
    have = {tuple(line.split("TABLE DATA ", 1)[1].split()[:2]) for line in listed if " TABLE DATA " in line}
    return [table for table in tables if tuple(table.split(".", 1)) not in have]


def put_back(
    programs: ClientPrograms,
    server: Server,
    dumps: Sequence[Path],
    before: Sequence[str] = (),
    after: Sequence[str] = (),
) -> None:
    """One transaction: without its last word, COMMIT, nothing has happened."""
    with programs.fed(
        server, "psql", "--no-psqlrc", "--no-password", "--quiet", "--set=ON_ERROR_STOP=1"
    ) as script:
        script.write("\n".join(["BEGIN;", *before, ""]).encode())
        for dump in dumps:
            _append(programs, dump, script)
        script.write("\n".join(["", *after, "COMMIT;", ""]).encode())


def _append(programs: ClientPrograms, dump: Path, script: IO[bytes]) -> None:
    with programs.reading("pg_restore", "--file=-", str(dump)) as plain:
        for line in islice(plain, HEAD_LINES):
            if not line.startswith(ONLY_SINCE_17):
                script.write(line)
        shutil.copyfileobj(plain, script, 1024 * 1024)
