"""Django's migrate, in a schema of our own, and never into an old bot's database unprepared."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from ops.schema import ensure_schema, is_moving_in, legacy_parts


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> Any:
        connection = connections[options["database"]]
        found = legacy_parts(connection)
        if found and not is_moving_in(connection):
            shown = ", ".join(found[:3]) + (" and more" if len(found) > 3 else "")
            raise CommandError(
                f"The database {connection.settings_dict['NAME']} belongs to an older bot ({shown}), so nothing was "
                "changed: record a pre-flight and a verified backup first (README, moving in), or use an empty one."
            )
        ensure_schema(connection)
        return super().handle(*args, **options)
