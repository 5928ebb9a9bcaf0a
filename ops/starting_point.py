"""What migrations make of an empty database, kept as SQL. An empty schema begins with it; newer ones run after it."""

from __future__ import annotations

import logging
from pathlib import Path

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader

import migrations_sql

logger = logging.getLogger(__name__)

FOLDER = Path(migrations_sql.__file__).parent / "starting_point"
SCHEMA, MIGRATIONS = FOLDER / "schema.sql", FOLDER / "migrations.txt"
APPLIED = """
INSERT INTO django_migrations (app, name, applied)
SELECT app, name, now() FROM unnest(%s::text[], %s::text[]) AS of (app, name)
"""


def migrations_of_it() -> list[tuple[str, str]]:
    """In the order in which they ran."""
    lines = MIGRATIONS.read_text(encoding="utf-8").splitlines()
    return [(app, name) for app, _, name in (line.partition(" ") for line in lines)]


def begin_at_starting_point(connection: BaseDatabaseWrapper) -> None:
    """All of it or nothing, where nothing is: a pre-flight's record is something. A schema where migrations began goes
    on with them; so does a server that does not understand what another release of PostgreSQL wrote down."""
    named = migrations_of_it()
    if connection.introspection.table_names() or not _are_known(named, connection):
        return
    try:
        _begin(connection, named)
    except DatabaseError as error:
        logger.warning("the schema that is written down cannot be taken, each migration runs: %s", error)


def _begin(connection: BaseDatabaseWrapper, named: list[tuple[str, str]]) -> None:
    apps, names = [app for app, _ in named], [name for _, name in named]
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        # functions come before the tables they speak of
        cursor.execute("SET LOCAL check_function_bodies = off")
        cursor.execute(SCHEMA.read_text(encoding="utf-8"))
        cursor.execute(APPLIED, [apps, names])


def _are_known(named: list[tuple[str, str]], connection: BaseDatabaseWrapper) -> bool:
    """Another release of a library may have other migrations than it had here; then each runs by itself."""
    loader = MigrationLoader(connection, load=False)
    loader.load_disk()
    return loader.disk_migrations.keys() >= set(named)
