"""The migrations run the files, forwards and backwards; killed in the midst they are run again. 1 million trades."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from ops.legacy import catalog
from ops.legacy.sql_files import IN_ORDER, SIGNAL_IDS, FileRefused, path_of
from tests.legacy.databases import cursor_of, django_connection
from tests.legacy.generations import generation, many_trades
from tests.legacy.pictures import asked, before_and_after, picture
from tests.legacy.running import run
from tests.legacy.servers import ROOT
from tests.legacy.test_files_killed import be_alone, kill_where_it_waits, somebody_reading

BEFORE_THEM, THE_LAST = "0008_moving_in_record", "0011_legacy_states_belong_to_positions"
A_MILLION = 1_000_000
SECONDS_FOR_A_MILLION = 180


@pytest.fixture
def connection(our_database: str, django_db_blocker) -> Iterator[BaseDatabaseWrapper]:
    with django_db_blocker.unblock(), django_connection(our_database) as connection:
        yield connection


def migrate(connection: BaseDatabaseWrapper, target: str) -> None:
    MigrationExecutor(connection).migrate([("ops", target)])


def applied(cursor: psycopg.Cursor) -> list[str]:
    query = "SELECT name FROM tradingbot.django_migrations WHERE app = 'ops' AND name LIKE '%legacy\\_s%' ORDER BY 1"
    return [name for (name,) in asked(cursor, query)]


@pytest.mark.parametrize("number", [1, *(pytest.param(n, marks=pytest.mark.soak) for n in (0, 2))])
def test_backwards_and_forwards(our_database: str, connection: BaseDatabaseWrapper, number: int) -> None:
    cursor = cursor_of(our_database)
    generation(number, cursor)
    as_made = picture(cursor)
    migrate(connection, BEFORE_THEM)
    assert (applied(cursor), picture(cursor)) == ([], as_made)

    migrate(connection, THE_LAST)
    assert len(applied(cursor)) == len(IN_ORDER)
    assert catalog.columns_of(cursor, "monitoring.trades")["signal_id"].type == "character varying(100)"
    assert catalog.stale_states(cursor) == []

    cursor.execute(
        "SET session_replication_role = replica"
    )  # so that no trigger of the old bot dates the row
    cursor.execute("UPDATE monitoring.trades SET signal_id = 'wave_123' WHERE id = 5")
    with pytest.raises(
        FileRefused, match=r"monitoring\.trades holds 1 signal id that no \w+ can hold \(wave_123\)"
    ):
        migrate(connection, BEFORE_THEM)
    assert applied(cursor) == ["0009_legacy_signal_ids_are_text"]

    cursor.execute(
        "UPDATE monitoring.trades t SET signal_id = b.signal_id "
        "FROM monitoring.trades_signal_id_backup b WHERE b.id = t.id"
    )
    migrate(connection, BEFORE_THEM)
    assert before_and_after(picture(cursor)) == before_and_after(as_made)
    cursor.connection.close()


OPEN_GATE = """
    INSERT INTO tradingbot.moving_in_record (id, migrated_at, moved_tables)
    SELECT 1, now(), '["monitoring.risk_events"]' || jsonb_agg(schemaname || '.' || tablename)
    FROM pg_tables WHERE schemaname IN ('monitoring', 'fas')
"""
MIGRATIONS = (
    "0009_legacy_signal_ids_are_text",
    "0010_legacy_stale_states_go",
    "0011_legacy_states_belong_to_positions",
)
WHERE_ALL_IS_DONE = ("monitoring.risk_events", "ACCESS EXCLUSIVE")
WHERE_IT_STARTS = ("monitoring.positions", "ACCESS EXCLUSIVE")
WHERE_IT_IS_NOTED = ("tradingbot.django_migrations", "EXCLUSIVE")


@pytest.mark.timeout(600)
def test_our_own_command_killed_in_the_midst_is_run_again(our_database: str) -> None:
    """Tables that were restored into a database of ours."""
    cursor = cursor_of(our_database)
    generation(1, cursor)
    cursor.execute(OPEN_GATE)
    before = picture(cursor)
    table, mode = WHERE_ALL_IS_DONE
    with somebody_reading(our_database, table, mode):
        kill_where_it_waits(cursor, our_database, table, our_command(our_database))
    be_alone(cursor)
    be_before_or_after(cursor, SIGNAL_IDS, before)
    finish_command(our_database)
    moved = picture(cursor)
    for name in IN_ORDER:
        run(cursor, path_of(name))
    assert picture(cursor) == moved != before
    decided = asked(
        cursor, """SELECT count(*) FROM tradingbot.legacy_rows WHERE "table" = 'monitoring.positions'"""
    )
    assert decided == [(300,)]
    cursor.connection.close()


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("number", "of_them", "places"),
    [
        (0, 1, (WHERE_IT_STARTS, WHERE_IT_IS_NOTED)),  # no trailing states yet, no risk events
        (1, 3, (WHERE_IT_STARTS, WHERE_ALL_IS_DONE, WHERE_IT_IS_NOTED)),
        (2, 3, (WHERE_IT_STARTS, WHERE_ALL_IS_DONE, WHERE_IT_IS_NOTED)),
    ],
)
def test_our_own_command_killed_in_the_midst_of_each_migration_is_run_again(
    our_database: str,
    connection: BaseDatabaseWrapper,
    number: int,
    of_them: int,
    places: tuple[tuple[str, str], ...],
) -> None:
    cursor = cursor_of(our_database)
    migrate(connection, BEFORE_THEM)
    connection.close()
    generation(number, cursor)
    cursor.execute(OPEN_GATE)
    for done, (migration, name) in enumerate(list(zip(MIGRATIONS, IN_ORDER, strict=True))[:of_them]):
        for table, mode in places:
            before = picture(cursor)
            with somebody_reading(our_database, table, mode):
                kill_where_it_waits(cursor, our_database, table, our_command(our_database, "ops", migration))
            be_alone(cursor)
            be_before_or_after(cursor, name, before)
            if (table, mode) != WHERE_IT_IS_NOTED:
                assert applied(cursor) == list(MIGRATIONS[:done])
                run(cursor, path_of(name))
                run(cursor, path_of(name, back=True))
        finish_command(our_database, "ops", migration)
        assert applied(cursor) == list(MIGRATIONS[: done + 1])
    moved = picture(cursor)
    for name in IN_ORDER:
        run(cursor, path_of(name))
    assert picture(cursor) == moved
    assert catalog.stale_states(cursor) == []
    cursor.connection.close()


def be_before_or_after(cursor: psycopg.Cursor, name: str, before: dict[str, list[tuple[Any, ...]]]) -> None:
    """The whole file is one message: the server may go on to its end after its sender was killed."""
    killed = picture(cursor)
    if killed != before:
        run(cursor, path_of(name))
        assert picture(cursor) == killed, f"{name} was killed between"


def finish_command(database: str, *words: str) -> None:
    process = our_command(database, *words)
    said = process.communicate()[1]
    assert process.returncode == 0, said


def our_command(database: str, *words: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        str(ROOT / "manage.py"),
        "migrate",
        *words,
        "--while-connected",
        "--verbosity",
        "0",
    ]
    environment = {**os.environ, "DATABASE_URL": database}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_million_trades(legacy: psycopg.Cursor) -> None:
    generation(1, legacy, fas=False)
    many_trades(A_MILLION, legacy)
    total = "SELECT count(*), count(signal_id), sum(hashtextextended(id || ' ' || signal_id, 0)) FROM monitoring.trades"
    before = asked(legacy, total)
    began, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run(legacy, path_of(SIGNAL_IDS))
    there = time.monotonic() - began
    assert asked(legacy, total) == before
    run(legacy, path_of(SIGNAL_IDS, back=True))
    back = time.monotonic() - began - there
    assert asked(legacy, total) == before
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    print(f"\n{A_MILLION:,} trades: there {there:.1f} s, back {back:.1f} s, our memory grew by {grown} KB")
    assert there + back < SECONDS_FOR_A_MILLION
    assert grown < 10_000
