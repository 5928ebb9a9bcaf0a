"""manage.py close: the same door and the same words as the page."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError

from exchanges.models import FlatRun
from exchanges.trading_state import FlatOutcome
from ops.console import Row, Status, be_sure, end, refuse_usage, status_of, tell
from positions import queries
from positions.flat_page import report_rows
from positions.live_rows import Held
from positions.services import by_hand

ALL = "ALL"


class Command(BaseCommand):
    help = (
        "Close what is held in a contract at market, or with --all everything on every account. Asks for the name "
        "first; --yes-close NAME is for scripts. Exit status 0: every close is on its way; 3: some are not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("symbol", nargs="?", help="BTC or BTCUSDT")
        parser.add_argument(
            "--all", action="store_true", help="a FLAT of every account, which also halts them"
        )
        parser.add_argument("--account", default="", help="only what this account holds")
        parser.add_argument(
            "--yes-close", metavar="NAME", default="", help="the name again (ALL with --all): do not ask"
        )
        parser.add_argument("--by", default=f"{getpass.getuser()} (command line)", help="who asks for it")
        parser.add_argument("--json", action="store_true", help="the answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"] == bool(options["symbol"]) or (options["all"] and options["account"]):
            refuse_usage(
                "Name one contract, or say --all without anything else; one account: manage.py flat NAME."
            )
        self._close_all(options) if options["all"] else self._close_one(options)

    def _close_one(self, options: dict[str, Any]) -> None:
        held = [one for one in queries.held_positions() if _is_meant(one, options)]
        if not held:
            raise CommandError(f"Nothing is held in {options['symbol']}. See `manage.py positions`.")
        said = ", ".join(
            f"{one.quantity} {one.base} {one.position_side.value} on {one.account}" for one in held
        )
        _confirm(held[0].base, f"This closes {said} at market.", options, also=held[0].exchange_symbol)
        rows = [self._asked(one, options["by"]) for one in held]
        tell(self.stdout, rows, as_json=options["json"])
        end(status_of(sum(row["asked"] for row in rows), len(rows)))

    def _asked(self, held: Held, by: str) -> Row:
        row: Row = {"position": held.id, "contract": held.exchange_symbol, "account": held.account}
        try:
            done = by_hand.close(uuid4(), by, held.id)
        except Exception as error:  # the others are closed all the same
            self.stderr.write(f"position {held.id}: {type(error).__name__}")
            return row | {"asked": False, "answer": "could not be asked; see the log"}
        return row | {"asked": not done.is_refused, "answer": done.sentence}

    def _close_all(self, options: dict[str, Any]) -> None:
        _confirm(ALL, "This halts every account and closes everything at market.", options)
        done = by_hand.close_all(uuid4(), options["by"], "manage.py close --all")
        run = FlatRun.objects.get(pk=done.flat_run_id or 0)
        reports = report_rows(run)
        columns = ("account", "outcome", "positions", "orders", "error")
        rows = [{name: one[name] for name in columns} for one in reports]
        tell(self.stdout, rows, as_json=options["json"], title=f"FLAT {run.pk}: /flat/{run.pk}/")
        self.stderr.write(
            "The proof comes from the exchange: `manage.py flat --all --wait --reason ...` waits for it."
        )
        is_proven = all(one["outcome"] == FlatOutcome.FLAT for one in reports)
        end(Status.DONE if is_proven else Status.PARTLY)


def _is_meant(held: Held, options: dict[str, Any]) -> bool:
    names = {held.base.upper(), held.exchange_symbol.upper()}
    return options["symbol"].upper() in names and options["account"] in ("", held.account)


def _confirm(word: str, question: str, options: dict[str, Any], also: str = "") -> None:
    if given := options["yes_close"].upper():
        if given not in (word.upper(), also.upper()):
            refuse_usage(f"Nothing was done: --yes-close says {given}, and this would close {word}.")
        return
    be_sure(word, question, flag="--yes-close")
