"""Drops what an old bot or its migration left, only what is named, and nothing that anything else depends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from ops.legacy import catalog
from ops.legacy.checks import NotTrue
from ops.legacy.server import Server

IS_ON_ITS_OWN = "NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype IN ('a', 'i'))"
# what one DROP can name together, in this order
KINDS = (
    ("VIEW", "c.relkind = 'v'"),
    ("MATERIALIZED VIEW", "c.relkind = 'm'"),
    ("TABLE", "c.relkind IN ('r', 'p')"),
    ("SEQUENCE", f"c.relkind = 'S' AND {IS_ON_ITS_OWN}"),
)  # fmt: skip
RELATIONS = """
    SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (n.nspname = ANY(%s) OR format('%%s.%%s', n.nspname, c.relname) = ANY(%s)) AND
"""
ROUTINES = "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace::regnamespace::text = ANY(%s)"
TYPES = """
    SELECT format('%%I.%%I', n.nspname, t.typname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = ANY(%s) AND t.typtype IN ('e', 'd')
"""


def drop_statements(cursor: Any, schemas: Sequence[str], tables: Sequence[str] = ()) -> Iterator[str]:
    """Whole schemas, and single tables of others; what is outside and depends on them makes PostgreSQL refuse."""
    for kind, is_kind in KINDS:
        cursor.execute(f"{RELATIONS} {is_kind}", [list(schemas), list(tables)])
        yield from _drop(kind, cursor.fetchall())
    for kind, query in (("ROUTINE", ROUTINES), ("TYPE", TYPES)):
        cursor.execute(query, [list(schemas)])
        yield from _drop(kind, cursor.fetchall())
    yield from _drop("SCHEMA", [(sql.Identifier(name).as_string(),) for name in schemas])


def _drop(kind: str, rows: list[tuple[str]]) -> Iterator[str]:
    if rows:
        yield f"DROP {kind} {', '.join(name for (name,) in rows)};"


def drop_backups(server: Server) -> list[str]:
    with server.connect() as connection, connection.cursor() as cursor:
        names = catalog.backup_tables(cursor)
        _run(cursor, drop_statements(cursor, [], names))
    return names


def drop_fas(server: Server) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        _run(cursor, drop_statements(cursor, ["fas"]))


def _run(cursor: psycopg.Cursor, statements: Iterator[str]) -> None:
    """All of them or none."""
    words = " ".join(statements)
    try:
        with cursor.connection.transaction():
            cursor.execute(words.encode())
    except psycopg.errors.DependentObjectsStillExist as refusal:
        used_by = " ".join((refusal.diag.message_detail or "").split())
        raise NotTrue(f"nothing was dropped, it is in use: {used_by}. Take that away first") from None
