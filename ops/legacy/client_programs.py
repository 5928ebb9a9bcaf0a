"""pg_dump, pg_restore and psql: those installed here whose version fits the server, else the embedded package's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import Conninfo

from ops.embedded.postgres import binary
from ops.program import CannotStart
from ops.redaction import without_secrets

NEEDED = ("pg_dump", "pg_restore", "psql")
INSTALLED = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
NOT_OURS_TO_PASS = (
    "options",
    "dbname",
    "password",
)  # of the address: the first would hide all schemas but ours
DETAILS_KEPT = 600


class ProgramFailed(Exception):
    """One sentence with what the program said, without secrets."""


@dataclass(frozen=True)
class Server:
    """Where a database is, as environment: a password in an argument list is read by everybody on the machine."""

    database: str
    env: Mapping[str, str] = field(repr=False)

    def other(self, database: str) -> Server:
        return Server(database, {**self.env, "PGDATABASE": database})


@dataclass(frozen=True)
class ClientPrograms:
    folder: Path
    version: int

    def run(self, server: Server, name: str, *arguments: str, stdin: IO[bytes] | None = None) -> None:
        """Raises unless it ended well. Nobody is asked for a password."""
        command = [str(self.folder / name), *arguments]
        result = subprocess.run(
            command, env={**os.environ, **server.env}, stdin=stdin or subprocess.DEVNULL, capture_output=True
        )
        if result.returncode:
            raise ProgramFailed(_failure(name, result.returncode, result.stderr, server))

    def output_of(self, name: str, *arguments: str) -> str:
        result = subprocess.run([str(self.folder / name), *arguments], capture_output=True, text=True)
        if result.returncode:
            raise ProgramFailed(f"{name} failed: {without_secrets(result.stderr.strip())[-DETAILS_KEPT:]}")
        return result.stdout


def _failure(name: str, status: int, stderr: bytes, server: Server) -> str:
    said = " ".join(stderr.decode(errors="replace").split())[-DETAILS_KEPT:]
    if password := server.env.get("PGPASSWORD"):
        said = said.replace(password, "…")
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return f"{name} {how}: {without_secrets(said) or 'it said nothing'}"


def server_of(connection: BaseDatabaseWrapper) -> Server:
    """Each option of the address by the environment variable that libpq reads it from."""
    given: dict[str, Any] = {**connection.get_connection_params()}
    known = {one.keyword.decode(): one.envvar.decode() for one in Conninfo.get_defaults() if one.envvar}
    env = {
        known[name]: str(value)
        for name, value in given.items()
        if name in known and name not in NOT_OURS_TO_PASS and value not in (None, "")
    }
    if password := given.get("password"):
        env["PGPASSWORD"] = str(password)
    database = str(given["dbname"])
    return Server(database, {**env, "PGDATABASE": database})


def fitting(server_version: int) -> ClientPrograms:
    """Of the server's own version where there are such, else the oldest newer ones: an older pg_dump refuses."""
    found = [one for one in map(_programs_in, _folders()) if one and one.version >= server_version]
    if not found:
        raise ProgramFailed(
            f"the server is PostgreSQL {server_version} and no pg_dump here is as new; "
            f"install postgresql-client-{server_version}"
        )
    return min(found, key=lambda one: one.version)


def _folders() -> Iterator[Path]:
    for (
        pattern
    ) in INSTALLED:  # before the search path: what Debian has there picks a version by rules of its own
        yield from sorted(Path("/").glob(pattern.removeprefix("/")))
    if path := shutil.which("pg_dump"):
        yield Path(path).parent
    try:
        yield binary("pg_dump").parent
    except CannotStart:
        return


def _programs_in(folder: Path) -> ClientPrograms | None:
    if not all(os.access(folder / name, os.X_OK) for name in NEEDED):
        return None
    said = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True).stdout
    version = re.search(r"\) (\d+)", said)
    return ClientPrograms(folder, int(version[1])) if version else None
