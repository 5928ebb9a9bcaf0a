"""Nothing is dropped that somebody uses, and nothing without being asked by name."""

from __future__ import annotations

import psycopg
import pytest

from ops.legacy import scope
from ops.legacy.checks import NotTrue
from ops.legacy.services.dropping import drop_backups, drop_fas
from ops.legacy.steps import Given
from tests.legacy.databases import name_of
from tests.legacy.generations import generation
from tests.legacy.servers import bytes_of_tables, server_at


def test_fas_stays_while_anything_points_to_it(legacy: psycopg.Cursor, empty_database: str) -> None:
    generation(0, legacy)
    before = bytes_of_tables(legacy)
    with pytest.raises(NotTrue, match=r"nothing was dropped, it is in use: .*fas.scoring_history"):
        drop_fas(server_at(empty_database))
    assert bytes_of_tables(legacy) == before


def test_fas_goes_with_all_that_is_in_it(legacy: psycopg.Cursor, empty_database: str) -> None:
    generation(1, legacy, foreign_key=False, views=False)
    legacy.execute(
        "CREATE TYPE fas.mood AS ENUM ('good'); CREATE SEQUENCE fas.numbers; "
        "CREATE VIEW fas.seen AS SELECT id FROM fas.scoring_history; "
        "CREATE FUNCTION fas.one() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    )
    before = bytes_of_tables(legacy)
    drop_fas(server_at(empty_database))
    assert scope.schemas(legacy) == ["monitoring"]
    before.pop("fas.scoring_history")
    assert bytes_of_tables(legacy) == before


def test_only_the_migrations_own_tables_go(legacy: psycopg.Cursor, empty_database: str) -> None:
    generation(1, legacy)
    before = bytes_of_tables(legacy)
    legacy.execute(
        "CREATE TABLE monitoring.positions_signal_id_backup AS SELECT id FROM monitoring.positions"
    )
    assert drop_backups(server_at(empty_database)) == ["monitoring.positions_signal_id_backup"]
    assert bytes_of_tables(legacy) == before
    assert drop_backups(server_at(empty_database)) == []


@pytest.mark.parametrize("typed", ["", "yes", "OLD"])
def test_who_does_not_type_the_databases_name_does_nothing(empty_database: str, typed: str) -> None:
    given = Given(server_at(empty_database), {}, print, lambda question: typed)
    with pytest.raises(NotTrue, match="nothing was done"):
        given.be_sure("All of it goes.")


def test_who_types_it_goes_on(empty_database: str) -> None:
    Given(server_at(empty_database), {}, print, lambda question: name_of(empty_database)).be_sure("It goes.")


def test_others_that_are_connected_stop_a_migration(legacy: psycopg.Cursor, empty_database: str) -> None:
    legacy.execute("SET application_name = 'the old bot'")
    server = server_at(empty_database)
    with pytest.raises(NotTrue, match="others are connected: the old bot of postgres"):
        Given(server, {"while_connected": False}, print, input).be_alone()
    Given(server, {"while_connected": True}, print, input).be_alone()
