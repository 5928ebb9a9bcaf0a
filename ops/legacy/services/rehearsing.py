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
REHEARSAL, KEPT = "_rehearsal_", "_kept_"
A_TIME = "235959"
OURS_AND_NOBODY_IN_IT = """
    SELECT datname FROM pg_database d WHERE pg_has_role(datdba, 'USAGE')
      AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE datid = d.oid) ORDER BY 1
"""


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
    """One at a time: what an ended one left is dropped first, and a kept one has another name."""
    name = _name(server, KEPT if is_kept else REHEARSAL, f"{datetime.now(UTC):%H%M%S}")
    began = time.monotonic()
    try:
        with server.other("postgres").connect() as maintenance, _alone(maintenance, server):
            _drop_leftovers(maintenance, server, say)
            try:
                _create(maintenance, server, name, say)
                took["copy"] = round(time.monotonic() - began, 1)
                say(f"copied to {name}: {took['copy']} s")
                yield server.other(name)
            finally:
                if not is_kept:
                    _drop(maintenance, name)
    except psycopg.errors.InsufficientPrivilege:
        raise NotTrue(
            f"the role may not create databases; let a superuser say: "
            f"ALTER ROLE {server.options.get('user', 'of DATABASE_URL')} CREATEDB"
        ) from None
    except ProgramFailed as failed:
        raise NotTrue(f"no copy could be made: {failed}") from None


def _name(server: Server, what: str, when: str) -> str:
    return server.database[: LONGEST_NAME - len(what) - len(when)] + what + when


@contextmanager
def _alone(maintenance: psycopg.Connection, server: Server) -> Iterator[None]:
    """As long as this connection lives."""
    lock = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
    if maintenance.execute(lock, [f"rehearsal of {server.database}"]).fetchone() != (True,):
        raise NotTrue("another rehearsal goes on. Wait for its end")
    yield


def _drop_leftovers(maintenance: psycopg.Connection, server: Server, say: Say) -> None:
    """A rehearsal that was killed could not drop its copy."""
    start = _name(server, REHEARSAL, A_TIME).removesuffix(A_TIME)
    found = [name for (name,) in maintenance.execute(OURS_AND_NOBODY_IN_IT) if name.startswith(start)]
    for name in found:
        _drop(maintenance, name)
        say(f"dropped: {name}, which an earlier rehearsal left")


def _drop(maintenance: psycopg.Connection, name: str) -> None:
    maintenance.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


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
