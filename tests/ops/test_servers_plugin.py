"""The test run itself stands on real servers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection

from tests.ops.waiting import until
from tests.run_folder import OWNER, PREFIX, run_folder
from tradingbot.environment import BASE_DIR

AT_WORK = """
import signal
from pathlib import Path

def test_that_takes_its_time():
    Path(__file__).with_name("began").touch()
    signal.pause()
"""


@pytest.mark.django_db
def test_our_tables_live_in_our_own_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema FROM information_schema.tables WHERE table_name = 'django_migrations'"
        )
        assert cursor.fetchall() == [(settings.DB_SCHEMA,)]


def test_redis_answers_in_a_database_of_this_worker() -> None:
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    assert client.ping()
    client.close()
    assert f"test-{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}" == settings.REDIS_PREFIX


def test_settings_use_the_servers_of_the_run() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


@contextmanager
def a_run(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """In the middle of a test. It has this run's servers, and a folder of its own."""
    (folder / "test_long.py").write_text(AT_WORK)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-c", str(BASE_DIR / "pyproject.toml"), str(folder)]
    run = subprocess.Popen(
        command, cwd=BASE_DIR, env=env | {"TMPDIR": str(folder)}, stdout=subprocess.PIPE, text=True
    )
    try:
        until((folder / "began").exists, "the test in it")
        yield run
    finally:
        run.kill()
        run.communicate()


def test_a_run_that_is_ended_leaves_no_folder(tmp_path: Path) -> None:
    with a_run(tmp_path) as run:
        assert len(list(tmp_path.glob(f"{PREFIX}*/{OWNER}"))) == 1
        run.send_signal(signal.SIGTERM)
        said, _ = run.communicate(timeout=60)
    assert "KeyboardInterrupt" in said
    assert list(tmp_path.glob(f"{PREFIX}*")) == []


def test_what_a_killed_run_left_goes_with_the_next_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}somebodys").mkdir()
    with run_folder(tmp_path) as beside:
        with a_run(tmp_path) as run:
            run.kill()
            run.wait()
        (left,) = {one.parent for one in tmp_path.glob(f"{PREFIX}*/{OWNER}")} - {beside}
        with run_folder(tmp_path):
            assert (left.exists(), beside.exists()) == (False, True)
    assert [one.name for one in tmp_path.glob(f"{PREFIX}*")] == [f"{PREFIX}somebodys"]
