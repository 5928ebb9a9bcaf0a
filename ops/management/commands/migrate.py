"""Django's migrate, in a schema of our own, and never into an old bot's database unprepared. Once all tables are there,
what an older bot left is imported."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ops.legacy.gate import what_is_missing
from ops.legacy.services.record import note_migrated
from ops.schema import ensure_schema, legacy_parts

ONE_AT_A_TIME = 0x7472616465  # any number of our own


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        found = legacy_parts(connection)
        if found:
            refuse_unprepared(connection, found)
        with connection.cursor() as cursor:
            # several processes may start at once; the lock goes with the connection
            cursor.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
            try:
                ensure_schema(connection)
                super().handle(*args, **options)
                if found and is_whole(options):
                    self.import_legacy(options)
                    note_migrated()
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ONE_AT_A_TIME])

    def import_legacy(self, options: dict[str, Any]) -> None:
        from ops.legacy.services.importing import import_all  # the tables of its models are there only now

        import_all(self.stdout.write if options["verbosity"] else lambda line: None)


def is_whole(options: dict[str, Any]) -> bool:
    """Up to the newest state of everything, and for real."""
    partly = ("app_label", "plan", "check_unapplied", "fake", "prune")
    return not any(options[name] for name in partly)


def refuse_unprepared(connection: BaseDatabaseWrapper, found: list[str]) -> None:
    if missing := what_is_missing(connection):
        shown = ", ".join(found[:3]) + (" and more" if len(found) > 3 else "")
        raise CommandError(
            f"The database {connection.settings_dict['NAME']} belongs to an older bot ({shown}), so nothing was "
            f"changed: {missing} (docs/moving-in.md), or use an empty database."
        )
