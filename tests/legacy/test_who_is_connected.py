"""An old bot that still runs is seen whatever role we have, and is a reason not to migrate."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from ops.legacy import scope
from tests.legacy.databases import name_of
from tests.legacy.generations import empty_generation
from tests.legacy.servers import refused, server_at

READY = """
    CREATE SCHEMA tradingbot;
    CREATE TABLE tradingbot.moving_in_record (migrated_at timestamptz, moved_tables jsonb);
    INSERT INTO tradingbot.moving_in_record
        SELECT now(), jsonb_agg(schemaname || '.' || tablename) FROM pg_tables WHERE schemaname = 'monitoring'
"""


@pytest.fixture
def two_roles(empty_database: str) -> Iterator[tuple[str, str]]:
    """Neither is a superuser, neither is a member of the other."""
    owner, trader = (f"{name}_of_{name_of(empty_database)}" for name in ("owner", "trader"))
    server = server_at(empty_database).other("postgres")
    with server.connect() as connection:
        connection.execute(f"CREATE ROLE {owner} LOGIN; CREATE ROLE {trader} LOGIN")
    yield owner, trader
    with server.connect() as connection:
        connection.execute(f"DROP ROLE {owner}; DROP ROLE {trader}")


def test_a_session_of_another_role_is_seen_without_a_superusers_rights(
    empty_database: str, two_roles: tuple[str, str]
) -> None:
    owner, trader = two_roles
    bot = server_at(empty_database, user=trader, application_name="old_bot")
    with bot.connect(), server_at(empty_database, user=owner).connect() as connection:
        (who,) = scope.others_connected(connection.cursor())
        assert who.startswith(f"old_bot of {trader} (process ")


def test_a_second_start_of_ours_is_nobody_else(legacy: psycopg.Cursor, empty_database: str) -> None:
    legacy.execute("SELECT pg_advisory_lock(%s)", [scope.MIGRATING])
    with server_at(empty_database).connect() as connection:
        assert scope.others_connected(connection.cursor()) == []
        legacy.execute("SELECT pg_advisory_unlock(%s)", [scope.MIGRATING])
        assert len(scope.others_connected(connection.cursor())) == 1


@pytest.mark.timeout(300)
def test_migrate_does_nothing_beside_a_running_bot(legacy: psycopg.Cursor, empty_database: str) -> None:
    """Also where they were moved in before and a way back was begun."""
    empty_generation(1, legacy)
    legacy.execute(READY)
    said = refused(empty_database, "migrate")
    assert "others are connected to the older bot's database" in said
    assert legacy.execute("SELECT to_regclass('tradingbot.positions')").fetchone() == (None,)
