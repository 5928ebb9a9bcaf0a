"""What goes wrong around a command, its servers or its reader, is one line and a hint, not a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

NOT_OF_THIS_VERSION = ("42P01", "42703")  # no such table, no such column


def run_in_one_line(command: Callable[[], None]) -> None:
    """`--traceback` shows all of it. What nobody foresaw shows all of it always."""
    try:
        command()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        said = sentence_of(error)
        if said is None or "--traceback" in sys.argv:
            raise
        print(said, file=sys.stderr)
        sys.exit(1)


def sentence_of(error: Exception) -> str | None:
    """None: it is not about a server."""
    from django.db.utils import InterfaceError, OperationalError, ProgrammingError

    said = _first_line(error)
    if isinstance(error, OperationalError | InterfaceError):
        return f"The database does not answer, or refuses: {said}. Is it running, and is DATABASE_URL right?"
    state = getattr(error.__cause__, "sqlstate", "")
    if isinstance(error, ProgrammingError) and state in NOT_OF_THIS_VERSION:
        return f"The tables are not those of this version: {said}. Run manage.py migrate."
    if type(error).__module__.partition(".")[0] in ("redis", "kombu"):
        return f"Redis does not answer, or refuses: {said}. Is it running, and is REDIS_URL right?"
    return None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
