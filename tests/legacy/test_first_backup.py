"""Once the migration has begun, the backup from before it stays the one that counts."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from django.db import connection

from ops.legacy import gate, sql_files
from ops.legacy.services import record
from ops.legacy.services.backing_up import make_backup
from ops.legacy.steps import Given
from tests.legacy.generations import generation
from tests.legacy.running import run
from tests.legacy.servers import server_at
from tests.legacy.test_since_backup import LIVE


@pytest.mark.django_db
def test_from_the_first_file_on_until_somebody_writes(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    generation(1, legacy)
    server = server_at(empty_database)
    given = Given(server, {}, print, input)
    first = make_backup(server, tmp_path, lambda line: None)
    record.note_backup(first)
    assert not given.goes_by_the_first()

    run(legacy, sql_files.path_of(sql_files.SIGNAL_IDS))  # killed before the next one
    assert given.goes_by_the_first()
    legacy.execute("CREATE TABLE public.positions_v4 (id int)")
    assert not given.goes_by_the_first()
    legacy.execute("DROP TABLE public.positions_v4")

    (first / "signal_ids.csv").rename(tmp_path / "lost.csv")
    assert not given.goes_by_the_first()
    (tmp_path / "lost.csv").rename(first / "signal_ids.csv")
    assert given.goes_by_the_first()
    legacy.execute(LIVE.encode())
    assert not given.goes_by_the_first()
    record.note_migrated([])
    assert given.goes_by_the_first()


def test_folders_are_absolute(empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = Given(server_at(empty_database), {"folder": Path("beside")}, print, input)
    assert given.place_for_backups() == given.kept_backup() == tmp_path.resolve() / "beside"


@pytest.mark.django_db
def test_tables_that_came_after_others_were_moved_in_need_a_backup_of_their_own(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    """The one on record is from before the migration, but holds none of their rows. Theirs is from after it: another
    pre-flight and another backup go on record again, or the gate would never open."""
    generation(1, legacy)
    server = server_at(empty_database)
    given = Given(server, {}, print, input)
    record.note_preflight({})
    record.note_backup(make_backup(server, tmp_path, lambda line: None))
    run(legacy, sql_files.path_of(sql_files.SIGNAL_IDS))
    record.note_migrated(["monitoring.positions"])
    assert given.goes_by_the_first()

    for cursor in (legacy, connection.cursor()):
        cursor.execute("CREATE TABLE public.positions_v4 (id int)")
    assert not given.goes_by_the_first()
    record.note_backup(make_backup(server, tmp_path, lambda line: None))
    assert "`manage.py legacy preflight` first" in (gate.what_is_missing(connection) or "")
    assert not given.goes_by_the_first()
