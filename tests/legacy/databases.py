"""Databases of a test's own, beside those of the test run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from tests.template_database import OUR_POSTGRES

_numbers = count(1)


@contextmanager
def new_database(template: str = "template0") -> Iterator[str]:
    """The address of a new database: an empty one, or a copy."""
    server = os.environ.get(OUR_POSTGRES) or os.environ["DATABASE_URL"]
    name = f"legacy_{os.getpid()}_{next(_numbers)}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(create)
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def django_connection(address: str) -> Iterator[BaseDatabaseWrapper]:
    """As Django has it to its own database, to this one."""
    connections.settings["legacy"] = {**settings.DATABASES["default"], "NAME": name_of(address)}
    try:
        yield connections["legacy"]
    finally:
        connections["legacy"].close()
        del connections["legacy"], connections.settings["legacy"]


def name_of(address: str) -> str:
    return urlsplit(address).path.removeprefix("/")


def cursor_of(address: str) -> psycopg.Cursor:
    """Of a connection that commits by itself and lives as long as the cursor."""
    return psycopg.connect(address, autocommit=True).cursor()
