"""What `manage.py backup` takes, `manage.py restore` gives back, or says why not."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from ops.backups.putting_back import NotRestored, examined, put_back, refuse_company
from ops.backups.taking import NoBackup, take
from tests.legacy.databases import name_of, new_database
from tests.legacy.servers import manage, server_at

SCHEMA = settings.DB_SCHEMA
ROWS = f"""
    INSERT INTO {SCHEMA}.signals_app_ticker (symbol, enabled, trade_permission, created_at)
    VALUES ('BTCUSDT', true, true, now()), ('ETHUSDT', false, true, now())
"""  # noqa: S608
TICKERS = f"SELECT symbol, enabled FROM {SCHEMA}.signals_app_ticker ORDER BY 1"  # noqa: S608
TRAIL = f"SELECT count(*) FROM {SCHEMA}.trail"  # noqa: S608


@pytest.fixture
def ours(django_db_modify_db_settings: None) -> Iterator[str]:
    with new_database(name_of(os.environ["DATABASE_URL"])) as address:
        yield address


def ask(address: str, query: str) -> list[tuple]:
    with psycopg.connect(address, autocommit=True) as session:
        return session.execute(query).fetchall()


def do(address: str, statement: str) -> None:
    with psycopg.connect(address, autocommit=True) as session:
        session.execute(statement)


def silent(line: str) -> None:
    return None


def test_what_was_taken_is_given_back_and_what_came_since_is_set_aside(ours: str, tmp_path: Path) -> None:
    do(ours, ROWS)
    trail = ask(ours, TRAIL)
    taken = manage(ours, "backup", "--folder", tmp_path)
    folder = taken.stdout.strip()
    assert (taken.returncode, "readable to the end" in taken.stderr) == (0, True), taken.stderr
    assert Path(folder).stat().st_mode & 0o077 == 0
    do(ours, f"DELETE FROM {SCHEMA}.signals_app_ticker")  # noqa: S608
    assert manage(ours, "restore", folder).returncode == 2, "nobody sits at a terminal"
    back = manage(ours, "restore", folder, "--yes-restore", name_of(ours))
    assert (back.returncode, "reconcile --dry-run" in back.stderr) == (0, True), back.stderr
    assert ask(ours, TICKERS) == [("BTCUSDT", True), ("ETHUSDT", False)]
    assert ask(ours, TRAIL) == trail
    schemas = [name for (name,) in ask(ours, "SELECT nspname FROM pg_namespace")]
    assert [name for name in schemas if re.fullmatch(rf"{SCHEMA}_until_\d{{8}}_\d{{6}}", name)]
    with pytest.raises(psycopg.Error):  # the rules of the record came back with the rows
        do(ours, f"DELETE FROM {SCHEMA}.trail")  # noqa: S608


def test_nothing_is_put_back_while_others_are_connected(ours: str, tmp_path: Path) -> None:
    do(ours, ROWS)
    server = server_at(ours, application_name="tradingbot legacy")
    folder = take(server, SCHEMA, tmp_path, silent)
    do(ours, f"DELETE FROM {SCHEMA}.signals_app_ticker")  # noqa: S608
    manifest = examined(server, SCHEMA, folder)
    with psycopg.connect(ours, autocommit=True, application_name="a worker"):
        with pytest.raises(NotRestored, match="a worker"):
            refuse_company(server)
        with pytest.raises(NotRestored, match="others are connected"):
            put_back(server, folder, manifest)
    assert ask(ours, TICKERS) == []


def test_a_damaged_file_and_another_database_are_refused(ours: str, tmp_path: Path) -> None:
    do(ours, ROWS)
    server = server_at(ours, application_name="tradingbot legacy")
    folder = take(server, SCHEMA, tmp_path, silent)
    with new_database() as other:
        elsewhere = server_at(other, application_name="tradingbot legacy")
        with pytest.raises(NotRestored, match="--other-database"):
            examined(elsewhere, SCHEMA, folder)
        put_back(elsewhere, folder, examined(elsewhere, SCHEMA, folder, is_of_another_database=True))
        assert ask(other, TICKERS) == ask(ours, TICKERS)
    dump = folder / "ours.dump"
    dump.write_bytes(dump.read_bytes()[:-10])
    with pytest.raises(NotRestored, match="is not what was written"):
        examined(server, SCHEMA, folder)


def test_of_a_backup_that_fails_nothing_is_left(ours: str, tmp_path: Path) -> None:
    with new_database() as empty, pytest.raises(NoBackup, match="migrate"):
        take(server_at(empty), SCHEMA, tmp_path, silent)
    assert list(tmp_path.iterdir()) == []
