"""manage.py check_setup: what is set up, what is not, and how to put it right."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from exchanges import session
from ops.checkup import Check, check_up
from ops.console import Status, end, tell

SIGNS = {True: "✔", False: "✘", None: "?"}


class Command(BaseCommand):
    help = (
        "Ask whether this installation can run: database, Redis, migrations, keys, beat, and of each account the "
        "answer of its exchange, the rights of its key, the clock and the position mode. Exit status 1: something is "
        "wrong; 3: nothing is known to be wrong, but not all could be asked."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = check_up()
        finally:
            session.close_all()
        if options["json"]:
            tell(self.stdout, [asdict(one) for one in found], as_json=True)
        else:
            tell(self.stdout, [_row(one) for one in found], as_json=False)
        end(_status(found))


def _row(one: Check) -> dict[str, str]:
    return {"": SIGNS[one.is_good], "what": one.what, "found": one.found, "how to fix": one.how_to_fix}


def _status(found: list[Check]) -> Status:
    if any(one.is_good is False for one in found):
        return Status.FAILED
    return Status.DONE if all(one.is_good for one in found) else Status.PARTLY
