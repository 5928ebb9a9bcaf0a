"""How a command answers: a table for people, JSON for programs. Only data goes to standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NoReturn

from django.core.management.base import CommandError, OutputWrapper
from rich.console import Console
from rich.table import Table

WIDE = 200  # where nobody's window says how wide

Row = dict[str, Any]


class Status(IntEnum):
    """Exit statuses of every command for people."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTLY = 3


def tell(out: OutputWrapper, rows: Sequence[Row], *, as_json: bool, title: str = "") -> None:
    if as_json:
        out.write(json.dumps(rows, default=str, indent=2))
    else:
        console_at(out).print(table_of(rows, title))


def console_at(out: OutputWrapper) -> Console:
    return Console(file=out, width=None if out.isatty() else WIDE)  # type: ignore[arg-type]


def table_of(rows: Sequence[Row], title: str = "") -> Table:
    table = Table(title=title or None, title_justify="left")
    for name in rows[0] if rows else ():
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*map(str, row.values()))
    return table


def status_of(good: int, of: int) -> Status:
    if good == of:
        return Status.DONE
    return Status.PARTLY if good else Status.FAILED


def end(status: Status) -> None:
    """A good end is a plain return."""
    if status is not Status.DONE:
        sys.exit(status)


def refuse_usage(sentence: str) -> NoReturn:
    raise CommandError(sentence, returncode=Status.USAGE)


def be_sure(word: str, question: str, *, flag: str) -> None:
    """Typed, not clicked through. Where nobody sits at a terminal nobody is asked."""
    if not sys.stdin.isatty():
        refuse_usage(f"Nothing was done: there is no terminal to ask at. Say {flag} {word}.")
    if input(f"{question} Type {word} to go on: ").strip().upper() != word.upper():
        raise CommandError(f"Nothing was done: that was not {word}.")
