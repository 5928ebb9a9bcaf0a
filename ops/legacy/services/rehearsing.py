"""The whole move on a copy of the database, which is dropped again. Says how long each part takes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from ops.legacy import dumps
from ops.legacy.checks import NotTrue
from ops.legacy.client_programs import ProgramFailed, fitting
from ops.legacy.server import Server
from ops.legacy.services import record

Say = Callable[[str], None]
LONGEST_NAME = 63
LINES_SHOWN = 8
VERIFY = ["legacy", "verify", "--while-they-wait"]  # of a copy nobody can take anything over


def rehearse(server: Server, say: Say, is_kept: bool = False) -> dict[str, float]:
    took: dict[str, float] = {}
    connection.close()  # a database that somebody is connected to cannot be a template
    with copy_of(server, is_kept, took, say) as copy:
        for name, words in (("migrate", ["migrate", "--noinput"]), ("verify", VERIFY)):
            began = time.monotonic()
            for line in _on(copy, words)[-LINES_SHOWN:]:
                say(f"  {line}")
            took[name] = round(time.monotonic() - began, 1)
            say(f"{name} on the copy: {took[name]} s")
    record.note_rehearsal(took)
    return took


@contextmanager
def copy_of(server: Server, is_kept: bool, took: dict[str, float], say: Say) -> Iterator[Server]:
    suffix = f"_rehearsal_{datetime.now(UTC):%H%M%S}"
    name = server.database[: LONGEST_NAME - len(suffix)] + suffix
    began = time.monotonic()
    try:
        with server.other("postgres").connect() as maintenance:
            _create(maintenance, server, name, say)
            took["copy"] = round(time.monotonic() - began, 1)
            say(f"copied to {name}: {took['copy']} s")
            try:
                yield server.other(name)
            finally:
                if not is_kept:
                    maintenance.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    except psycopg.errors.InsufficientPrivilege:
        raise NotTrue(
            f"the role may not create databases; let a superuser say: "
            f"ALTER ROLE {server.options.get('user', 'of DATABASE_URL')} CREATEDB"
        ) from None
    except ProgramFailed as failed:
        raise NotTrue(f"no copy could be made: {failed}") from None


def _create(maintenance: psycopg.Connection, server: Server, name: str, say: Say) -> None:
    names = (sql.Identifier(name), sql.Identifier(server.database))
    try:
        maintenance.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    except psycopg.errors.ObjectInUse:
        say("others are connected, so the copy is dumped and restored")
        query = (
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = %s"
        )
        encoding, collate, ctype = maintenance.execute(query, [server.database]).fetchone() or ("", "", "")
        words = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}")
        maintenance.execute(words.format(names[0], *map(sql.Literal, (encoding, collate, ctype))))
        _fill(server, server.other(name), maintenance.info.server_version // 10_000)


def _fill(source: Server, target: Server, server_version: int) -> None:
    programs = fitting(server_version)
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / f"all{dumps.DUMP}"
        dumps.take(programs, source, dump, [])
        dumps.put_back(programs, target, [dump])


def _on(copy: Server, words: list[str]) -> list[str]:
    result = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *words],
        env={**os.environ, "DATABASE_URL": copy.address},
        capture_output=True,
        text=True,
    )
    lines = copy.without_password(result.stdout + result.stderr).strip().splitlines()
    if result.returncode:
        said = " / ".join(lines[-3:])
        raise NotTrue(f"`{' '.join(words)}` failed on the copy, your database is as it was: {said}")
    return lines
