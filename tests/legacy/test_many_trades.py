"""A million trades come in a bounded time and in the memory of a thousand; killed in between, none twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.legacy.databases import cursor_of
from tests.legacy.generations import generation, many_trades
from tests.ops.waiting import until

ROOT = Path(__file__).resolve().parents[2]
MEGABYTES_MORE = 60
IMPORT = """
import resource, sys, time
import django
django.setup()
from ops.legacy.services.importing import import_all

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

before, began = peak(), time.monotonic()
import_all(lambda line: None)
print(before, peak(), round(time.monotonic() - began, 1))
"""


@pytest.fixture
def old_bot(our_database: str) -> Iterator[tuple[str, psycopg.Cursor]]:
    cursor = cursor_of(our_database)
    generation(1, cursor, foreign_key=False, views=False)
    yield our_database, cursor
    cursor.connection.close()


def importing(address: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "tradingbot.settings"}
    return subprocess.Popen(
        [sys.executable, "-c", IMPORT], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )


def ask(cursor: psycopg.Cursor, text: str) -> int:
    return cursor.execute(text).fetchone()[0]


def trades(cursor: psycopg.Cursor) -> int:
    return ask(cursor, "SELECT count(*) FROM tradingbot.trades")


@pytest.mark.parametrize(
    ("count", "kills"),
    [(4_000, 1), pytest.param(1_000_000, 4, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])],
)
def test_many_trades(count: int, kills: int, old_bot: tuple[str, psycopg.Cursor]) -> None:
    address, cursor = old_bot
    many_trades(count, cursor)
    for _ in range(kills):
        kill_in_the_midst(address, cursor)
    run = importing(address)
    said, _ = run.communicate()
    before, peak, seconds = said.split()
    print(
        f"{count} trades: the last run took {seconds} s, peak memory {peak} MB ({before} MB before the first)"
    )
    assert int(peak) - int(before) < MEGABYTES_MORE
    assert trades(cursor) == count + 8
    assert ask(cursor, "SELECT count(DISTINCT trade_id) FROM tradingbot.trades") == count + 8
    counted = "SELECT reltuples FROM pg_class WHERE oid = 'tradingbot.legacy_rows'::regclass"
    assert ask(cursor, counted) > count, "or the next run would go through all of them for each trade"
    told = "\"table\" = 'monitoring.trades' AND outcome = 'imported'"
    assert ask(cursor, f"SELECT count(*) FROM tradingbot.legacy_rows WHERE {told}") == count + 8  # noqa: S608


def kill_in_the_midst(address: str, cursor: psycopg.Cursor) -> None:
    known = trades(cursor)
    run = importing(address)
    until(lambda: trades(cursor) > known or run.poll() is not None, "an import that has begun", seconds=120)
    run.send_signal(signal.SIGKILL)
    run.communicate()
