"""pg_dump, pg_restore and psql: those installed here whose version fits the server, else the embedded package's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ops.embedded.postgres import binary
from ops.legacy.server import Server
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
class ClientPrograms:
    folder: Path
    version: int

    def run(self, server: Server, name: str, *arguments: str) -> None:
        """Raises unless it ended well. Nobody is asked for a password."""
        result = subprocess.run(
            self._command(name, arguments),
            env={**os.environ, **server.env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        if result.returncode:
            raise ProgramFailed(server.without_password(_failure(name, result.returncode, result.stderr)))

    def output_of(self, name: str, *arguments: str) -> str:
        """Without any server."""
        result = subprocess.run(self._command(name, arguments), stdin=subprocess.DEVNULL, capture_output=True)
        if result.returncode:
            raise ProgramFailed(_failure(name, result.returncode, result.stderr))
        return result.stdout.decode()

    @contextmanager
    def reading(self, name: str, *arguments: str) -> Iterator[IO[bytes]]:
        """What it writes; raises at the end unless it ended well."""
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(self._command(name, arguments), stdout=subprocess.PIPE, stderr=errors)
            with process:
                assert process.stdout  # noqa: S101
                yield process.stdout
            _raise_unless_well(name, process, errors)

    @contextmanager
    def fed(self, server: Server, name: str, *arguments: str) -> Iterator[IO[bytes]]:
        """What it reads. It is killed, and what it began rolled back, where the feeding fails."""
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self._command(name, arguments),
                env={**os.environ, **server.env},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
            assert process.stdin  # noqa: S101
            try:
                yield process.stdin
                process.stdin.close()
            except BrokenPipeError:
                process.wait()  # it refused something, and says below what
            except BaseException:
                process.kill()
                raise
            finally:
                with suppress(BrokenPipeError):
                    process.stdin.close()
                process.wait()
            _raise_unless_well(name, process, errors, server)

    def _command(self, name: str, arguments: Sequence[str]) -> list[str]:
        return [str(self.folder / name), *arguments]


def _raise_unless_well(
    name: str, process: subprocess.Popen[bytes], errors: IO[bytes], server: Server | None = None
) -> None:
    if process.returncode:
        errors.seek(0)
        said = _failure(name, process.returncode, errors.read())
        raise ProgramFailed(server.without_password(said) if server else said)


def _failure(name: str, status: int, stderr: bytes) -> str:
    said = " ".join(stderr.decode(errors="replace").split())[-DETAILS_KEPT:]
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return f"{name} {how}: {without_secrets(said) or 'it said nothing'}"


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
