"""Is this installation fit to trade? Exit status 0 READY, 1 NEEDS_FIXES, 2 NOT_READY, 3 a part was asked and passed."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import yaml
from django.core.management.base import BaseCommand, CommandParser

from exchanges import session
from ops.verification.verifying import EVERYTHING, exit_code_of, verify
from ops.verification.workshop import BASE


class Command(BaseCommand):
    help = (
        "Ask seven questions of the running installation, for real, and write the answers as YAML. "
        "Exit status: 0 READY, 1 NEEDS_FIXES, 2 NOT_READY; 3: with --only, all that was asked passed."
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
        signal.signal(signal.SIGTERM, _end)
        signal.signal(signal.SIGHUP, _end)
        names = tuple(options["only"] or EVERYTHING)
        try:
            report = verify(options["data"], names)
        finally:
            session.close_all()
        text = yaml.safe_dump(report, sort_keys=False, allow_unicode=True)
        if options["file"]:
            options["file"].parent.mkdir(parents=True, exist_ok=True)
            options["file"].write_text(text)
        self.stdout.write(text)
        sys.exit(exit_code_of(report, names))


def _end(number: int, frame: object) -> NoReturn:
    """As an exception, so that what is being tried is cleared away."""
    sys.exit(128 + number)
