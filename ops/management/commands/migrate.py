"""Django's migrate, in a schema of our own, and never into an old bot's database unprepared."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ops.schema import ensure_schema, is_moving_in, legacy_parts
from ops.starting_point import begin_at_starting_point

ONE_AT_A_TIME = 0x7472616465  # any number of our own


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> Any:
        connection = connections[options["database"]]
        refuse_unprepared_legacy(connection)
        with connection.cursor() as cursor:
            # several processes may start at once; the lock goes with the connection
            cursor.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
            try:
                ensure_schema(connection)
                if means_all(options):
                    begin_at_starting_point(connection)
                return super().handle(*args, **options)
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ONE_AT_A_TIME])


def means_all(options: dict[str, Any]) -> bool:
    """No one app, no looking only, nothing pretended."""
    return not any(
        options[word] for word in ("app_label", "plan", "check_unapplied", "fake", "fake_initial", "prune")
    )


def refuse_unprepared_legacy(connection: BaseDatabaseWrapper) -> None:
    found = legacy_parts(connection)
    if found and not is_moving_in(connection):
        shown = ", ".join(found[:3]) + (" and more" if len(found) > 3 else "")
        raise CommandError(
            f"The database {connection.settings_dict['NAME']} belongs to an older bot ({shown}), so nothing was "
            "changed: record a pre-flight and a verified backup first (README, moving in), or use an empty one."
        )
