"""manage.py positions: what is held, as the live page shows it."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from rich.live import Live

from ops.console import Row, console_at, refuse_usage, table_of, tell
from positions import queries
from positions.live_rows import position_row

EVERY_SECONDS = 1.0
NOTHING = "Nothing is held."


class Command(BaseCommand):
    help = "What is held now, with each stop and how far away it is; --watch goes on until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--watch", action="store_true", help="look again each second, until Ctrl-C")
        parser.add_argument(
            "--json", action="store_true", help="for programs; with --watch a line for each look"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["watch"]:
            self._watch(as_json=options["json"])
        elif (rows := _rows()) or options["json"]:
            tell(
                self.stdout,
                rows if options["json"] else _shown(rows),
                as_json=options["json"],
                title=_title(),
            )
        else:
            self.stderr.write(NOTHING)

    def _watch(self, *, as_json: bool) -> None:
        try:
            self._lines() if as_json else self._screen()
        except KeyboardInterrupt:
            self.stderr.write("stopped")

    def _lines(self) -> None:
        while True:
            self.stdout.write(json.dumps(_rows(), default=str))
            self.stdout.flush()
            time.sleep(EVERY_SECONDS)

    def _screen(self) -> None:
        if not self.stdout.isatty():
            refuse_usage(
                "--watch paints over a terminal, and this is none; say --json for a line each second."
            )
        with Live(console=console_at(self.stdout), auto_refresh=False) as screen:
            while True:
                screen.update(table_of(_shown(_rows()), _title()), refresh=True)
                time.sleep(EVERY_SECONDS)


def _rows() -> list[Row]:
    now = timezone.now()
    return [position_row(one, now) for one in queries.held_positions(now=now)]


def _title() -> str:
    return f"{queries.mode()}, {timezone.now():%H:%M:%S} UTC"


def _shown(rows: list[Row]) -> list[Row]:
    return [
        {
            "position": row["id"],
            "contract": row["exchange_symbol"],
            "side": row["shown"]["side"],
            "quantity": row["shown"]["size"],
            "entry": row["shown"]["entry"],
            "mark": row["shown"]["mark"],
            "pnl": row["shown"]["pnl"],
            "stop": row["shown"]["stop"],
            "to_stop": row["shown"]["distance"],
            "state": row["shown"]["state"] or row["status"],
            "account": row["account"],
            "strategy": row["strategy"],
        }
        for row in rows
    ]
