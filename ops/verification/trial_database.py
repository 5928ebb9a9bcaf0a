"""A database of its own beside the installation's: empty but for what migrations make, and gone at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import psycopg
from django.db import connection
from psycopg import sql

from ops.own_session import own_session
from ops.verification.verdicts import CannotAsk

ONE_AT_A_TIME = 0x766572696679  # any number of our own
Fill = Callable[[psycopg.Connection, str], None]


@contextmanager
def trial_database(make: Fill) -> Iterator[str]:
    """Its name. One that a killed verification left is dropped first."""
    name = f"{connection.settings_dict['NAME']}_verification"
    with own_session() as server:
        alone = server.execute("SELECT pg_try_advisory_lock(%s)", [ONE_AT_A_TIME]).fetchone()
        if alone != (True,):
            raise CannotAsk("another verification of this database is running; wait for its end")
        try:
            _drop(server, name)
            make(server, name)
            yield name
        except psycopg.errors.InsufficientPrivilege as refused:
            raise CannotAsk(
                "the database role may not make a database to try things in: ALTER ROLE ... CREATEDB"
            ) from refused
        finally:
            _drop(server, name)


def create(server: psycopg.Connection, name: str) -> None:
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def address_of(name: str) -> str:
    """As DATABASE_URL, with what the installation's own address says of server and user."""
    parameters = connection.get_connection_params() | {"dbname": name}
    # the search path and what Django adds are decided anew by whoever uses the address
    ours_alone = ("options", "cursor_factory", "context", "prepare_threshold", "client_encoding")
    said = {key: str(value) for key, value in parameters.items() if key not in ours_alone and value}
    return "postgresql://?" + urlencode(said, quote_via=quote)


def _drop(server: psycopg.Connection, name: str) -> None:
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
