"""What is looked at before anything is changed, and where it stops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ops.legacy import checks
from ops.legacy.checks import Check, NotTrue
from ops.legacy.preflight import Preflight, what_is_too_old
from ops.legacy.server import Server
from tests.legacy.databases import name_of
from tests.legacy.generations import empty_generation, generation
from tests.legacy.servers import server_at


def flown(server: Server, folder: Path) -> tuple[Preflight, list[str]]:
    said: list[str] = []
    flight = Preflight(server, folder / "not" / "there" / "yet")
    checks.make(flight.checks(), said.append)
    return flight, said


def test_what_is_there_is_counted(legacy: psycopg.Cursor, empty_database: str, tmp_path: Path) -> None:
    generation(1, legacy)
    flight, said = flown(server_at(empty_database), tmp_path)
    assert all(line.startswith("ok") for line in said)
    assert flight.counted["signal_ids"] == {"monitoring.positions": 286, "monitoring.trades": 9}
    assert flight.counted["stale_states"] == 29
    assert "monitoring.trades trades_signal_id_fkey" in flight.counted["foreign_keys"]
    assert flight.counted["rows"]["fas.scoring_history"] > 0


@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_old_bot_that_never_traded_is_as_welcome(
    number: int, legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    empty_generation(number, legacy)
    flight, _ = flown(server_at(empty_database), tmp_path)
    assert flight.counted["stale_states"] == 0


def test_where_no_old_bot_was_it_says_so(empty_database: str, tmp_path: Path) -> None:
    with pytest.raises(NotTrue, match=r"old bots: none. Nothing is to be moved in"):
        flown(server_at(empty_database), tmp_path)


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    server = server_at("postgresql://bot@/old?host=/nonexistent", password="hidden-word")
    with pytest.raises(NotTrue, match=r"database: .*/nonexistent.*Look at DATABASE_URL") as refusal:
        flown(server, tmp_path)
    assert "hidden-word" not in str(refusal.value)


def test_a_role_that_may_only_read_is_refused(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    generation(1, legacy)
    role = f"reader_of_{name_of(empty_database)}"
    legacy.execute(f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA monitoring TO {role}")
    legacy.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA monitoring TO {role}")
    try:
        with pytest.raises(NotTrue) as refusal:
            flown(server_at(empty_database, user=role), tmp_path)
    finally:
        legacy.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    for lacking in ("usage of schema fas", "ownership of monitoring.trades", "create in schema monitoring"):
        assert lacking in str(refusal.value)


@pytest.fixture
def bots_role(legacy: psycopg.Cursor, empty_database: str) -> Iterator[str]:
    """Owns what a bot made in schemas that somebody else made for it."""
    generation(2, legacy)
    role, name = f"bot_of_{name_of(empty_database)}", name_of(empty_database)
    legacy.execute(f"CREATE ROLE {role} LOGIN; GRANT CREATE ON DATABASE {name} TO {role}")
    legacy.execute(f"GRANT ALL ON SCHEMA monitoring, fas TO {role}")
    legacy.execute(
        "SELECT format('ALTER TABLE %I.%I OWNER TO ', schemaname, tablename) FROM pg_tables "
        "WHERE schemaname IN ('monitoring', 'fas') UNION ALL "
        "SELECT format('ALTER VIEW %I.%I OWNER TO ', schemaname, viewname) FROM pg_views "
        "WHERE schemaname IN ('monitoring', 'fas')"
    )
    for (change,) in legacy.fetchall():
        legacy.execute(f"{change}{role}")
    yield role
    legacy.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def test_a_way_back_that_the_role_may_not_go_is_told_now(
    bots_role: str, legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    bot = server_at(empty_database, user=bots_role)
    with pytest.raises(NotTrue, match=r"^ways back: ") as refusal:
        flown(bot, tmp_path)
    for owned in ("schema fas", "schema monitoring", "routine monitoring.touch_updated_at()"):
        assert f"`legacy restore` lacks ownership of {owned}" in str(refusal.value)
    assert "rollback" not in str(refusal.value)

    said: list[str] = []
    checks.make(Preflight(bot, tmp_path, with_fewer_ways_back=True).checks(), said.append)
    assert any(line.startswith("ok     ways back: `legacy restore` lacks") for line in said)

    legacy.execute("CREATE SCHEMA tradingbot")
    legacy.execute(f"GRANT ALL ON SCHEMA tradingbot TO {bots_role}")
    with pytest.raises(NotTrue, match="`legacy rollback` lacks ownership of schema tradingbot"):
        flown(bot, tmp_path)


def test_to_make_our_schema_the_role_must_be_able_to_also_where_there_is_one(
    bots_role: str, legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    legacy.execute(f"CREATE SCHEMA tradingbot AUTHORIZATION {bots_role}")
    legacy.execute(f"REVOKE CREATE ON DATABASE {name_of(empty_database)} FROM {bots_role}")
    with pytest.raises(NotTrue, match=r"^privileges: create in the database"):
        flown(server_at(empty_database, user=bots_role), tmp_path)


def test_libraries_are_compared_with_what_is_asked_for() -> None:
    assert what_is_too_old(["django>=5.2,<6", "psycopg[binary,pool]>=3.3"]) == []
    assert what_is_too_old(["django>=999", "no-such-thing>=1", 'for-others>=9 ; python_version < "3"']) == [
        f"django is {__import__('django').__version__}, not 999",
        "no-such-thing is not installed",
    ]


def test_it_stops_at_the_first_that_is_not_true() -> None:
    said: list[str] = []
    made = iter([Check("one", True, "1"), Check("two", False, "2", "Do this"), Check("three", True, "3")])
    with pytest.raises(NotTrue, match=r"^two: 2. Do this$"):
        checks.make(made, said.append)
    assert said == ["ok     one: 1", "FAILED two: 2"]
    assert next(made).name == "three"
