"""Django's migrate, in a schema of our own, and never into an old bot's database unprepared. Once all tables are there,
what an older bot left is imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ops.legacy import gate, scope, sql_files
from ops.legacy.gate import NotOpen
from ops.legacy.migrating_alone import migrating_alone
from ops.legacy.services.record import note_migrated
from ops.schema import ensure_schema, legacy_parts
from ops.starting_point import begin_at_starting_point


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        meaning = "although others are connected to an older bot's database"
        parser.add_argument("--while-connected", action="store_true", help=meaning)

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        with migrating_alone(connection):  # several processes may start at once
            if found := legacy_parts(connection):
                refuse_unprepared(connection, found)
                if not options["while_connected"]:
                    refuse_company(connection)
                refuse_written_since(connection)
            ensure_schema(connection)
            if is_whole(options):
                begin_at_starting_point(connection)
            with self.told_what_files_say(connection, options):
                super().handle(*args, **options)
                if found and is_whole(options):
                    sql_files.run_what_is_due(connection)
            if is_whole(options):
                self.keep_groups_in_step()
            if found and is_whole(options):
                self.move_in(connection, options)

    @contextmanager
    def told_what_files_say(self, connection: BaseDatabaseWrapper, options: dict[str, Any]) -> Iterator[None]:
        """Warnings at once and in any case; the rest when the lines of the migrations are through."""
        said: list[str] = []

        def tell(severity: str, words: str) -> None:
            if severity == sql_files.WARNING:
                self.stderr.write(f"{severity}: {words}")
            elif options["verbosity"] and not words.startswith("Nothing to do"):
                said.append(words)

        with sql_files.heard(connection, tell):
            try:
                yield
            finally:
                for words in said:
                    self.stdout.write(words)

    def keep_groups_in_step(self) -> None:
        from ops.people.services.groups import (
            keep_groups_in_step,  # the tables of these models are there only now
        )

        keep_groups_in_step()

    def move_in(self, connection: BaseDatabaseWrapper, options: dict[str, Any]) -> None:
        from ops.legacy.live_rows import left_alone  # the tables of these models are there only now
        from ops.legacy.services.importing import import_all

        import_all(self.stdout.write if options["verbosity"] else lambda line: None)
        for line in left_alone():  # said in any case
            self.stdout.write(line)
        if not gate.is_moved(connection):
            with connection.cursor() as cursor:
                note_migrated(scope.tables(cursor))


def is_whole(options: dict[str, Any]) -> bool:
    """Up to the newest state of everything, and for real."""
    partly = ("app_label", "plan", "check_unapplied", "fake", "fake_initial", "prune")
    return not any(options[name] for name in partly)


def refuse_unprepared(connection: BaseDatabaseWrapper, found: list[str]) -> None:
    if missing := gate.what_is_missing(connection):
        shown = ", ".join(found[:3]) + (" and more" if len(found) > 3 else "")
        raise NotOpen(
            f"The database {connection.settings_dict['NAME']} belongs to an older bot ({shown}), so nothing was "
            f"changed: {missing} (docs/moving-in.md), or use an empty database."
        )


def refuse_company(connection: BaseDatabaseWrapper) -> None:
    """While an older bot still runs, two would move and cancel the stops of one position."""
    if gate.is_moved(connection) and not sql_files.is_anything_due(connection):
        return
    with connection.cursor() as cursor:
        others = scope.others_who_stay(cursor)
    if others:
        raise NotOpen(
            f"Nothing was changed: others are connected to the older bot's database: {', '.join(others)}. Stop every "
            "bot, then run this again; where they only look, `manage.py migrate --while-connected` first."
        )


def refuse_written_since(connection: BaseDatabaseWrapper) -> None:
    """Last, when nobody can write any more: a restore would throw those rows away."""
    if written := gate.what_was_written(connection):
        raise NotOpen(f"Nothing was changed: {written}.")
