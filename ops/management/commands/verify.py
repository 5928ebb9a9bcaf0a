"""Is this installation fit to trade? Exit status 0 READY, 1 NEEDS_FIXES, 2 NOT_READY."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandParser

from exchanges import session
from ops.verification.verdicts import MigrationStatus
from ops.verification.verifying import EVERYTHING, verify
from ops.verification.workshop import BASE


class Command(BaseCommand):
    help = (
        "Ask seven questions of the running installation, for real, and write the answers as YAML. "
        "Exit status: 0 READY, 1 NEEDS_FIXES, 2 NOT_READY."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data",
            type=Path,
            default=BASE / "var",
            metavar="DIR",
            help="folder of the running installation (var/)",
        )
        parser.add_argument(
            "--only", action="append", choices=EVERYTHING, metavar="CHECK", help="one of the seven"
        )
        parser.add_argument("--file", type=Path, metavar="FILE", help="write the report there too")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = verify(options["data"], tuple(options["only"] or EVERYTHING))
        finally:
            session.close_all()
        text = yaml.safe_dump(report, sort_keys=False, allow_unicode=True)
        if options["file"]:
            options["file"].parent.mkdir(parents=True, exist_ok=True)
            options["file"].write_text(text)
        self.stdout.write(text)
        sys.exit(MigrationStatus(report["migration_status"]).exit_code)
