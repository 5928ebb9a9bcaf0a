"""A backup of our own schema: of one moment, read to its end, with a fingerprint of each table. The bot may run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from ops.legacy import catalog, contents, dumps
from ops.legacy.backup_files import Manifest, what_is_wrong, written
from ops.legacy.client_programs import ClientPrograms, ProgramFailed, fitting
from ops.legacy.server import Server
from ops.legacy.services.backing_up import one_moment

DUMP = f"ours{dumps.DUMP}"
AGAIN = "make a new one with `manage.py backup`"

Say = Callable[[str], None]


class NoBackup(Exception):
    """One sentence, without secrets. Nothing stays that could be taken for a backup."""


def take(server: Server, schema: str, parent: Path, say: Say) -> Path:
    """Its folder."""
    folder = parent / f"{server.database}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    unfinished = folder.with_name(folder.name + ".unfinished")
    try:
        unfinished.mkdir(parents=True, mode=0o700)
        _fill(server, schema, unfinished, say)
        if wrong := what_is_wrong(unfinished, AGAIN):
            raise NoBackup(wrong)
        unfinished.rename(folder)
    except (OSError, ProgramFailed, psycopg.Error) as error:
        raise NoBackup(server.without_password(" ".join(str(error).split()))) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _fill(server: Server, schema: str, folder: Path, say: Say) -> None:
    with one_moment(server) as (cursor, snapshot):
        programs = fitting(cursor.connection.info.server_version // 10_000)
        tables = [f"{schema}.{name}" for name in catalog.tables_of(cursor, schema)]
        if not tables:
            raise ProgramFailed(f"there is no table in the schema {schema}; `manage.py migrate` has not run")
        dumps.take(programs, server, folder / DUMP, [f"--schema={schema}"], snapshot)
        _prove(programs, folder / DUMP, tables)
        manifest = _manifest(cursor, server, programs, schema, tables)
    rows = sum(one.rows for one in manifest.tables.values())
    say(f"{len(tables)} tables with {rows} rows, readable to the end")
    replace(manifest, files={DUMP: written(folder / DUMP)}).write(folder)


def _prove(programs: ClientPrograms, dump: Path, tables: list[str]) -> None:
    if missing := dumps.what_is_missing(programs, dump, tables):
        raise ProgramFailed(f"{dump.name} lacks {', '.join(missing)}")
    dumps.write_plain(programs, dump, Path("/dev/null"))


def _manifest(
    cursor: psycopg.Cursor, server: Server, programs: ClientPrograms, schema: str, tables: list[str]
) -> Manifest:
    """What an older bot's backup holds beside that is empty here."""
    return Manifest(
        database=server.database,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        server=str(cursor.connection.info.server_version),
        programs=str(programs.version),
        schemas=[schema],
        tables=contents.of_tables(cursor, tables),
        lasting={},
        states=[],
        objects={},
    )
