"""Whether our migrations may run in an older bot's database: only after a passed pre-flight and a readable backup."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from ops.legacy import backup_files

BACKUP_IS_OLD_AFTER = timedelta(days=1)  # the old bot went on writing since
TABLE = "moving_in_record"


def what_is_missing(connection: BaseDatabaseWrapper) -> str | None:
    """What to do first, or None. A database that was moved once stays open: the migrations to come are ours."""
    record = _record(connection)
    if record.get("migrated_at"):
        return None
    if not record.get("preflight_at"):
        return "run `manage.py legacy preflight` first"
    verified_at = parse_datetime(record.get("backup_verified_at") or "")
    if verified_at is None:
        return "make a backup with `manage.py legacy backup` first"
    if timezone.now() - verified_at > BACKUP_IS_OLD_AFTER:
        return "the backup is older than a day; make a new one with `manage.py legacy backup` first"
    if folder := record.get("backup_folder"):
        return backup_files.what_is_wrong(Path(folder))
    return None


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
