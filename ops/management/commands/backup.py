"""manage.py backup: all of our own rows, proven readable. Keys are not in it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from ops.backups.taking import NoBackup, take
from ops.legacy.server import server_of

WHERE = Path("var") / "backups"


class Command(BaseCommand):
    help = "Dump our own tables, also while the bot runs, and prove it: read to its end, a fingerprint of each table."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--folder", type=Path, metavar="DIR", help="where backups go (var/backups)")

    def handle(self, *args: Any, **options: Any) -> None:
        parent = (options["folder"] or settings.BASE_DIR / WHERE).resolve()
        try:
            made = take(server_of(connection), settings.DB_SCHEMA, parent, self.stderr.write)
        except NoBackup as why:
            raise CommandError(f"No backup was made: {why}.") from None
        self.stderr.write(
            "Copy it to another machine, and FIELD_KEYS apart from it: the keys are not in the backup."
        )
        self.stdout.write(str(made))
