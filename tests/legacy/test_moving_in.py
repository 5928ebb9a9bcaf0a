"""The run book of docs/moving-in.md, as a person would type it, on each generation of old databases."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from ops.legacy.checks import NotTrue
from ops.legacy.client_programs import ProgramFailed
from ops.legacy.services import rehearsing
from tests.legacy.databases import name_of
from tests.legacy.generations import (
    LIVE_STATES,
    POSITIONS_WITH_SIGNAL_ID,
    STALE_STATES,
    TRADES_WITH_SIGNAL_ID,
    generation,
)
from tests.legacy.servers import bytes_of_tables, done, refused, server_at

IDS = "SELECT id, signal_id::text FROM monitoring.{} WHERE signal_id IS NOT NULL ORDER BY id"
TYPES = """
    SELECT table_name, data_type, is_nullable FROM information_schema.columns
    WHERE table_schema = 'monitoring' AND column_name = 'signal_id' AND table_name IN ('positions', 'trades') ORDER BY 1
"""
AS_TEXT = [("positions", "character varying", "YES"), ("trades", "character varying", "YES")]


def prepare(address: str, folder: Path) -> None:
    lines = done(address, "legacy", "preflight", "--folder", folder)
    assert lines[-1].endswith("Next: stop the old bot, then `manage.py legacy backup`.")
    lines = done(address, "legacy", "backup", "--folder", folder)
    assert lines[-1].endswith("Next: `manage.py legacy rehearse`.")


def move_in(address: str) -> list[str]:
    """What verify said: as of a database on whose live positions nobody looks yet."""
    assert done(address, "legacy", "migrate")[-1].endswith("Next: `manage.py legacy verify`.")
    lines = done(address, "legacy", "verify", "--while-they-wait")
    assert lines[-1].endswith("Next: `manage.py up`, and once more without --while-they-wait.")
    return lines


@pytest.mark.timeout(600)
def test_in_and_back_by_both_ways(legacy: psycopg.Cursor, empty_database: str, tmp_path: Path) -> None:
    generation(1, legacy)
    name = name_of(empty_database)
    before, types = bytes_of_tables(legacy), legacy.execute(TYPES).fetchall()
    ids = legacy.execute(IDS.format("positions")).fetchall()
    legacy.connection.close()  # whoever is connected is a reason not to migrate
    prepare(empty_database, tmp_path)
    (backup,) = tmp_path.iterdir()

    said = "\n".join(move_in(empty_database))
    assert "ok     monitoring.positions ids: 286 of 286 identical as text" in said
    assert "ok     stale trailing states: 0, 29 before" in said
    assert "ok     trailing states: 9 stand, of 38 in the backup" in said
    assert [log.read_text().count("FAILED") for log in backup.glob("migrate-*.log")] == [0]
    left_alone = (
        "legacy verify: live positions of the older bot: 13 are left alone, such as row 301: BTCUSDT long: "
    )
    assert left_alone in refused(empty_database, "legacy", "verify")

    as_up_has_it = done(empty_database, "migrate", "--noinput", "--verbosity", "0")
    assert len(as_up_has_it) == 13
    assert as_up_has_it[0].startswith("nobody looks after row 301 of monitoring.positions: BTCUSDT long: ")

    with psycopg.connect(empty_database, autocommit=True) as connection:
        cursor = connection.cursor()
        assert cursor.execute(TYPES).fetchall() == AS_TEXT
        assert cursor.execute(IDS.format("positions")).fetchall() == ids
        moved = bytes_of_tables(cursor)
        cursor.execute("UPDATE monitoring.positions SET signal_id = 'wave_123' WHERE id = 301")
        held = bytes_of_tables(cursor)
    refusal = refused(empty_database, "legacy", "rollback", typed=name)
    assert "wave_123" in refusal
    assert "`manage.py legacy restore`" in refusal
    with psycopg.connect(empty_database, autocommit=True) as connection:
        cursor = connection.cursor()
        assert bytes_of_tables(cursor) == held
        (number,) = (value for position, value in ids if position == 301)
        cursor.execute("UPDATE monitoring.positions SET signal_id = %s WHERE id = 301", [number])
        assert bytes_of_tables(cursor) == moved

    done(empty_database, "legacy", "rollback", typed=name)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        cursor = connection.cursor()
        assert cursor.execute(TYPES).fetchall() == types
        back = bytes_of_tables(cursor)
        assert back["monitoring.trailing_stop_state"] == before["monitoring.trailing_stop_state"]
        assert back["monitoring.positions"] == before["monitoring.positions"]
    assert "`manage.py legacy preflight` first" in refused(empty_database, "migrate")

    said = "\n".join(done(empty_database, "legacy", "restore", "--folder", backup, typed=name))
    assert "nothing was written since" in said
    assert "other than in the backup" not in said
    with psycopg.connect(empty_database, autocommit=True) as connection:
        assert bytes_of_tables(connection.cursor()) == before


def test_a_copy_is_a_template_or_a_dump_where_others_are_connected(
    legacy: psycopg.Cursor, empty_database: str
) -> None:
    generation(1, legacy)
    before = bytes_of_tables(legacy)
    for is_open, words in (
        (True, "others are connected, so the copy is dumped and restored"),
        (False, "copied to"),
    ):
        said: list[str] = []
        if not is_open:
            legacy.connection.close()
        with rehearsing.copy_of(server_at(empty_database), False, {}, said.append) as copy:
            assert said[0].startswith(words)
            with copy.connect() as connection:
                assert bytes_of_tables(connection.cursor()) == before
        with server_at(empty_database).other("postgres").connect() as connection:
            left = "SELECT count(*) FROM pg_database WHERE datname = %s"
            assert connection.execute(left, [copy.database]).fetchone() == (0,)


def test_what_a_killed_rehearsal_left_goes_with_the_next_and_a_failed_one_leaves_nothing(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, said = server_at(empty_database), list[str]()
    with rehearsing.copy_of(server, True, {}, said.append) as kept:
        pass
    left, mine = (server.other(f"{server.database}{end}") for end in ("_rehearsal_120000", "_kept_by_me"))
    with server.other("postgres").connect() as connection:
        for one in (left, mine):
            connection.execute(f"CREATE DATABASE {one.database} TEMPLATE template0")

        def cannot_be_filled(*all_of_it: object) -> None:
            raise ProgramFailed("no space left")

        monkeypatch.setattr(rehearsing, "_fill", cannot_be_filled)
        with (
            server.connect(),
            pytest.raises(NotTrue, match="no copy could be made: no space left"),
            rehearsing.copy_of(server, False, {}, said.append),
        ):
            pass
        assert f"dropped: {left.database}, which an earlier rehearsal left" in said
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY 1", [f"{server.database}%"]
        )
        there = {name for (name,) in names}
        assert there == {server.database, kept.database, mine.database}
        for one in (kept, mine):
            connection.execute(f"DROP DATABASE {one.database}")


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_rehearsed_moved_in_and_moved_in_again(
    number: int, legacy: psycopg.Cursor, empty_database: str, tmp_path: Path
) -> None:
    generation(number, legacy)
    ids = {table: legacy.execute(IDS.format(table)).fetchall() for table in _with_ids(number)}
    legacy.connection.close()
    prepare(empty_database, tmp_path)
    assert re.search(r"it will take about \d+ s", done(empty_database, "legacy", "rehearse")[-1])
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT to_regclass('tradingbot.positions')").fetchone() == (None,)

    said = "\n".join(move_in(empty_database))
    with psycopg.connect(empty_database, autocommit=True) as connection:
        cursor = connection.cursor()
        assert cursor.execute(TYPES).fetchall() == AS_TEXT
        assert {table: cursor.execute(IDS.format(table)).fetchall() for table in ids} == ids
        if number:
            states = cursor.execute("SELECT id FROM monitoring.trailing_stop_state ORDER BY id").fetchall()
            assert [state for (state,) in states] == sorted(LIVE_STATES)
            assert f"stale trailing states: 0, {len(STALE_STATES)} before" in said
        once = bytes_of_tables(cursor)
    done(empty_database, "migrate", "--noinput")
    with psycopg.connect(empty_database, autocommit=True) as connection:
        assert bytes_of_tables(connection.cursor()) == once


def _with_ids(number: int) -> list[str]:
    both = {"positions": POSITIONS_WITH_SIGNAL_ID, "trades": TRADES_WITH_SIGNAL_ID}
    return [table for table, counts in both.items() if number in counts]
