"""Our own schema, and an old bot's database that is left alone until it is prepared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from tests.forking import run

ROOT = Path(__file__).resolve().parents[2]
LEGACY = """
    CREATE SCHEMA monitoring; CREATE SCHEMA fas;
    CREATE TABLE fas.scoring_history (id bigint PRIMARY KEY);
    CREATE TABLE monitoring.trades (id bigint PRIMARY KEY, signal_id bigint NOT NULL REFERENCES fas.scoring_history);
    CREATE TABLE monitoring.positions (id bigint PRIMARY KEY, symbol varchar(20), status varchar(20) DEFAULT 'OPEN');
    CREATE TABLE public.signals_v2_log (id bigint PRIMARY KEY, message text);
    CREATE TABLE public.trailing_stop_state (id bigint PRIMARY KEY, symbol varchar(50));
    INSERT INTO fas.scoring_history VALUES (12024414);
    INSERT INTO monitoring.trades VALUES (1, 12024414);
    INSERT INTO monitoring.positions VALUES (1, 'BTCUSDT', 'active');
    INSERT INTO public.signals_v2_log VALUES (1, 'EMA UP');
    INSERT INTO public.trailing_stop_state VALUES (1, 'BTCUSDT');
"""
RECORD = """
    CREATE SCHEMA IF NOT EXISTS tradingbot;
    CREATE TABLE IF NOT EXISTS tradingbot.moving_in_record
        (preflight_at timestamptz, backup_verified_at timestamptz);
    INSERT INTO tradingbot.moving_in_record VALUES {};
"""
MOVED_TABLES = """
    ALTER TABLE tradingbot.moving_in_record ADD migrated_at timestamptz DEFAULT now(), ADD moved_tables jsonb;
    UPDATE tradingbot.moving_in_record SET moved_tables =
        (SELECT jsonb_agg(schemaname || '.' || tablename) FROM pg_tables
         WHERE schemaname IN ('monitoring', 'fas', 'public'));
"""
LEGACY_COLUMNS = """
    SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
    WHERE table_schema IN ('monitoring', 'fas', 'public') ORDER BY 1, 2, 3
"""


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database of this test's own."""
    with a_database(f"migrate_{abs(hash(request.node.name))}") as made:
        yield made


@contextmanager
def a_database(purpose: str, template: str = "") -> Iterator[str]:
    name, server = f"{purpose}_{os.getpid()}", os.environ["DATABASE_URL"]
    copied = urlsplit(template).path.removeprefix("/") or "template1"
    names = sql.Identifier(name), sql.Identifier(copied)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    yield urlsplit(server)._replace(path=f"/{name}").geturl()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def migrate(database: str) -> tuple[int, str]:
    command = [str(ROOT / "manage.py"), "migrate", "--noinput", "--verbosity", "0"]
    ended = run(command, os.environ | {"DATABASE_URL": database})
    return ended.returncode, ended.stderr


def ask(database: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def test_an_old_bots_database_is_refused_in_one_sentence(database: str) -> None:
    ask(database, LEGACY)
    before = ask(database, LEGACY_COLUMNS)
    status, told = migrate(database)
    assert (status, told.strip().count("\n")) == (1, 0)
    assert (
        "belongs to an older bot (schema fas, schema monitoring, table public.signals_v2_log and more)"
        in told
    )
    assert ask(database, "SELECT 1 FROM pg_namespace WHERE nspname = 'tradingbot'") == []
    assert ask(database, LEGACY_COLUMNS) == before


@pytest.mark.parametrize("legacy", ["CREATE SCHEMA fas", "CREATE TABLE public.positions_v4 (id int)"])
def test_one_trace_of_an_old_bot_is_enough(database: str, legacy: str) -> None:
    ask(database, legacy)
    assert migrate(database)[0] == 1


@pytest.mark.parametrize("half", ["(now(), NULL)", "(NULL, now())"])
def test_half_a_preparation_is_none(database: str, half: str) -> None:
    ask(database, LEGACY)
    ask(database, RECORD.format(half))
    assert migrate(database)[0] == 1


def test_two_starts_at_once_move_into_a_prepared_database_and_its_old_rows_stay(database: str) -> None:
    ask(database, LEGACY)
    before = ask(database, LEGACY_COLUMNS)
    ask(database, RECORD.format("(now(), now())"))
    ask(database, MOVED_TABLES)
    with ThreadPoolExecutor(2) as both:
        assert list(both.map(migrate, [database] * 2)) == [(0, "")] * 2
    assert ask(database, "SELECT count(*) > 20 FROM pg_tables WHERE schemaname = 'tradingbot'") == [(True,)]
    changed = set(ask(database, LEGACY_COLUMNS)) - set(before)
    text = {("monitoring", table, "signal_id", "character varying") for table in ("positions", "trades")}
    assert {row for row in changed if row[1] in ("positions", "trades")} == text
    assert ask(database, "SELECT id, signal_id FROM monitoring.trades") == [(1, "12024414")]
    assert ask(database, "SELECT id, symbol, status FROM monitoring.positions") == [(1, "BTCUSDT", "active")]
    assert ask(database, "SELECT * FROM public.signals_v2_log") == [(1, "EMA UP")]
    assert ask(database, "SELECT count(*) FROM tradingbot.signals_v2_log") == [(0,)]
