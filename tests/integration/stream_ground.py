"""PostgreSQL, Redis and consumers of the signal stream, all of them to be taken away; nothing else of the bot."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import redis
from django.conf import settings

from ops.embedded.postgres import EmbeddedPostgres
from signals_app.sources.redis_stream import GROUP, dead_stream
from tests.integration.parts import Part, Redis
from tests.ops.waiting import until

START_SECONDS = 60.0
_numbers = count(1)
CONSUMERS = "application_name = 'signal stream' AND datname = current_database()"


class Postgres:
    """Durable, as in a real run: what was committed is there after a kill."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedPostgres(folder / "postgres")
        self.url = self._server.url()
        program = self._server.program()
        self._part = Part(folder / "postgres-log", *program.argv()[1:])

    def start(self) -> None:
        self._server.prepare()
        self._part.start()
        until(self._server.is_ready, "PostgreSQL", START_SECONDS)

    @contextmanager
    def running(self) -> Iterator[Postgres]:
        self.start()
        try:
            yield self
        finally:
            self._part.signal(signal.SIGINT)
            self._part.stop()

    @contextmanager
    def gone(self) -> Iterator[None]:
        self._part.kill()
        try:
            yield
        finally:
            self.start()

    def ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as session:
            session.execute(f"SET search_path = {settings.DB_SCHEMA}")
            cursor = session.execute(question, values)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def ledger_locked(self) -> Iterator[None]:
        """Nobody can write a signal's row meanwhile."""
        with closing(psycopg.connect(self.url)) as session:
            session.execute(f"LOCK TABLE {settings.DB_SCHEMA}.signals_v2_log IN SHARE MODE")
            yield

    def whose_turn(self) -> int | None:
        """The session that has the lock of turns."""
        held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
        turns = f"SELECT pid FROM pg_stat_activity WHERE {CONSUMERS}"  # noqa: S608
        found = self.ask(f"{held} AND pid IN ({turns})")
        return found[0][0] if found else None

    def writers_waiting(self) -> int:
        """One whose process was killed does not know it before it has its lock."""
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%signals_v2_log%%'"
        return len(self.ask(waiting))


class Ground:
    def __init__(self, folder: Path, postgres: Postgres, redis: Redis) -> None:
        self.postgres, self.redis, self._folder = postgres, redis, folder
        self.stream = settings.SIGNALS_STREAM
        self.environment = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
        self._sent = 0

    def run(self, *command: str) -> str:
        """A command of the bot, to its end."""
        log = self._folder / f"{command[0]}-{next(_numbers)}.log"
        part = Part(log, "manage.py", *command, **self.environment)
        part.start()
        until(lambda: not part.is_running, command[0], START_SECONDS)
        part.stop()
        return log.read_text()

    @contextmanager
    def consumers(self, number: int) -> Iterator[list[Part]]:
        with ExitStack() as stack:
            parts = [self.consumer() for _ in range(number)]
            for part in parts:
                part.start()
                stack.callback(part.stop)
            self.await_consumers(number)
            yield parts

    def consumer(self) -> Part:
        return Part(self._folder / "intake-log", "manage.py", "run_signals", **self.environment)

    def await_consumers(self, number: int) -> None:
        """As many processes have sessions; each has one for its turns."""
        turns = f"SELECT 1 FROM pg_stat_activity WHERE {CONSUMERS}"  # noqa: S608
        until(lambda: len(self.postgres.ask(turns)) >= number, "the consumers", START_SECONDS)

    @contextmanager
    def client(self) -> Iterator[redis.Redis]:
        with redis.Redis.from_url(self.redis.url, decode_responses=True) as made:
            yield made

    def send(self, number: int, story: str) -> None:
        """Signals of three symbols, every fifth of them a repeat; each says when it was its turn. They are on disk."""
        with self.client() as client:
            for _ in range(number):
                self._sent += 1
                symbol, word = "ABC"[self._sent % 3] * 3 + "USDT", f"{story} {self._sent}"
                bar_time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self._sent)
                for _ in range(2 if self._sent % 5 == 0 else 1):
                    client.xadd(
                        self.stream, {"symbol": symbol, "message": word, "bar_time": bar_time.isoformat()}
                    )
            client.execute_command("WAITAOF", 1, 0, 10_000)

    def rows(self, story: str) -> list[tuple[str, int]]:
        """Symbol and number of each signal, in the order in which they became rows."""
        found = self.postgres.ask(
            "SELECT symbol, message FROM signals_v2_log WHERE message LIKE %s ORDER BY id", f"{story} %"
        )
        return [(symbol, int(message.split()[-1])) for symbol, message in found]

    def is_worked_off(self) -> bool:
        with self.client() as client:
            groups = [one for one in client.xinfo_groups(self.stream) if one["name"] == GROUP]
            newest = client.xrevrange(self.stream, count=1)
            return (
                bool(groups) and not groups[0]["pending"] and newest[0][0] == groups[0]["last-delivered-id"]
            )

    def await_all(self, story: str, first: int, number: int, seconds: float = 60.0) -> None:
        """Each became one row, each symbol's in the order in which they were sent, and none was given up."""
        until(self.is_worked_off, "the end of the work", seconds)
        rows = self.rows(story)
        assert sorted(one for _, one in rows) == list(range(first, first + number))
        for symbol in {symbol for symbol, _ in rows}:
            own = [one for name, one in rows if name == symbol]
            assert own == sorted(own), symbol
        with self.client() as client:
            assert client.xlen(dead_stream(self.stream)) == 0

    @property
    def next_number(self) -> int:
        return self._sent + 1

    def busy_consumer(self) -> int:
        """The process that has something in hand."""
        with self.client() as client:
            rows = client.xinfo_consumers(self.stream, GROUP)
        return next(int(row["name"].partition("-")[2]) for row in rows if row["pending"])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@contextmanager
def a_ground(folder: Path) -> Iterator[Ground]:
    with Postgres(folder).running() as postgres, Redis(folder).running() as redis_server:
        ground = Ground(folder, postgres, redis_server)
        ground.run("migrate", "--verbosity", "0")
        yield ground
