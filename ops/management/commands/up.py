"""Start everything. manage.py hands `up` to ops.launcher before Django loads; this is for `help` and for code."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from ops import launcher


class Command(BaseCommand):
    help = "Start the bot and keep it running (see `manage.py up --help`)."

    def run_from_argv(self, argv: list[str]) -> None:
        sys.exit(launcher.main(argv[2:]))

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(launcher.main(args))
