"""manage.py restore FOLDER: our own rows as a backup holds them. Only while nobody else is connected."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from ops.backups.putting_back import NotRestored, examined, put_back, refuse_company
from ops.console import be_sure, refuse_usage
from ops.legacy.server import Server, server_of

NEXT = (
    "Next: `manage.py migrate`, then `manage.py reconcile --dry-run`: positions and orders may have moved since the "
    "backup. What was here before is kept in a schema named by the time (..._until_...)."
)


class Command(BaseCommand):
    help = (
        "Put our own tables back as a backup holds them, in one transaction that proves each table by its "
        "fingerprint. What is here now is set aside under another name. Refuses while others are connected."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="what `manage.py backup` said")
        parser.add_argument(
            "--other-database", action="store_true", help="although it is of one of another name"
        )
        parser.add_argument(
            "--yes-restore", metavar="NAME", default="", help="the database's name: do not ask"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        server, folder = server_of(connection), options["folder"].resolve()
        connection.close()
        try:
            other = options["other_database"]
            manifest = examined(server, settings.DB_SCHEMA, folder, is_of_another_database=other)
            refuse_company(server)
            _confirm(server, manifest.made_at, options["yes_restore"])
            put_back(server, folder, manifest)
        except (NotRestored, psycopg.Error) as why:
            said = server.without_password(" ".join(str(why).split()))
            raise CommandError(f"Nothing was restored and nothing was changed: {said}.") from None
        self.stderr.write(NEXT)
        self.stdout.write(f"{server.database} is as it was at {manifest.made_at}")


def _confirm(server: Server, made_at: str, given: str) -> None:
    if given and given != server.database:
        refuse_usage(f"Nothing was done: --yes-restore says {given}, and this is {server.database}.")
    if not given:
        be_sure(server.database, f"All that was recorded since {made_at} is set aside.", flag="--yes-restore")
