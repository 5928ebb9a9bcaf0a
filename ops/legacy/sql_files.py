"""The SQL in `migrations_sql/legacy`: which files there are, in their order, and how one is run.

A file brings its transaction with it, changes nothing the second time, and does nothing where no old bot was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg
from django.core.management.base import CommandError
from django.db import migrations
from django.db.backends.base.base import BaseDatabaseWrapper

import migrations_sql
from ops.legacy import catalog, changes

SIGNAL_IDS = "003_cleanup_fas_signals"
STALE_STATES = "008_cleanup_stale_ts_states"
STATES_OF_POSITIONS = "009_add_ts_position_fk"
IS_DUE = {
    SIGNAL_IDS: changes.has_signal_ids_to_change,
    STALE_STATES: catalog.stale_states,
    STATES_OF_POSITIONS: changes.has_states_to_tie,
}
IN_ORDER = tuple(IS_DUE)
SAID_BY_FILES = ("00000", "01000")  # RAISE NOTICE and RAISE WARNING
WARNING = "WARNING"

Tell = Callable[[str, str], None]
"""Severity, words."""


class FileRefused(CommandError):
    """In the file's own sentence; it changed nothing."""


def path_of(name: str, *, back: bool = False) -> Path:
    return Path(migrations_sql.__file__).parent / "legacy" / f"{name}{'_rollback' if back else ''}.sql"


def run_what_is_due(connection: BaseDatabaseWrapper) -> None:
    """Where tables came after our migrations had run, or a way back was begun. Asks before it locks anything."""
    for name, is_due in IS_DUE.items():
        with connection.cursor() as cursor:
            due = is_due(cursor)
        if due:
            run(connection, name)


def is_anything_due(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        return any(is_due(cursor) for is_due in IS_DUE.values())


def run(connection: BaseDatabaseWrapper, name: str, *, back: bool = False) -> None:
    """Each file is whole or nothing; what went before a refusal stays."""
    if connection.in_atomic_block:
        raise RuntimeError(f"{name} brings its own transaction")
    try:
        _raw(connection).execute(path_of(name, back=back).read_bytes(), prepare=False)
    except psycopg.Error as error:
        _raw(connection).rollback()
        hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
        raise FileRefused(f"{name}: {error.diag.message_primary or error}{hint}") from error


@contextmanager
def heard(connection: BaseDatabaseWrapper, tell: Tell) -> Iterator[None]:
    """What the files say meanwhile; PostgreSQL's own remarks have other codes."""

    def notice(said: psycopg.errors.Diagnostic) -> None:
        if said.sqlstate in SAID_BY_FILES:
            tell(said.severity or WARNING, said.message_primary or "")

    raw = _raw(connection)
    raw.add_notice_handler(notice)
    try:
        yield
    finally:
        raw.remove_notice_handler(notice)


def _raw(connection: BaseDatabaseWrapper) -> psycopg.Connection[Any]:
    connection.ensure_connection()
    return cast("psycopg.Connection[Any]", connection.connection)


def operation(name: str) -> migrations.RunPython:
    """For a migration that is not atomic."""
    return migrations.RunPython(_runner(name, back=False), _runner(name, back=True), atomic=False)


def _runner(name: str, *, back: bool) -> Callable[[Any, Any], None]:
    def run_file(apps: object, editor: Any) -> None:
        run(editor.connection, name, back=back)

    return run_file
