"""After a new key was put in front of FIELD_KEYS: everything sealed under an older one is sealed under the new one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from exchanges.secrets import SecretUnreadable
from ops.sealing import services


class Command(BaseCommand):
    help = "Seal every secret of the database under the first of FIELD_KEYS. Can be ended and run again at any time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what is to do")

    def handle(self, *args: Any, **options: Any) -> None:
        found = services.look()
        if lost := [one.where for one in found if not one.is_readable]:
            raise CommandError(
                f"Nothing was changed: no key in FIELD_KEYS opens {', '.join(lost)}. Add the key they were written "
                "with, or empty them."
            )
        old = sum(not one.is_newest for one in found)
        if options["dry_run"]:
            self.stdout.write(f"{len(found)} sealed values, {old} of them under an older key.")
            return
        try:
            done = services.rotate()
        except SecretUnreadable as error:
            raise CommandError(f"Nothing was changed: {error}") from None
        self.stdout.write(
            f"{done} of {len(found)} sealed values are under the newest key now. Older keys can leave FIELD_KEYS once "
            "every process runs with the new one and no backup needs them."
        )
