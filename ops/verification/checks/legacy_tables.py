"""What an older bot left in this database: cleaned up by its migrations, and imported. A part of Database Schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ops.legacy.catalog import SIGNAL_ID_TABLES, columns_of, foreign_keys_into, stale_states
from ops.legacy.outcomes import not_imported
from ops.verification.verdicts import Issue, Severity

HIGH = Severity.HIGH
MOVE_IN = "docs/moving-in.md: pre-flight, backup, `manage.py migrate`"
SIGNAL_ID = "character varying(100)"


def faults(cursor: Any) -> Iterator[Issue]:
    for key in foreign_keys_into(cursor, "fas"):
        yield Issue(f"{key.table}: {key.name} still refers to the schema fas", HIGH, MOVE_IN)
    for table in SIGNAL_ID_TABLES:
        columns = columns_of(cursor, table)
        column = columns.get("signal_id")
        if columns and (column is None or column.type != SIGNAL_ID or not column.nullable):
            what = f"{column.type}{'' if column.nullable else ' not null'}" if column else "missing"
            yield Issue(f"signal_id of {table} is {what}, not {SIGNAL_ID}", HIGH, MOVE_IN)
    if stale := stale_states(cursor):
        yield Issue(f"{len(stale)} trailing states belong to no live position", HIGH, MOVE_IN)


def advice() -> Iterator[str]:
    if count := not_imported().count():
        yield f"{count} rows of the older bot were not imported: read why, each has its reason (docs/moving-in.md)"
