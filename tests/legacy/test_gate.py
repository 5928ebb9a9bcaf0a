"""An old bot's database is open to our migrations only after a pre-flight and a backup."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management.base import CommandError
from django.db import connection

from ops.legacy import scope
from ops.legacy.backup_files import Manifest, written
from ops.legacy.gate import is_moved, what_is_missing
from ops.legacy.services import record
from ops.management.commands.migrate import refuse_company
from ops.models import MovingInRecord

pytestmark = pytest.mark.django_db


def a_backup(folder: Path) -> Path:
    (folder / "schemas.dump").write_bytes(b"not empty")
    files = {"schemas.dump": written(folder / "schemas.dump")}
    Manifest("old", "", "18", "18", [], {}, {}, [], {}, 0, files).write(folder)
    return folder


def missing() -> str:
    return what_is_missing(connection) or ""


def test_first_a_pre_flight_then_a_backup(tmp_path: Path) -> None:
    assert "`manage.py legacy preflight` first" in missing()
    record.note_preflight({"rows": {}})
    assert "`manage.py legacy backup` first" in missing()
    record.note_backup(a_backup(tmp_path))
    assert missing() == ""


def test_a_backup_without_a_folder_is_none() -> None:
    record.note_preflight({})
    record.note_backup(Path())
    MovingInRecord.objects.update(backup_folder="")
    assert "`manage.py legacy backup` first" in missing()


def test_a_backup_without_its_files_is_none(tmp_path: Path) -> None:
    record.note_preflight({})
    record.note_backup(tmp_path)
    assert "is gone or cannot be read" in missing()
    a_backup(tmp_path)
    assert missing() == ""
    (tmp_path / "schemas.dump").write_bytes(b"")
    assert "not what was written (0 of 9 bytes)" in missing()


def test_once_moved_in_it_stays_open_for_those_tables_only(tmp_path: Path) -> None:
    an_old_bot_has("monitoring.positions")
    record.note_preflight({})
    record.note_backup(a_backup(tmp_path))
    record.note_migrated(["monitoring.positions", "public.positions_v4"])
    an_old_bot_has("monitoring.positions_signal_id_backup")
    assert (missing(), is_moved(connection)) == ("", True)

    an_old_bot_has("monitoring.orders")
    assert missing().startswith(
        "monitoring.orders came after others were moved in: run `manage.py legacy pre"
    )
    assert not is_moved(connection)
    record.note_preflight({})
    assert "`manage.py legacy backup` first" in missing()
    record.note_backup(tmp_path)
    assert missing() == ""


def an_old_bot_has(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS monitoring; CREATE TABLE {table} (id serial)")


def test_nobody_else_may_be_connected_until_it_is_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope, "others_who_stay", lambda cursor: ["old_bot of trader (process 7)"])
    with pytest.raises(CommandError, match=r"connected to .*: old_bot of trader .*Stop every bot"):
        refuse_company(connection)
    record.note_migrated([])
    refuse_company(connection)


def test_a_table_that_somebody_made_by_hand_gets_its_columns() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE moving_in_record")
        cursor.execute(
            "CREATE TABLE moving_in_record (preflight_at timestamptz, backup_verified_at timestamptz)"
        )
        cursor.execute("INSERT INTO moving_in_record VALUES (now(), NULL)")
    record.note_migrated([])
    assert MovingInRecord.objects.get().preflight_at is not None
