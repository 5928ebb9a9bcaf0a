from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest

from tests.legacy.databases import name_of, new_database


@pytest.fixture
def empty_database() -> Iterator[str]:
    """The address of a database with nothing in it."""
    with new_database() as address:
        yield address


@pytest.fixture
def our_database(django_db_modify_db_settings: None) -> Iterator[str]:
    """The address of a database in which all our migrations ran when it was still empty."""
    with new_database(name_of(os.environ["DATABASE_URL"])) as address:
        yield address


@pytest.fixture
def legacy(empty_database: str) -> Iterator[psycopg.Cursor]:
    """A cursor in an empty database, to build an old bot's in."""
    with psycopg.connect(empty_database, autocommit=True) as connection:
        yield connection.cursor()
