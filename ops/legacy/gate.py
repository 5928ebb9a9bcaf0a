"""Whether our migrations may run in an older bot's database: only after a passed pre-flight and a readable backup of
what is there."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.dateparse import parse_datetime

from ops.legacy import backup_files, catalog, scope, since_backup
from ops.legacy.server import server_of

TABLE = "moving_in_record"


class NotOpen(CommandError):
    """Nothing was changed."""


def what_is_missing(connection: BaseDatabaseWrapper) -> str | None:
    """What to do first, or None. Tables that were moved in once stay open: the migrations to come are ours."""
    record = _record(connection)
    migrated_at = _moment(record, "migrated_at")
    if migrated_at is None:
        return _what_is_missing(record)
    came = _came_since(connection, record)
    missing = _what_is_missing(record, migrated_at) if came else None
    return missing and f"{', '.join(came)} came after others were moved in: {missing}"


def is_moved(connection: BaseDatabaseWrapper) -> bool:
    """All that older bots have here."""
    record = _record(connection)
    return bool(record.get("migrated_at")) and not _came_since(connection, record)


def _what_is_missing(record: dict[str, Any], after: datetime | None = None) -> str | None:
    preflight_at, verified_at = (
        moment if moment and (after is None or moment > after) else None
        for moment in (_moment(record, "preflight_at"), _moment(record, "backup_verified_at"))
    )
    if preflight_at is None:
        return "run `manage.py legacy preflight` first"
    folder = record.get("backup_folder")
    if verified_at is None or not folder:
        return "make a backup with `manage.py legacy backup` first"
    return backup_files.what_is_wrong(Path(folder))


def what_was_written(connection: BaseDatabaseWrapper) -> str | None:
    """Since the backup, until all is moved in: reads every row. How old a backup is says nothing."""
    if is_moved(connection):
        return None
    folder = Path(_record(connection).get("backup_folder") or "")
    manifest = backup_files.read_manifest(folder)
    with server_of(connection).connect() as session, session.cursor() as cursor:
        found = [str(one) for one in since_backup.differences(cursor, manifest)]
        found += [f"{table}: not in the backup" for table in since_backup.new_tables(cursor, manifest)]
    if not found:
        return None
    written = "; ".join(found)
    return f"somebody wrote since the backup in {folder} ({written}); stop the old bot, then {backup_files.AGAIN}"


def _came_since(connection: BaseDatabaseWrapper, record: dict[str, Any]) -> list[str]:
    with connection.cursor() as cursor:
        moved = {*record.get("moved_tables", []), *catalog.backup_tables(cursor)}
        return [table for table in scope.tables(cursor) if table not in moved]


def _moment(record: dict[str, Any], name: str) -> datetime | None:
    return parse_datetime(record.get(name) or "")


def _record(connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """As text: the table may have been made by an older version of ours, with fewer columns."""
    table = f"{connection.ops.quote_name(settings.DB_SCHEMA)}.{TABLE}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [table])
        if cursor.fetchone() == (None,):
            return {}
        cursor.execute(f"SELECT to_jsonb(record)::text FROM {table} record")  # noqa: S608  (the name is ours)
        row = cursor.fetchone()
    return json.loads(row[0]) if row else {}
