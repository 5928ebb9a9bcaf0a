"""What the role of DATABASE_URL may not do, of what the migration and the ways back need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from ops.legacy import catalog, scope
from ops.legacy.objects import of_others

CHANGED = (*catalog.SIGNAL_ID_TABLES, catalog.TRAILING_STATES)
OWNED_BY_OTHERS = """
    SELECT format('%%s.%%s', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (c.relkind IN ('v', 'm') AND n.nspname = ANY(%s) OR format('%%s.%%s', n.nspname, c.relname) = ANY(%s))
      AND NOT pg_has_role(c.relowner, 'USAGE') ORDER BY 1
"""
# by number: whoever may not use a schema may not even name its tables
NOT_READABLE = """
    SELECT format('%%s.%%s', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE format('%%s.%%s', n.nspname, c.relname) = ANY(%s) AND NOT has_table_privilege(c.oid, 'SELECT') ORDER BY 1
"""


def lacking_to_migrate(cursor: Any) -> list[str]:
    return [*_reading(cursor), *_changing(cursor), *_schema_of_ours(cursor)]


def ways_back_missing(cursor: Any) -> list[str]:
    """What each needs beyond the migration: it drops and renames, which only owners may."""
    ours = [one for one in of_others(cursor, [settings.DB_SCHEMA]) if one.startswith("schema ")]
    old = of_others(cursor, scope.schemas(cursor), scope.public_tables(cursor))
    return [
        *(f"`legacy rollback` lacks ownership of {name}" for name in ours),
        *(f"`legacy restore` lacks ownership of {name}" for name in [*ours, *old]),
    ]


def _reading(cursor: Any) -> Iterator[str]:
    for schema in scope.schemas(cursor):
        if not _may(cursor, schema, "USAGE"):
            yield f"usage of schema {schema}"
    cursor.execute(NOT_READABLE, [scope.tables(cursor)])
    yield from (f"select on {table}" for (table,) in cursor.fetchall())


def _changing(cursor: Any) -> Iterator[str]:
    """Only its owner alters a table, drops a foreign key or rebuilds a view."""
    cursor.execute(OWNED_BY_OTHERS, [scope.schemas(cursor), list(CHANGED)])
    yield from (f"ownership of {name}" for (name,) in cursor.fetchall())
    if "monitoring" in scope.schemas(cursor) and not _may(cursor, "monitoring", "CREATE"):
        yield "create in schema monitoring"


def _schema_of_ours(cursor: Any) -> Iterator[str]:
    """CREATE SCHEMA IF NOT EXISTS asks for it also where there is one."""
    cursor.execute("SELECT has_database_privilege(current_database(), 'CREATE')")
    if cursor.fetchone() != (True,):
        yield f"create in the database (for schema {settings.DB_SCHEMA})"
    if _has_schema(cursor, settings.DB_SCHEMA) and not _may(cursor, settings.DB_SCHEMA, "CREATE"):
        yield f"create in schema {settings.DB_SCHEMA}"


def _has_schema(cursor: Any, name: str) -> bool:
    cursor.execute("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)", [name])
    return bool(cursor.fetchone() == (True,))


def _may(cursor: Any, schema: str, what: str) -> bool:
    cursor.execute(
        "SELECT has_schema_privilege(oid, %s) FROM pg_namespace WHERE nspname = %s", [what, schema]
    )
    return bool(cursor.fetchone() == (True,))
