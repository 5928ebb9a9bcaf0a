"""Where things are tried: a database beside the installation's, a paper exchange of its own, a process of its own. The
installation's rows, queues and accounts are out of reach from there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
import redis
from django.conf import settings

from ops.children import Children
from ops.embedded.running import running
from ops.ports import free_port
from ops.program import Program
from ops.redaction import redacted_text
from ops.verification.catalog import structure
from ops.verification.structure import Structure
from ops.verification.trial_database import Fill, address_of, create, trial_database

BASE = Path(__file__).resolve().parents[2]
TRIAL_SECONDS = 300
NOWHERE = "http://127.0.0.1:9"
REDIS_SECONDS = 5


class TrialBroke(Exception):
    """The text is the last thing it said."""


class Workshop:
    """Database, keys and folder have the same names each time: what a killed verification left, the next one finds."""

    def __init__(self, stack: ExitStack, folder: Path, make: Fill | None = None) -> None:
        """`make` fills the database; usually every migration is run in it."""
        self._stack, self._folder, self._make = stack, folder, make or self._migrated
        self._prefix = f"{settings.REDIS_PREFIX}-verification"

    def wanted_structure(self) -> Structure:
        """What the migrations of this code make."""
        with psycopg.connect(address_of(self._database)) as there:
            there.execute("SELECT set_config('search_path', %s, false)", [settings.DB_SCHEMA])
            return structure(there.cursor(), settings.DB_SCHEMA)

    def trial(self, name: str) -> dict[str, Any]:
        said = self._manage("verification_trial", name)
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found

    def trial_on_paper(self, name: str) -> dict[str, Any]:
        """With a paper exchange that listens, for what is measured over sockets."""
        self._database  # noqa: B018 - alone from here on
        port = free_port()
        paper = Children(BASE, self._environment).paper(port, self._folder / "paper")
        with running([paper], self._folder):
            said = self._manage("verification_trial", name, PAPER_EXCHANGE_URL=f"http://127.0.0.1:{port}")
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found

    @cached_property
    def _database(self) -> str:
        name = self._stack.enter_context(trial_database(self._fill))
        self._stack.callback(self._forget)
        return name

    def _fill(self, server: psycopg.Connection, name: str) -> None:
        self._forget()
        self._folder.mkdir(parents=True)
        self._make(server, name)

    def _migrated(self, server: psycopg.Connection, name: str) -> None:
        create(server, name)
        self._run(["migrate", "--verbosity", "0"], self._environment | {"DATABASE_URL": address_of(name)})

    @cached_property
    def _environment(self) -> dict[str, str]:
        """Each value is said here, so that no file says it otherwise. No order of it can reach a real exchange."""
        return os.environ | {
            "REDIS_URL": settings.REDIS_URL, "REDIS_PREFIX": self._prefix, "DB_SCHEMA": settings.DB_SCHEMA,
            "SECRET_KEY": settings.SECRET_KEY, "FIELD_KEYS": ",".join(settings.FIELD_KEYS),
            "SIGNALS_STREAM": f"{self._prefix}-signals", "LOG_LEVEL": "ERROR",
            "DRY_RUN": "true", "PAPER_EXCHANGE_URL": NOWHERE, "PAPER_EXCHANGE_URLS": "", "SIGNAL_WS_URL": "",
        }  # fmt: skip

    def _manage(self, *command: str, **environment: str) -> str:
        said = {"DATABASE_URL": address_of(self._database)} | environment
        return self._run(list(command), self._environment | said)

    def _run(self, command: list[str], environment: dict[str, str]) -> str:
        program = Program(command[0], [sys.executable, str(BASE / "manage.py"), *command], environment, BASE)
        done: subprocess.CompletedProcess[str] = subprocess.run(
            program.argv(), **program.spawn_options(), capture_output=True, text=True, timeout=TRIAL_SECONDS
        )
        if done.returncode:
            raise TrialBroke(f"{command[0]}: {redacted_text(_last_words(done.stderr))}")
        return done.stdout

    def _forget(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=REDIS_SECONDS) as client:
            for key in client.scan_iter(f"{self._prefix}*"):
                client.unlink(key)


def _last_words(said: str) -> str:
    """The exception's own line, without what it quotes below."""
    named = [line for line in said.splitlines() if re.match(r"[\w.]+: ", line)]
    return (named or said.strip().splitlines() or ["it said nothing"])[-1]
