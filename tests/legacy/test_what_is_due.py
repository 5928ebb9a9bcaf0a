"""The files run where something is due, and a way back says what it cannot do."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from ops.legacy import sql_files
from ops.legacy.checks import NotTrue
from ops.legacy.services import taking_back
from ops.legacy.services.dropping import drop_backups
from ops.legacy.sql_files import IN_ORDER, SIGNAL_IDS, path_of
from tests.legacy.databases import django_connection
from tests.legacy.generations import generation
from tests.legacy.pictures import asked, picture
from tests.legacy.running import run
from tests.legacy.servers import server_at


@pytest.fixture
def connection(
    empty_database: str, django_db_blocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BaseDatabaseWrapper]:
    with django_db_blocker.unblock(), django_connection(empty_database) as one:
        monkeypatch.setattr(taking_back, "connection", one)
        yield one


def test_tables_that_came_after_our_migrations_are_changed_as_well(
    legacy: psycopg.Cursor, connection: BaseDatabaseWrapper
) -> None:
    sql_files.run_what_is_due(connection)  # no old bot was here
    generation(1, legacy)
    assert sql_files.is_anything_due(connection)
    said: list[str] = []
    with sql_files.heard(connection, lambda severity, words: said.append(words)):
        sql_files.run_what_is_due(connection)
    assert "monitoring.positions: 300 rows, 286 signal ids, 285 of them different; all as before" in said
    assert "Trailing states: 38 before, 29 of them stale; 9 after, none of them stale" in said
    moved = picture(legacy)
    assert not sql_files.is_anything_due(connection)
    for name in IN_ORDER:
        run(legacy, path_of(name))
    assert picture(legacy) == moved
    sql_files.run(connection, SIGNAL_IDS, back=True)  # a way back that ended there
    assert sql_files.is_anything_due(connection)


def test_a_way_back_tells_what_it_could_not_restore(
    legacy: psycopg.Cursor, connection: BaseDatabaseWrapper
) -> None:
    generation(1, legacy)
    sql_files.run_what_is_due(connection)
    taking_back.refuse_what_cannot_be_undone()
    legacy.execute("DROP SCHEMA fas CASCADE")
    legacy.execute("CREATE SCHEMA tradingbot")
    lost = taking_back.roll_back(lambda line: None)
    not_restored = "Not restored: ALTER TABLE monitoring.trades ADD CONSTRAINT trades_signal_id_fkey"
    assert any(words.startswith(not_restored) for words in lost)
    assert asked(legacy, "SELECT to_regnamespace('tradingbot')") == [(None,)]


def test_a_way_back_that_can_undo_nothing_refuses(
    legacy: psycopg.Cursor, connection: BaseDatabaseWrapper, empty_database: str
) -> None:
    generation(1, legacy)
    taking_back.refuse_what_cannot_be_undone()  # nothing was done yet
    sql_files.run_what_is_due(connection)
    drop_backups(server_at(empty_database))
    with pytest.raises(
        NotTrue, match=r"signal ids and .* trailing states cannot be undone: .*`manage.py legacy res"
    ):
        taking_back.refuse_what_cannot_be_undone()
