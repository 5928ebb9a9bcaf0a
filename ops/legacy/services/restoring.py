"""Puts an old bot's schemas and tables back as a backup holds them, and sets ours aside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from ops.legacy import contents, dumps, scope, since_backup
from ops.legacy.backup_files import Manifest, read_manifest, what_is_wrong
from ops.legacy.checks import NotTrue
from ops.legacy.client_programs import ProgramFailed, fitting
from ops.legacy.server import Server
from ops.legacy.services.dropping import drop_statements


def examined(server: Server, folder: Path, is_of_another_database: bool = False) -> Manifest:
    """Of a backup that is whole and this database's."""
    if wrong := what_is_wrong(folder):
        raise NotTrue(f"{wrong}, or name another one with --folder")
    manifest = read_manifest(folder)
    if manifest.database != server.database and not is_of_another_database:
        raise NotTrue(
            f"{folder} is of the database {manifest.database}, and this one is {server.database}. "
            "Name the right folder with --folder, or say --other-database"
        )
    return manifest


def what_would_be_lost(server: Server, manifest: Manifest) -> list[str]:
    """What was written since the backup, and what was made since."""
    with server.connect() as connection, connection.cursor() as cursor:
        written = [one for one in since_backup.differences(cursor, manifest) if one.rows is not None]
        return [*map(str, written), *since_backup.not_in_backup(cursor, manifest)]


def restore(server: Server, folder: Path, manifest: Manifest) -> None:
    try:
        _put_back(server, folder, manifest)
    except ProgramFailed as failed:
        raise NotTrue(
            f"nothing was restored and nothing was changed: {failed}. Where something of yours depends on the old "
            f"tables, take it away first; or restore {folder} by hand into a database of its own (docs/moving-in.md)"
        ) from None


def _put_back(server: Server, folder: Path, manifest: Manifest) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        there = [name for name in scope.schemas(cursor) if name in manifest.schemas]
        programs = fitting(connection.info.server_version // 10_000)
        before = [*drop_statements(cursor, there, list(manifest.tables)), *set_aside(cursor)]
    after = [f"{contents.AS_TEXT};"]
    after += [contents.refusal_unless_equal(table, content) for table, content in manifest.tables.items()]
    files = [folder / name for name in manifest.files if name.endswith(dumps.DUMP)]
    dumps.put_back(programs, server, files, before, after)


def set_aside(cursor: Any) -> Iterator[str]:
    """Under a name that tells until when it was in use: what was traded here is nobody's to throw away."""
    cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [settings.DB_SCHEMA])
    if cursor.fetchone() == (True,):
        aside = f"{settings.DB_SCHEMA}_until_{datetime.now(UTC):%Y%m%d_%H%M%S}"
        yield f"ALTER SCHEMA {settings.DB_SCHEMA} RENAME TO {aside};"
