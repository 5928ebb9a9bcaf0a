"""What `legacy verify` finds wrong, and that it never advises to throw rows away."""

from __future__ import annotations

import csv
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from ops.legacy import sql_files, verification
from ops.legacy.backup_files import Manifest, read_manifest
from ops.legacy.checks import Check
from ops.legacy.services.backing_up import make_backup
from ops.legacy.verification import Verification
from ops.models import LegacyRow, MovingInRecord
from tests.legacy.generations import generation
from tests.legacy.importing import an_old_bot, import_now
from tests.legacy.running import run
from tests.legacy.servers import server_at
from tests.legacy.test_since_backup import LIVE


def moved(cursor: psycopg.Cursor, address: str, folder: Path, number: int = 1) -> tuple[Path, Manifest]:
    generation(number, cursor)
    backup = make_backup(server_at(address), folder, lambda line: None)
    for name in sql_files.IN_ORDER:
        run(cursor, sql_files.path_of(name))
    return backup, read_manifest(backup)


@pytest.mark.parametrize(
    "statement", [LIVE, "UPDATE monitoring.positions SET status = 'closed' WHERE id = 301"]
)
def test_where_somebody_wrote_since_no_restore_is_advised(
    statement: str, legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    _, manifest = moved(legacy, empty_database, tmp_path)
    assert verification.same_contents(legacy, manifest).is_true
    legacy.execute(statement.encode())
    check = verification.same_contents(legacy, manifest)
    assert (check.is_true, check.found.partition(":")[0]) == (False, "monitoring.positions")
    assert "a restore would throw it away" in check.remedy
    assert "legacy restore" not in check.remedy


def test_rows_that_are_gone_are_in_the_backup(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    _, manifest = moved(legacy, empty_database, tmp_path)
    legacy.execute("DELETE FROM monitoring.trades WHERE id = 1")
    check = verification.same_contents(legacy, manifest)
    assert check.found == "monitoring.trades: 11 rows now, 12 in the backup"
    assert "`manage.py legacy restore`" in check.remedy


def test_a_position_that_closed_between_pre_flight_and_backup_is_nothing_wrong(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    generation(1, legacy)
    legacy.execute("UPDATE monitoring.positions SET status = 'closed' WHERE id = 301")
    folder = make_backup(server_at(empty_database), tmp_path, lambda line: None)
    for name in sql_files.IN_ORDER:
        run(legacy, sql_files.path_of(name))
    assert verification.same_contents(legacy, read_manifest(folder)).is_true
    states = list(verification.trailing_states(legacy, read_manifest(folder)))
    assert all(check.is_true for check in states)
    assert [check.found for check in states] == ["0, 30 before", "8 stand, of 38 in the backup"]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_ids_are_compared_of_each_row(
    number: int, legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    backup, manifest = moved(legacy, empty_database, tmp_path, number)
    assert all(check.is_true for check in ids(empty_database, backup, manifest))
    lines = (backup / "signal_ids.csv").read_text().splitlines(keepends=True)
    (backup / "signal_ids.csv").write_text("".join(one for one in lines if not one.startswith("trades")))
    (check,) = [one for one in ids(empty_database, backup, manifest) if not one.is_true]
    rows = manifest.tables["monitoring.trades"].rows
    assert (check.name, check.found) == ("monitoring.trades ids", f"0 of {rows} rows are in signal_ids.csv")


def test_ids_of_a_table_without_symbols_are_kept_as_well(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    generation(1, legacy, views=False)
    legacy.execute("ALTER TABLE monitoring.trades DROP COLUMN symbol")
    folder = make_backup(server_at(empty_database), tmp_path, lambda line: None)
    with (folder / "signal_ids.csv").open() as file:
        trades = [row for row in csv.DictReader(file) if row["source"] == "trades"]
    assert len([row for row in trades if row["signal_id"]]) == 9
    assert all(check.is_true for check in ids(empty_database, folder, read_manifest(folder)))


def ids(address: str, folder: Path, manifest: Manifest) -> list[Check]:
    with psycopg.connect(address, autocommit=True) as session:
        return list(
            Verification(server_at(address), MovingInRecord(), folder).ids(session.cursor(), manifest)
        )


@pytest.mark.django_db
def test_a_table_of_which_nothing_was_decided_is_not_imported() -> None:
    an_old_bot(1)
    import_now()
    assert untrue() == []
    LegacyRow.objects.filter(table="monitoring.positions").delete()
    assert [(one.name, one.found) for one in untrue()] == [
        ("import of monitoring.positions", "0 of 300 rows decided, none imported")
    ]


def untrue() -> list[Check]:
    with connection.cursor() as cursor:
        return [check for check in verification.imported(cursor) if not check.is_true]
