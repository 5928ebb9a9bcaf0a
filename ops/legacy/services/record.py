"""What was done to move an older bot's database in, one row. Works before any of our migrations ran."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from migrations_sql import sql
from ops.models import MovingInRecord
from ops.schema import ensure_schema


def note_preflight(counted: dict[str, Any]) -> None:
    _note(preflight_at=timezone.now(), preflight=counted)


def note_backup(folder: Path) -> None:
    _note(backup_verified_at=timezone.now(), backup_folder=str(folder))


def note_rehearsal(took: dict[str, Any]) -> None:
    _note(rehearsed_at=timezone.now(), rehearsal=took)


def note_migrated(tables: list[str]) -> None:
    _note(migrated_at=timezone.now(), moved_tables=tables)


def note_verified() -> None:
    _note(verified_at=timezone.now())


def the_record() -> MovingInRecord:
    """Empty where nothing was done yet; writes nothing."""
    if MovingInRecord._meta.db_table not in connection.introspection.table_names():
        return MovingInRecord()
    return MovingInRecord.objects.first() or MovingInRecord()


def _note(**values: Any) -> None:
    ensure_schema(connection)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(sql("constraints/0014_moving_in_record.sql"))
        MovingInRecord.objects.update_or_create(pk=1, defaults=values)
