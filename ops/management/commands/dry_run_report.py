from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ops.report.writing import write_baseline, write_report


class Command(BaseCommand):
    help = "Write what a dry run did and whether its books are true; exit status 1 when they are not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write-baseline", type=Path, metavar="FILE")
        parser.add_argument("--file", type=Path, metavar="FILE")
        parser.add_argument("--baseline", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["write_baseline"]:
            write_baseline(options["write_baseline"])
            return
        is_true = write_report(options["file"], options["baseline"])
        self.stdout.write(options["file"].read_text())
        if not is_true:
            sys.exit(1)
