"""PostgreSQL and Redis of the campaign, and a database for each worker."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from cryptography.fernet import Fernet
from psycopg import sql

from ops.embedded.postgres import EmbeddedPostgres
from ops.embedded.redis import EmbeddedRedis
from ops.embedded.running import running


@contextmanager
def servers() -> Iterator[None]:
    """Started for the campaign alone; nothing of the caller's own settings is used."""
    home = Path(tempfile.mkdtemp(prefix="tb-campaign-"))
    postgres, redis = EmbeddedPostgres(home / "postgres", for_tests=True), EmbeddedRedis(home / "redis")
    os.environ.update(environment(), DATABASE_URL=postgres.url(), REDIS_URL=redis.url())
    try:
        with running([postgres.program(), redis.program()], home):
            yield
    finally:
        shutil.rmtree(home, ignore_errors=True)


def environment() -> dict[str, str]:
    """What workers inherit, apart from the servers' addresses."""
    return {
        "SECRET_KEY": "only-for-tests-" + "x" * 40,
        "FIELD_KEYS": Fernet.generate_key().decode(),
        "DRY_RUN": "true",
        "PAPER_EXCHANGE_URL": "inprocess:campaign",
        "DJANGO_SETTINGS_MODULE": "tests.campaign.settings",
        "PYTHONHASHSEED": "0",  # a world is told again only when its sets keep their order
    }


def take_own_database() -> None:
    """Before Django reads its settings. A copy of the server's template, where it has one: migrated already."""
    url, name = os.environ["DATABASE_URL"], f"campaign_{os.getpid()}"
    given = urlsplit(url).path.removeprefix("/")
    with psycopg.connect(_with_database(url, "postgres"), autocommit=True) as server:
        ours = server.execute("SELECT datname FROM pg_database WHERE datistemplate AND datname = %s", [given])
        (template,) = ours.fetchone() or ("template1",)
        names = sql.Identifier(name), sql.Identifier(template)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    os.environ["DATABASE_URL"] = _with_database(url, name)
    os.environ["REDIS_PREFIX"] = name


def _with_database(url: str, name: str) -> str:
    before, _, query = url.partition("?")
    return f"{before.rpartition('/')[0]}/{name}?{query}"
