"""manage.py export: closed positions, what moved the wallets, or a year, as a table, CSV or JSON."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from rich.console import Console
from rich.table import Table as ScreenTable

from positions.models import Fill, FundingPayment
from positions.reports.cells import csv_of, text_of
from positions.reports.reading import closed_positions, trades_of
from positions.reports.tables import Table, booked_in, booked_table, trade_table, within, year_of

EARLIEST, LATEST = 2000, 2099
ON_SCREEN = {
    "position_id", "symbol", "position_side", "closed_at", "close_reason", "result", "r_multiple",
    "at", "kind", "side", "price", "wallet_change",
}  # fmt: skip


class Command(BaseCommand):
    help = (
        "trades: each closed position. fills: every fill and funding payment; the column wallet_change sums up to what "
        "the wallets changed by. year: the closed positions of one year, by contract. Times are UTC."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=sorted(TABLES))
        parser.add_argument(
            "--year", type=_year_number, help="only what happened in it, UTC; of `year` this one if not said"
        )
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--csv", action="store_true", help="for spreadsheets")
        form.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        table = TABLES[options["what"]](options["year"])
        if options["csv"]:
            self.stdout.write(csv_of(*table), ending="")
        elif options["json"]:
            self.stdout.write(_json(table))
        else:
            Console(file=self.stdout).print(_screen(table))  # type: ignore[arg-type]


def _year_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and EARLIEST <= int(text) <= LATEST):
        raise ArgumentTypeError(f"a year is a number from {EARLIEST} to {LATEST}")
    return int(text)


def _trades(year: int | None) -> Table:
    closed = closed_positions()
    return trade_table(trades_of(closed.filter(**within("closed_at", year)) if year else closed))


def _fills(year: int | None) -> Table:
    return booked_table(*(booked_in(year) if year else (Fill.objects.all(), FundingPayment.objects.all())))


def _year(year: int | None) -> Table:
    return trade_table(year_of(year or timezone.now().year).trades)


TABLES = {"trades": _trades, "fills": _fills, "year": _year}


def _json(table: Table) -> str:
    """Amounts as text, so that no program rounds them."""
    head, rows = table
    return json.dumps([dict(zip(head, map(_plain, row), strict=True)) for row in rows], indent=2)


def _plain(cell: Any) -> Any:
    return cell if cell is None or isinstance(cell, int | str) else text_of(cell)


def _screen(table: Table) -> ScreenTable:
    """As much as a screen has room for; the files hold the rest."""
    head, rows = table
    shown = [number for number, name in enumerate(head) if name in ON_SCREEN]
    screen = ScreenTable()
    for number in shown:
        screen.add_column(head[number].replace("_", " "), overflow="fold")
    for row in rows:
        screen.add_row(*(text_of(row[number]) for number in shown))
    return screen
