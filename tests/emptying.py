"""Tables are emptied while real processes go on reading them. In a database of the size of a test's, deleting takes a
fortieth of the time that truncating takes, which makes new files for each table."""

from __future__ import annotations

from functools import cache

from django.db import OperationalError, connection, transaction

TRIES = 20
# what migrations wrote there is what the models say: always the same
KEPT = {"django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}


def empty_tables() -> None:
    """A writer may be in the way for a moment, or in a deadlock with us; the next try comes through."""
    for attempt in range(TRIES):
        try:
            return _empty(_tables(connection.settings_dict["NAME"]))
        except OperationalError:
            if attempt == TRIES - 1:
                raise


@cache
def _tables(database: str) -> list[str]:
    """Of the models, which are the same for each database."""
    names = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
    return [connection.ops.quote_name(name) for name in sorted(names)]


def _empty(tables: list[str]) -> None:
    """As a replica deletes: no trigger is asked, and no foreign key. The role has to be a superuser."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1s'")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")
        cursor.execute("; ".join(f"DELETE FROM {name}" for name in tables))  # noqa: S608
