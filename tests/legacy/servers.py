"""The product's own view of a test's database, and its commands run in one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ops.legacy.server import Server
from tests.forking import run

ROOT = Path(__file__).resolve().parents[2]


def server_at(address: str, **options: str) -> Server:
    return Server({**conninfo_to_dict(address), **options})  # type: ignore[dict-item]


def manage(
    address: str, *words: object, typed: str = "", before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    command, environment = (
        [str(ROOT / "manage.py"), *map(str, words)],
        {**os.environ, "DATABASE_URL": address},
    )
    if before is None:
        return run(command, environment, typed)
    return subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, preexec_fn=before
    )


def done(address: str, *words: object, typed: str = "") -> list[str]:
    """What it said, where it ended well."""
    run = manage(address, *words, typed=typed)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout.splitlines()


def refused(address: str, *words: object, typed: str = "") -> str:
    """In one sentence, and with status 1."""
    run = manage(address, *words, typed=typed)
    assert run.returncode == 1, run.stdout + run.stderr
    assert run.stderr.strip().count("\n") == 0, run.stderr
    return run.stderr.strip()


def bytes_of_tables(cursor: psycopg.Cursor) -> dict[str, list[bytes]]:
    """Every row of the old schemas, as COPY writes it."""
    cursor.execute(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
        "WHERE schemaname IN ('monitoring', 'fas', 'public')"
    )
    return {name: _rows(cursor, name) for (name,) in cursor.fetchall()}


def _rows(cursor: psycopg.Cursor, table: str) -> list[bytes]:
    with cursor.copy(f"COPY {table} TO STDOUT") as rows:
        return sorted(b"".join(rows).splitlines())
