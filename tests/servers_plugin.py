"""One real PostgreSQL and one real Redis for the whole test run, before Django reads its settings.

The controller starts them and sets the environment; xdist workers inherit it and only take a Redis
database and key prefix of their own. DATABASE_URL or REDIS_URL in the environment are used as they are; that role has
to be a superuser.
"""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from ops.embedded.postgres import EmbeddedPostgres
from ops.embedded.redis import EmbeddedRedis
from ops.embedded.running import running
from ops.program import Program
from tests.run_folder import run_folder
from tests.template_database import OUR_POSTGRES

OWN_REDIS = "TEST_REDIS_IS_OURS"
_servers = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        start_servers()
        set_environment()
    take_own_redis(worker or "gw0")
    return (yield)


def pytest_unconfigure() -> None:
    _servers.close()


def start_servers() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    atexit.register(_servers.close)
    home = _servers.enter_context(run_folder())
    programs = list(_missing_servers(home))
    _servers.enter_context(running(programs, home))


def _missing_servers(home: Path) -> Iterator[Program]:
    if not os.environ.get("DATABASE_URL"):
        postgres = EmbeddedPostgres(home / "postgres", for_tests=True)
        os.environ["DATABASE_URL"] = postgres.url()
        os.environ[OUR_POSTGRES] = postgres.url("postgres")
        yield postgres.program()
    if not os.environ.get("REDIS_URL"):
        redis = EmbeddedRedis(home / "redis")
        os.environ["REDIS_URL"] = redis.url()
        os.environ[OWN_REDIS] = "1"
        yield redis.program()


def set_environment() -> None:
    """Nobody listens at port 9: a test that needs the paper exchange starts one and says so."""
    os.environ.update(
        SECRET_KEY="only-for-tests-" + "x" * 40,
        FIELD_KEYS=Fernet.generate_key().decode(),
        DRY_RUN="true",
        PAPER_EXCHANGE_URL="http://127.0.0.1:9",
    )


def take_own_redis(worker: str) -> None:
    os.environ["REDIS_PREFIX"] = f"test-{worker}"
    if os.environ.get(OWN_REDIS):
        number = int(worker.removeprefix("gw")) % 63 + 1
        os.environ["REDIS_URL"] = os.environ["REDIS_URL"].partition("?")[0] + f"?db={number}"
