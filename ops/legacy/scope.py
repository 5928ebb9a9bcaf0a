"""Which schemas and tables of a database belong to older bots, and what is in them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from ops.legacy import catalog, contents
from ops.schema import LEGACY_SCHEMAS, LEGACY_TABLES

SECONDS_TO_LEAVE = 3
MIGRATING = 0x7472616465  # the advisory lock of `manage.py migrate`: any number of our own
# without a superuser's rights the kind of another role's session is not told; a server's own worker has no role
OTHERS_CONNECTED = """
    SELECT concat(coalesce(nullif(application_name, ''), 'a program'), ' of ', usename, ' (process ', pid, ')')
    FROM pg_stat_activity a WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename IS NOT NULL
      AND coalesce(backend_type, 'client backend') = 'client backend' AND application_name <> 'tradingbot legacy'
      AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory'
                      AND (l.classid::bigint << 32) | l.objid::bigint = %s)
    ORDER BY 1
"""


def schemas(cursor: Any) -> list[str]:
    cursor.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s) ORDER BY 1", [list(LEGACY_SCHEMAS)]
    )
    return [name for (name,) in cursor.fetchall()]


def public_tables(cursor: Any) -> list[str]:
    return [f"public.{name}" for name in catalog.tables_of(cursor, "public") if name in LEGACY_TABLES]


def tables(cursor: Any) -> list[str]:
    in_schemas = [
        f"{schema}.{name}" for schema in schemas(cursor) for name in catalog.tables_of(cursor, schema)
    ]
    return in_schemas + public_tables(cursor)


def counts(cursor: Any, names: Iterable[str]) -> dict[str, int]:
    return {name: _row(cursor, f"SELECT count(*) FROM {contents.quoted(name)}")[0] for name in names}  # noqa: S608


def signal_ids(cursor: Any) -> dict[str, int]:
    """How many rows of positions and trades have one, where there is such a column."""
    return {
        table: _row(cursor, f"SELECT count(signal_id) FROM {table}")[0]  # noqa: S608
        for table in catalog.SIGNAL_ID_TABLES
        if "signal_id" in catalog.columns_of(cursor, table)
    }


def others_connected(cursor: Any) -> list[str]:
    """As people know them. Whoever waits for the lock of migrations is a start of ours."""
    cursor.execute(OTHERS_CONNECTED, [MIGRATING])
    return [who for (who,) in cursor.fetchall()]


def others_who_stay(cursor: Any) -> list[str]:
    """Who has just ended, or starts beside us and will wait, is not seen for long."""
    until = time.monotonic() + SECONDS_TO_LEAVE
    while (others := others_connected(cursor)) and time.monotonic() < until:
        time.sleep(0.1)
    return others


def _row(cursor: Any, query: str) -> Any:
    cursor.execute(query)
    return cursor.fetchone()
