"""A file of `migrations_sql/legacy` run through a cursor; a refused one leaves no transaction open."""

from __future__ import annotations

from pathlib import Path

import psycopg


def run(cursor: psycopg.Cursor, path: Path) -> None:
    try:
        cursor.execute(path.read_bytes())
    except psycopg.Error:
        cursor.connection.rollback()
        raise
