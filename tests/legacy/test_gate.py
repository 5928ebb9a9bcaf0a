"""An old bot's database is open to our migrations only after a pre-flight and a backup."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from ops.legacy.backup_files import Manifest, written
from ops.legacy.gate import what_is_missing
from ops.legacy.services import record
from ops.models import MovingInRecord

pytestmark = pytest.mark.django_db


def a_backup(folder: Path) -> Path:
    (folder / "schemas.dump").write_bytes(b"not empty")
    files = {"schemas.dump": written(folder / "schemas.dump")}
    Manifest("old", "", "18", "18", [], {}, 0, files).write(folder)
    return folder


def missing() -> str:
    return what_is_missing(connection) or ""


def test_first_a_pre_flight_then_a_backup(tmp_path: Path) -> None:
    assert "`manage.py legacy preflight` first" in missing()
    record.note_preflight({"rows": {}})
    assert "`manage.py legacy backup` first" in missing()
    record.note_backup(a_backup(tmp_path))
    assert missing() == ""


def test_a_backup_of_yesterday_is_none(tmp_path: Path) -> None:
    record.note_preflight({})
    record.note_backup(a_backup(tmp_path))
    MovingInRecord.objects.update(backup_verified_at=timezone.now() - timedelta(hours=25))
    assert "older than a day" in missing()


def test_a_backup_without_its_files_is_none(tmp_path: Path) -> None:
    record.note_preflight({})
    record.note_backup(tmp_path)
    assert "is gone or cannot be read" in missing()
    a_backup(tmp_path)
    assert missing() == ""
    (tmp_path / "schemas.dump").write_bytes(b"")
    assert "not what was written (0 of 9 bytes)" in missing()


def test_once_moved_in_it_stays_open() -> None:
    record.note_migrated()
    first = record.the_record().migrated_at
    record.note_migrated()
    assert record.the_record().migrated_at == first
    assert missing() == ""


def test_a_table_that_somebody_made_by_hand_gets_its_columns() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE moving_in_record")
        cursor.execute(
            "CREATE TABLE moving_in_record (preflight_at timestamptz, backup_verified_at timestamptz)"
        )
        cursor.execute("INSERT INTO moving_in_record VALUES (now(), NULL)")
    record.note_migrated()
    assert MovingInRecord.objects.get().preflight_at is not None
