"""The files by hand through psql; and killed in the midst: the database is before or after, never between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from ops.embedded.postgres import EmbeddedPostgres, binary
from ops.embedded.running import running
from ops.legacy import catalog
from ops.legacy.sql_files import IN_ORDER, SIGNAL_IDS, path_of
from tests.legacy.databases import cursor_of
from tests.legacy.generations import generation
from tests.legacy.pictures import asked, before_and_after, picture
from tests.legacy.running import run
from tests.ops.waiting import until

THERE_AND_BACK = [path_of(name) for name in IN_ORDER] + [
    path_of(name, back=True) for name in reversed(IN_ORDER)
]
WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
THE_END, THE_MIDDLE, THE_START = "monitoring.risk_events", "fas.scoring_history", "monitoring.positions"
A_SLOW_START = 100.0
IN_ONE_MESSAGE = """
import sys, psycopg
from pathlib import Path
psycopg.connect(sys.argv[1], autocommit=True).execute(Path(sys.argv[2]).read_bytes())
"""


def by_hand(database: str, path: Path) -> subprocess.Popen[str]:
    command = [str(binary("psql")), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(path), "-d", database]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def as_we_do(database: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", IN_ONE_MESSAGE, database, str(path)])


@contextmanager
def somebody_reading(database: str, table: str, mode: str = "ACCESS EXCLUSIVE") -> Iterator[None]:
    with psycopg.connect(database) as other:
        other.execute(f"LOCK TABLE {table} IN {mode} MODE")
        yield
        other.rollback()


def kill_where_it_waits(
    cursor: psycopg.Cursor, database: str, table: str, process: subprocess.Popen[str]
) -> None:
    """The caller holds the table."""
    until(lambda: asked(cursor, WAITS) == [(True,)] or process.poll(), f"waiting for {table}", A_SLOW_START)
    assert process.poll() is None, process.communicate()[1]
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def be_alone(cursor: psycopg.Cursor) -> None:
    until(lambda: asked(cursor, OTHERS) == [(0,)], "the end of all other sessions")


def finish(database: str, path: Path) -> None:
    process = by_hand(database, path)
    said = process.communicate()[1]
    assert process.returncode == 0, said


def test_each_file_by_hand_killed_at_its_end_and_then_whole(
    legacy: psycopg.Cursor, empty_database: str
) -> None:
    generation(1, legacy)
    as_made = picture(legacy)
    for path in THERE_AND_BACK:
        before = picture(legacy)
        with somebody_reading(empty_database, THE_END):
            kill_where_it_waits(legacy, empty_database, THE_END, by_hand(empty_database, path))
        be_alone(legacy)
        assert picture(legacy) == before, f"{path.name} left something"
        finish(empty_database, path)
        assert picture(legacy) != before
    assert before_and_after(picture(legacy)) == before_and_after(as_made)


@pytest.mark.parametrize("number", [0, 2])
def test_the_other_generations_by_hand(legacy: psycopg.Cursor, empty_database: str, number: int) -> None:
    generation(number, legacy)
    as_made = picture(legacy)
    for path in THERE_AND_BACK:
        finish(empty_database, path)
    assert before_and_after(picture(legacy)) == before_and_after(as_made)


def test_a_refusal_by_hand_has_a_status(legacy: psycopg.Cursor, empty_database: str) -> None:
    generation(1, legacy)
    finish(empty_database, path_of(SIGNAL_IDS))
    legacy.execute("UPDATE monitoring.trades SET signal_id = 'wave_123' WHERE id = 1")
    before = picture(legacy)
    process = by_hand(empty_database, path_of(SIGNAL_IDS, back=True))
    assert (
        "monitoring.trades holds 1 signal id that no integer can hold (wave_123)" in process.communicate()[1]
    )
    assert process.returncode == 3
    assert picture(legacy) == before


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("table", [THE_START, THE_MIDDLE, THE_END])
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("start", [by_hand, as_we_do])
def test_each_file_killed_where_it_waits(
    legacy: psycopg.Cursor, empty_database: str, number: int, table: str, start
) -> None:
    """Sent as one message, the commit may be at the server already when its sender dies."""
    generation(number, legacy)
    as_made = picture(legacy)
    for path in THERE_AND_BACK:
        before = picture(legacy)
        waits = table != THE_MIDDLE or "003" in path.name
        if waits:
            with somebody_reading(empty_database, table):
                kill_where_it_waits(legacy, empty_database, table, start(empty_database, path))
            be_alone(legacy)
        now = picture(legacy)
        run(legacy, path)
        assert now == before or now == picture(legacy), f"{path.name} was killed between"
    assert before_and_after(picture(legacy)) == before_and_after(as_made)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_server_killed_in_the_midst_of_each_file(
    tmp_path_factory: pytest.TempPathFactory, number: int
) -> None:
    home = tmp_path_factory.mktemp("pg")
    postgres = EmbeddedPostgres(home / "data")
    database = postgres.url()
    with running([postgres.program()], home):
        generation(number, cursor_of(database))
        as_made = picture(cursor_of(database))
    for path in THERE_AND_BACK:
        with running([postgres.program()], home) as (server,):
            cursor = cursor_of(database)
            before = picture(cursor)
            has_end = catalog.has_table(cursor, THE_END)
            with (
                suppress(psycopg.OperationalError),
                somebody_reading(database, THE_END if has_end else THE_START),
            ):
                process = by_hand(database, path)
                until(lambda: process.poll() is not None or asked(cursor, WAITS) == [(True,)], "waiting")  # noqa: B023
                kill_all_of(server)
                assert process.wait() in (0, 2, 3)
        with running([postgres.program()], home):
            cursor = cursor_of(database)
            assert picture(cursor) == before, f"{path.name} left something"
            finish(database, path)
    with running([postgres.program()], home):
        assert before_and_after(picture(cursor_of(database))) == before_and_after(as_made)


def kill_all_of(server: subprocess.Popen[bytes]) -> None:
    first = psutil.Process(server.pid)
    for one in (first, *first.children(recursive=True)):
        one.kill()
    server.wait()
