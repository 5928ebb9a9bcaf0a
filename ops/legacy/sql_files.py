"""The SQL in `migrations_sql/legacy`: which files there are, in their order, and how one is run.

A file brings its transaction with it, changes nothing the second time, and does nothing where no old bot was.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import psycopg
from django.core.management.base import CommandError
from django.db import migrations
from django.db.backends.base.base import BaseDatabaseWrapper

import migrations_sql

SIGNAL_IDS = "003_cleanup_fas_signals"
STALE_STATES = "008_cleanup_stale_ts_states"
STATES_OF_POSITIONS = "009_add_ts_position_fk"
IN_ORDER = (SIGNAL_IDS, STALE_STATES, STATES_OF_POSITIONS)

Tell = Callable[[str], None]


class FileRefused(CommandError):
    """In the file's own sentence; it changed nothing."""


def path_of(name: str, *, back: bool = False) -> Path:
    return Path(migrations_sql.__file__).parent / "legacy" / f"{name}{'_rollback' if back else ''}.sql"


def run_all(connection: BaseDatabaseWrapper, tell: Tell, *, back: bool = False) -> None:
    """Each file is whole or nothing; what went before a refusal stays."""
    for name in reversed(IN_ORDER) if back else IN_ORDER:
        run(connection, name, tell, back=back)


def run(connection: BaseDatabaseWrapper, name: str, tell: Tell, *, back: bool = False) -> None:
    if connection.in_atomic_block:
        raise RuntimeError(f"{name} brings its own transaction")
    connection.ensure_connection()
    raw = cast("psycopg.Connection[Any]", connection.connection)

    def notice(said: psycopg.errors.Diagnostic) -> None:
        tell(f"{said.severity}: {said.message_primary}")

    raw.add_notice_handler(notice)
    try:
        raw.execute(path_of(name, back=back).read_bytes(), prepare=False)
    except psycopg.Error as error:
        raw.rollback()
        hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
        raise FileRefused(f"{name}: {error.diag.message_primary or error}{hint}") from error
    finally:
        raw.remove_notice_handler(notice)


def operation(name: str) -> migrations.RunPython:
    """For a migration that is not atomic."""
    return migrations.RunPython(_runner(name, back=False), _runner(name, back=True), atomic=False)


def _runner(name: str, *, back: bool) -> Callable[[Any, Any], None]:
    def run_file(apps: object, editor: Any) -> None:
        run(editor.connection, name, lambda said: None, back=back)

    return run_file
