"""A command whose servers are away, or whose reader has left, ends with a line and not with a traceback."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.db import ProgrammingError, connection, transaction
from redis.exceptions import RedisError

from ops.one_line import sentence_of
from tradingbot.environment import BASE_DIR

NOWHERE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}


def ran(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "manage.py", *words]
    return subprocess.run(
        command, cwd=BASE_DIR, env=os.environ | NOWHERE, capture_output=True, text=True, timeout=60
    )


def test_without_a_database_a_command_ends_with_one_line_that_says_so() -> None:
    done = ran("positions", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The database does not answer, or refuses: connection failed")
    assert (done.stderr.count("\n"), "DATABASE_URL" in done.stderr) == (1, True)


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["SELECT 1 FROM nowhere", "SELECT nothing FROM auth_user"])
def test_tables_of_another_version_are_told_as_what_they_are(query: str) -> None:
    with pytest.raises(ProgrammingError) as told, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(query)
    assert "Run manage.py migrate." in (sentence_of(told.value) or "")


def test_what_is_about_no_server_is_not_hidden() -> None:
    assert sentence_of(ValueError("a bug")) is None
    assert (sentence_of(RedisError("refused")) or "").startswith(
        "Redis does not answer, or refuses: refused."
    )


@pytest.mark.soak
def test_who_wants_it_all_gets_it_all() -> None:
    assert "Traceback" in ran("positions", "--traceback").stderr


def test_a_reader_that_leaves_is_no_fault() -> None:
    told = "import sys; from ops.one_line import run_in_one_line as run; run(lambda: print('x' * 10_000_000))"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=BASE_DIR, stdout=writer, stderr=subprocess.PIPE, timeout=60
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
