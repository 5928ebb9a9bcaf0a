"""The migrations run the files, forwards and backwards. 1 million trades."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

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
