"""manage.py legacy: an older bot's database moves in, step by step, and back out."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from ops.legacy import steps
from ops.legacy.checks import NotTrue
from ops.legacy.server import server_of

STEPS = {
    "preflight": (steps.preflight, "look whether all is ready, and remember what is there"),
    "backup": (steps.backup, "dump the old schemas and tables, and prove that the dump can be read"),
    "rehearse": (steps.rehearse, "migrate and verify a copy of the database"),
    "migrate": (steps.move_in, "change the old columns, import the rows; the log is kept beside the backup"),
    "import": (
        steps.bring_in,
        "import what is new, take over live positions that waited; also while the bot runs",
    ),
    "gone": (steps.let_live_rows_go, "live rows whose positions are held no more: wait for them no longer"),
    "report": (steps.report, "list every row that was not imported, and why"),
    "verify": (steps.verify, "compare what is there now with the backup"),
    "rollback": (steps.roll_back, "undo the migration, without the backup"),
    "restore": (steps.restore, "put everything back as the backup holds it"),
    "watch": (steps.watch, "after the start: new positions, stale trailing states, errors"),
    "drop-backups": (steps.drop_backups, "drop the tables that rollback needs; asks first"),
    "drop-fas": (steps.drop_fas, "drop the old schema fas; asks first"),
}
FLAGS = {
    "preflight": [("--with-fewer-ways-back", "although the role may not do what a way back needs")],
    "rehearse": [("--keep", "do not drop the copy afterwards")],
    "migrate": [("--while-connected", "although others are connected")],
    "verify": [
        ("--while-they-wait", "although live positions of the older bot wait, and nobody looks after them")
    ],
    "rollback": [
        ("--while-connected", "although others are connected"),
        ("--leave-positions", "although positions opened here stay without a bot"),
    ],
}
FLAGS["restore"] = [
    *FLAGS["rollback"],
    ("--other-database", "although the backup is of a database of another name"),
]


class Command(BaseCommand):
    help = "Move an older bot's database in, step by step, and back out (docs/moving-in.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        choices = parser.add_subparsers(dest="step", required=True, metavar="STEP")
        for name, (_, words) in STEPS.items():
            one = choices.add_parser(name, help=words, description=words)
            folder = (
                "where backups go" if name in ("preflight", "backup") else "a backup other than the last one"
            )
            one.add_argument("--folder", type=Path, help=folder)
            for flag, meaning in FLAGS.get(name, []):
                one.add_argument(flag, action="store_true", help=meaning)
        choices.choices["gone"].add_argument(
            "rows", nargs="+", metavar="ID", help="ids in monitoring.positions"
        )
        choices.choices["watch"].add_argument("--minutes", type=float, default=0, help="go on for so long")

    def handle(self, *args: Any, **options: Any) -> None:
        step, _ = STEPS[options["step"]]
        server = server_of(connection)
        began = time.monotonic()
        try:
            next_step = step(steps.Given(server, options, self.stdout.write, input))
        except NotTrue as refusal:
            raise CommandError(f"legacy {options['step']}: {refusal}.") from None
        except (psycopg.Error, DatabaseError) as error:
            said = server.without_password(" ".join(str(error).split()))
            raise CommandError(f"legacy {options['step']}: the database said: {said}") from None
        self.stdout.write(f"{options['step']} took {time.monotonic() - began:.1f} s. Next: {next_step}.")
