"""manage.py balance: what each account says it holds now, and which ones could not be asked."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from positions import formats
from positions.balances import AccountMoney, TotalBalance
from positions.services.balances import get_total_balance

LINE = "{:<24} {:<10} {:>16} {:>16}  {}"


class Command(BaseCommand):
    help = "What each account says it holds now. One that cannot be reached shows the last known figure and its age."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        found = get_total_balance()
        self.stdout.write(json.dumps(found.as_json(), indent=2) if options["json"] else _table(found))


def _table(found: TotalBalance) -> str:
    rows = [LINE.format("account", "venue", "equity", "available", "as of")]
    rows += [_row(one, found) for one in found.accounts]
    rows.append(LINE.format("in all", "", formats.amount(found.total), "", _how_complete(found)))
    return "\n".join(rows)


def _row(one: AccountMoney, found: TotalBalance) -> str:
    when = "now"
    if not one.is_fresh:
        age = "never told" if one.told_at is None else f"{formats.age(found.asked_at - one.told_at)} ago"
        when = f"{age}; not reachable: {one.why}"
    return LINE.format(
        one.account, one.venue, formats.amount(one.equity), formats.amount(one.available), when
    )


def _how_complete(found: TotalBalance) -> str:
    if found.is_complete:
        return "all of them answered"
    return (
        f"{formats.amount(found.fresh)} answered now, {formats.amount(found.last_known)} last known, "
        f"{len(found.unreachable)} of {len(found.accounts)} not reachable"
    )
