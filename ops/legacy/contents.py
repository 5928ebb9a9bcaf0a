"""What tables of an older bot hold, as a count and a fingerprint that can be compared later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import sql

from ops.legacy import catalog
from ops.legacy.backup_files import TableContent

# a row as text must not depend on who asks
AS_TEXT = (
    "SET DateStyle TO 'ISO, MDY'; SET IntervalStyle TO 'postgres'; SET TimeZone TO 'UTC'; "
    "SET extra_float_digits TO 1; SET bytea_output TO 'hex'"
)
RISK_EVENTS = "monitoring.risk_events"
REMOVED_STATES = "monitoring.trailing_stop_state_stale_backup"
NOT_OF_A_MIGRATION = "coalesce(event_type, '') NOT IN ('database_migration', 'database_migration_rollback')"


def quoted(table: str) -> str:
    return sql.Identifier(*table.split(".", 1)).as_string()


def of_tables(cursor: Any, names: Iterable[str]) -> dict[str, TableContent]:
    cursor.execute(AS_TEXT)
    return {name: of_columns(cursor, name, list(catalog.columns_of(cursor, quoted(name)))) for name in names}


def lasting(cursor: Any, table: str, columns: Sequence[str]) -> TableContent:
    """Without the rows that the migration adds. A signal id is the same as a number and as text."""
    tells = table == RISK_EVENTS and "event_type" in columns
    return of_columns(cursor, table, columns, NOT_OF_A_MIGRATION if tells else "true")


def of_columns(cursor: Any, table: str, columns: Sequence[str], only: str = "true") -> TableContent:
    cursor.execute(_query(table, columns, "count(*), {}", only))
    rows, fingerprint = cursor.fetchone()
    return TableContent(rows, fingerprint, list(columns))


def states(cursor: Any) -> list[str]:
    """A fingerprint of each trailing state, also of those that the migration removed and kept; without the position it
    names, which the migration corrects."""
    parts = [(catalog.TRAILING_STATES, "to_jsonb(one)"), (REMOVED_STATES, "one.was")]
    there = [
        f"SELECT md5(({row} - 'position_id')::text) FROM {table} one"  # noqa: S608
        for table, row in parts
        if catalog.has_table(cursor, table)
    ]
    if not there:
        return []
    cursor.execute(AS_TEXT)
    cursor.execute(f"{' UNION ALL '.join(there)} ORDER BY 1")
    return [fingerprint for (fingerprint,) in cursor.fetchall()]


def refusal_unless_equal(table: str, expected: TableContent) -> str:
    """SQL that ends its transaction where a table does not hold what it held."""
    now = _query(table, expected.columns, "count(*) || ' ' || {}")
    return (
        # a column may be called as one of PL/pgSQL's own variables ("found")
        "DO $check$\n#variable_conflict use_column\n"
        f"BEGIN IF ({now}) IS DISTINCT FROM '{expected.rows} {expected.fingerprint}' "
        f"THEN RAISE EXCEPTION '% differs from the backup', {sql.Literal(table).as_string()}; END IF; END $check$;"
    )


def _query(table: str, columns: Sequence[str], shown: str, only: str = "true") -> str:
    """Which row comes first does not matter."""
    fingerprint = "coalesce(sum(('x' || left(md5(whole_row_::text), 15))::bit(60)::bigint), 0)::text"
    named = ", ".join(_column(table, name) for name in columns)
    return f"SELECT {shown.format(fingerprint)} FROM (SELECT {named} FROM {quoted(table)} WHERE {only}) whole_row_"  # noqa: S608


def _column(table: str, name: str) -> str:
    is_signal_id = name == "signal_id" and table in catalog.SIGNAL_ID_TABLES
    return sql.Identifier(name).as_string() + ("::text" if is_signal_id else "")
