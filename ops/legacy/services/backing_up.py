"""A backup that is worth its name: dumped, read to its end, and compared with what it should hold."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

import psycopg

from ops.legacy import catalog, contents, dumps, scope
from ops.legacy.backup_files import SIGNAL_IDS, Manifest, TableContent, what_is_wrong, written
from ops.legacy.checks import NotTrue
from ops.legacy.client_programs import ClientPrograms, ProgramFailed, fitting
from ops.legacy.objects import keys_out_of, objects, tables_with_rows
from ops.legacy.server import Server

Say = Callable[[str], None]


def make_backup(server: Server, parent: Path, say: Say) -> Path:
    """Its folder. Of a backup that fails nothing stays that could be taken for one."""
    folder = _free(parent, f"{server.database}-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    unfinished = folder.with_name(folder.name + ".unfinished")
    try:
        unfinished.mkdir(parents=True, mode=0o700)
        _fill(server, unfinished, say)
        if wrong := what_is_wrong(unfinished):
            raise NotTrue(wrong)
        unfinished.rename(folder)
    except (OSError, ProgramFailed, psycopg.Error) as error:
        said = server.without_password(" ".join(str(error).split()))
        raise NotTrue(
            f"no backup was made: {said}. Put that right and run this again; do not migrate"
        ) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _free(parent: Path, name: str) -> Path:
    """Two of one second lie beside each other."""
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(folder for folder in map(parent.joinpath, names) if not folder.exists())


def _fill(server: Server, folder: Path, say: Say) -> None:
    with one_moment(server) as (cursor, snapshot):
        programs = fitting(cursor.connection.info.server_version // 10_000)
        parts = list(_parts(cursor))
        for name, tables, wanted in parts:
            dumps.take(programs, server, folder / f"{name}{dumps.DUMP}", wanted, snapshot)
            _prove(programs, folder, name, tables_with_rows(cursor, tables))
            say(f"{name}: {len(tables)} tables, readable to the end")
        _write_signal_ids(cursor, folder / SIGNAL_IDS)
        all_tables = [table for _, tables, _ in parts for table in tables]
        for key in keys_out_of(cursor, all_tables):
            say(f"key {key}: that table is in no dump, so a database of its own would lack this key")
        manifest = _manifest(cursor, server, programs, all_tables)
    files = {path.name: written(path) for path in sorted(folder.iterdir())}
    replace(manifest, files=files).write(folder)


@contextmanager
def one_moment(server: Server) -> Iterator[tuple[psycopg.Cursor, str]]:
    """All that is asked inside, also by pg_dump, is of one moment, whoever writes meanwhile."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(contents.AS_TEXT)
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        (snapshot,) = cursor.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        yield cursor, snapshot


def _parts(cursor: psycopg.Cursor) -> Iterator[tuple[str, list[str], list[str]]]:
    """Name, tables and pg_dump's words for them: whole schemas, and of public only what is an old bot's."""
    if schemas := scope.schemas(cursor):
        tables = [f"{schema}.{name}" for schema in schemas for name in catalog.tables_of(cursor, schema)]
        yield "schemas", tables, [f"--schema={schema}" for schema in schemas]
    if public := scope.public_tables(cursor):
        yield "public", public, [f"--table={contents.quoted(table)}" for table in public]


def _prove(programs: ClientPrograms, folder: Path, name: str, tables: list[str]) -> None:
    dump = folder / f"{name}{dumps.DUMP}"
    if dump.stat().st_size == 0:
        raise ProgramFailed(f"{dump.name} is empty")
    if missing := dumps.what_is_missing(programs, dump, tables):
        raise ProgramFailed(f"{dump.name} lacks {', '.join(missing)}")
    dumps.write_plain(programs, dump, folder / f"{name}{dumps.PLAIN}")


def _write_signal_ids(cursor: psycopg.Cursor, file: Path) -> None:
    queries = [query for table in catalog.SIGNAL_ID_TABLES if (query := _signal_ids_of(cursor, table))]
    columns = "source, id, signal_id, symbol, created_at"
    empty = f"SELECT {', '.join(f'NULL::text AS {name}' for name in columns.split(', '))} WHERE false"
    query = " UNION ALL ".join([empty, *queries])
    with file.open("wb") as target, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as rows:
        for part in rows:
            target.write(part)


def _signal_ids_of(cursor: psycopg.Cursor, table: str) -> str | None:
    columns = catalog.columns_of(cursor, table)
    if "id" not in columns:
        return None
    signal_id, symbol = (
        f"{name}::text" if name in columns else "NULL::text" for name in ("signal_id", "symbol")
    )
    when = next((name for name in ("created_at", "executed_at", "opened_at") if name in columns), None)
    created_at = f"{when}::text" if when else "NULL::text"
    source = table.partition(".")[2]
    return f"SELECT '{source}', id::text, {signal_id}, {symbol}, {created_at} FROM {table}"  # noqa: S608


def _manifest(
    cursor: psycopg.Cursor, server: Server, programs: ClientPrograms, tables: list[str]
) -> Manifest:
    return Manifest(
        database=server.database,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        server=str(cursor.connection.info.server_version),
        programs=str(programs.version),
        schemas=scope.schemas(cursor),
        tables=(held := contents.of_tables(cursor, tables)),
        lasting=_lasting(cursor, held),
        states=contents.states(cursor),
        objects=objects(cursor, scope.schemas(cursor), tables),
        stale_states=len(catalog.stale_states(cursor)),
    )


def _lasting(cursor: psycopg.Cursor, held: dict[str, TableContent]) -> dict[str, TableContent]:
    return {
        table: contents.lasting(cursor, table, content.columns)
        for table, content in held.items()
        if table == contents.RISK_EVENTS
    }
