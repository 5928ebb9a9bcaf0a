"""A backup holds every byte, or there is none."""

from __future__ import annotations

import csv
import os
import re
import resource
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ops.legacy import sql_files
from ops.legacy.backup_files import read_manifest, what_is_wrong
from ops.legacy.checks import NotTrue
from ops.legacy.services.backing_up import make_backup
from ops.legacy.services.restoring import examined, restore, what_would_be_lost
from tests.legacy.generations import generation
from tests.legacy.running import run
from tests.legacy.servers import bytes_of_tables, done, manage, refused, server_at
from tests.template_database import OUR_POSTGRES

PUBLIC = """
    CREATE TABLE public.positions_v4 (id serial PRIMARY KEY, symbol text, note text);
    INSERT INTO public.positions_v4 (symbol, note) VALUES ('BTCUSDT', E'two\\nlines\\t\\\\ "quoted"'), ('ÄÖ', NULL);
    CREATE TABLE public.somebody_elses (id int);
    INSERT INTO public.somebody_elses VALUES (1);
"""
TROUBLE = """
    UPDATE monitoring.positions SET entry_price = 1;
    TRUNCATE monitoring.trades CASCADE;
    CREATE TABLE monitoring.made_since (id int);
    CREATE VIEW monitoring.seen_since AS SELECT symbol FROM monitoring.positions;
    UPDATE public.positions_v4 SET note = 'other';
    INSERT INTO public.somebody_elses VALUES (2);
"""


def put_back(address: str, folder: Path) -> None:
    server = server_at(address)
    restore(server, folder, examined(server, folder))


def silent(line: str) -> None:
    return None


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_restore_gives_back_every_byte(
    number: int, legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    generation(number, legacy)
    legacy.execute(PUBLIC)
    before = bytes_of_tables(legacy)
    folder = make_backup(server_at(empty_database), tmp_path, silent)
    legacy.execute(TROUBLE)
    put_back(empty_database, folder)
    after = bytes_of_tables(legacy)
    assert after.pop("public.somebody_elses") == [b"1", b"2"]
    before.pop("public.somebody_elses")
    assert after == before


def test_what_a_restore_would_take_away_is_known_before(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    generation(0, legacy)
    legacy.execute(PUBLIC)
    server = server_at(empty_database)
    folder = make_backup(server, tmp_path, silent)
    for name in sql_files.IN_ORDER:
        run(legacy, sql_files.path_of(name))
    assert what_would_be_lost(server, examined(server, folder)) == []
    legacy.execute(
        "INSERT INTO public.positions_v4 (symbol) VALUES ('NEW'); CREATE TABLE monitoring.made_since AS SELECT 1; "
        "CREATE VIEW monitoring.seen_since AS SELECT symbol FROM monitoring.positions; "
        "CREATE FUNCTION monitoring.done_since(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; "
        "ALTER TABLE monitoring.positions ADD COLUMN note text"
    )
    positions = read_manifest(folder).tables["monitoring.positions"].rows
    assert what_would_be_lost(server, examined(server, folder)) == [
        f"monitoring.positions: {positions} rows now, {positions} in the backup",
        "public.positions_v4: 3 rows now, 2 in the backup",
        "view monitoring.seen_since: not in the backup",
        "table monitoring.made_since with 1 rows: not in the backup",
        "routine monitoring.done_since(integer): not in the backup",
    ]


def test_a_table_in_parts_is_kept_whole(legacy: psycopg.Cursor, empty_database: str, tmp_path: Path) -> None:
    generation(0, legacy)
    legacy.execute(
        "CREATE TABLE monitoring.ticks (at date, price int) PARTITION BY RANGE (at); CREATE SCHEMA elsewhere; "
        "CREATE TABLE monitoring.ticks_2025 PARTITION OF monitoring.ticks "
        "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01'); "
        "INSERT INTO monitoring.ticks VALUES ('2025-05-01', 7)"
    )
    folder = make_backup(server_at(empty_database), tmp_path, silent)
    legacy.execute("UPDATE monitoring.ticks SET price = 8")
    put_back(empty_database, folder)
    assert legacy.execute("SELECT price FROM monitoring.ticks").fetchall() == [(7,)]

    legacy.execute(
        "CREATE TABLE elsewhere.ticks PARTITION OF monitoring.ticks FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"
    )
    with pytest.raises(NotTrue, match=r"schemas.dump lacks elsewhere.ticks"):
        make_backup(server_at(empty_database), tmp_path / "two", silent)


def test_a_key_to_what_no_dump_holds_is_told(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    generation(0, legacy)
    said: list[str] = []
    folder = make_backup(server_at(empty_database), tmp_path, said.append)
    assert any(re.match(r"key monitoring.trades \w+ to public.trading_pairs: ", line) for line in said)
    before = bytes_of_tables(legacy)
    put_back(empty_database, folder)
    assert bytes_of_tables(legacy) == before


def test_a_backup_of_another_database_is_refused(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    generation(0, legacy)
    server = server_at(empty_database)
    folder = make_backup(server, tmp_path, silent)
    other = server.other("somebody_elses")
    with pytest.raises(
        NotTrue, match=f"is of the database {server.database}, and this one is somebody_elses"
    ):
        examined(other, folder)
    assert examined(other, folder, is_of_another_database=True) == examined(server, folder)


def test_a_restore_that_would_take_something_else_along_changes_nothing(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    generation(1, legacy)
    folder = make_backup(server_at(empty_database), tmp_path, silent)
    legacy.execute("CREATE VIEW public.report AS SELECT symbol FROM monitoring.positions")
    before = bytes_of_tables(legacy)
    with pytest.raises(
        NotTrue, match=r"nothing was changed: psql .*view report depends on table monitoring.positions"
    ):
        put_back(empty_database, folder)
    assert bytes_of_tables(legacy) == before


def test_a_restore_that_does_not_give_back_the_same_is_none(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    generation(1, legacy)
    folder = make_backup(server_at(empty_database), tmp_path, silent)
    manifest = (folder / "manifest.json").read_text()
    counted = read_manifest(folder).tables["monitoring.positions"]
    (folder / "manifest.json").write_text(manifest.replace(counted.fingerprint, "1"))
    legacy.execute("UPDATE monitoring.positions SET entry_price = 1")
    with pytest.raises(NotTrue, match=r"monitoring.positions differs from the backup"):
        put_back(empty_database, folder)
    assert legacy.execute("SELECT DISTINCT entry_price FROM monitoring.positions").fetchall() == [(1,)]


def test_the_ids_are_kept_as_text_beside_the_dump(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    generation(1, legacy)
    folder = make_backup(server_at(empty_database), tmp_path, silent)
    with (folder / "signal_ids.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == "positions" and row["signal_id"]]
    assert rows[0].keys() == {"source", "id", "signal_id", "symbol", "created_at"}
    legacy.execute(
        "SELECT id::text, signal_id::text FROM monitoring.positions WHERE signal_id IS NOT NULL ORDER BY id"
    )
    assert sorted((row["id"], row["signal_id"]) for row in rows) == sorted(legacy.fetchall())
    assert len(rows) == 286


@pytest.fixture
def password_role() -> Iterator[str]:
    """A role of our own test server that needs a password."""
    server, role = os.environ.get(OUR_POSTGRES), "only_by_password"
    if server is None:
        pytest.skip("the rules of a server that somebody lent us are not ours to change")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_advisory_lock(hashtext('rules of the server'))"
        )  # other test workers share it
        (path,) = connection.execute("SHOW hba_file").fetchone() or ("",)
        rules = Path(path).read_text()
        connection.execute(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'the right one'")
        Path(path).write_text(f"local all {role} scram-sha-256\n{rules}")
        connection.execute("SELECT pg_reload_conf()")
        yield role
        Path(path).write_text(rules)
        connection.execute(f"SELECT pg_reload_conf(); DROP ROLE {role}")


def test_with_a_wrong_password_there_is_no_backup(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path, password_role: str
) -> None:
    generation(1, legacy)
    wrong = server_at(empty_database, user=password_role, password="not-the-right-one")
    with pytest.raises(NotTrue, match="password authentication failed") as refusal:
        make_backup(wrong, tmp_path, silent)
    assert "not-the-right-one" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []
    right = server_at(empty_database, user=password_role, password="the right one")
    assert what_is_wrong(make_backup(right, tmp_path, silent)) is None


def small_files_only() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_a_broken_backup_stops_the_migration(
    legacy: psycopg.Cursor, empty_database: str, tmp_path: Path, password_role: str
) -> None:
    generation(1, legacy)
    assert "no pre-flight has passed" in refused(empty_database, "legacy", "backup")
    done(empty_database, "legacy", "preflight", "--folder", tmp_path)

    wrong = server_at(empty_database, user=password_role, password="not-the-right-one")
    refusal = refused(wrong.address, "legacy", "backup", "--folder", tmp_path)
    assert "password authentication failed" in refusal
    assert "not-the-right-one" not in refusal
    full = manage(empty_database, "legacy", "backup", "--folder", tmp_path, before=small_files_only)
    assert full.returncode == 1
    assert "no backup was made: pg_dump" in full.stderr
    assert list(tmp_path.iterdir()) == []
    assert "make a backup with `manage.py legacy backup` first" in refused(empty_database, "migrate")

    done(empty_database, "legacy", "backup", "--folder", tmp_path)
    (dump,) = tmp_path.glob("*/schemas.dump")
    legacy.execute("BEGIN; UPDATE monitoring.positions SET status = 'closed' WHERE id = 301; COMMIT")
    written = refused(empty_database, "migrate", "--while-connected")
    assert "monitoring.positions: 300 rows now, 300 in the backup" in written
    assert "stop the old bot, then make a new one" in written
    whole = dump.read_bytes()
    for broken in (b"", whole[: len(whole) // 2], whole.replace(b"TABLE DATA", b"TABLE_DATA", 1)):
        dump.write_bytes(broken)
        assert "schemas.dump is not what was written" in str(what_is_wrong(dump.parent))
    assert "schemas.dump is not what was written" in refused(empty_database, "migrate")
    dump.unlink()
    assert "cannot be read; make a new one" in refused(empty_database, "legacy", "migrate")
    assert legacy.execute("SELECT to_regclass('tradingbot.positions')").fetchone() == (None,)
