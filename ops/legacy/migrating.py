"""`manage.py migrate` with a log that is kept beside the backup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from django.core.management import CommandError, call_command
from django.db import DatabaseError

from ops.legacy.checks import NotTrue
from ops.legacy.gate import NotOpen
from ops.legacy.outcomes import each_that_says_why

Say = Callable[[str], None]


class Both:
    """All of it goes to the log; that each of a hundred migrations was fine is not said aloud."""

    def __init__(self, log: TextIO, say: Say) -> None:
        self.log, self.say = log, say
        self.line = ""

    def write(self, text: str) -> None:
        self.log.write(text)
        self.log.flush()
        *lines, self.line = (self.line + text).split("\n")
        for line in lines:
            if not (line.startswith("  Applying") and line.endswith("OK")):
                self.say(line)


def migrate(folder: Path, say: Say, while_connected: bool) -> Path:
    log = folder / f"migrate-{datetime.now(UTC):%Y%m%d-%H%M%S}.log"
    with log.open("w") as file:
        try:
            out = Both(file, say)
            call_command(
                "migrate", interactive=False, stdout=out, stderr=out, while_connected=while_connected
            )
        except NotOpen as refusal:
            file.write(f"\nREFUSED: {refusal}\n")
            raise NotTrue(str(refusal).removesuffix(".")) from None
        except (CommandError, DatabaseError) as error:
            said = " ".join(str(error).split())
            file.write(f"\nFAILED: {said}\n")
            raise NotTrue(
                f"{said}. What was done before stays and is whole (log: {log}); put this right and run it again, "
                "or go back with `manage.py legacy restore`"
            ) from None
    return log


def list_what_was_not_imported(folder: Path) -> Path:
    """A line for each row, with the reason."""
    report = folder / f"not-imported-{datetime.now(UTC):%Y%m%d-%H%M%S}.txt"
    with report.open("w") as file:
        file.writelines(f"{line}\n" for line in each_that_says_why())
    return report
