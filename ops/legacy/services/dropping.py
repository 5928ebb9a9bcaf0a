"""Drops what an old bot or its migration left, only what is named, and nothing that anything else depends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from ops.legacy import catalog
from ops.legacy.checks import NotTrue
from ops.legacy.objects import objects
from ops.legacy.server import Server


def drop_statements(cursor: Any, schemas: Sequence[str], tables: Sequence[str] = ()) -> Iterator[str]:
    """What is outside and depends on them makes PostgreSQL refuse."""
    for kind, names in objects(cursor, schemas, tables).items():
        if names:
            yield f"DROP {kind} {', '.join(names)};"


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
