"""manage.py reconcile: ask the exchange now what is true, as the sweep does every ten seconds."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from exchanges.errors import ExchangeError
from exchanges.models import KEYS, ExchangeAccount
from ops.console import Row, end, status_of, tell
from positions.comparison import Difference
from positions.management.switch_command import wait_until
from positions.services import reconciliation
from positions.services.reconciliation import COMPLAINT, get_health_status, reconcile_account
from positions.services.sweeping import turn_of
from tradingbot.alone import alone

PATIENCE_SECONDS = 20.0


class Command(BaseCommand):
    help = (
        "Compare every account, or one, with its exchange now and settle what differs; --dry-run only shows it. "
        "Exit status 1: no account could be compared, 3: some could not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", nargs="?", default="", help="its name; without it all of them")
        parser.add_argument("--dry-run", action="store_true", help="say what differs, change nothing")
        parser.add_argument("--json", action="store_true", help="the answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = ExchangeAccount.objects.defer(*KEYS).order_by("pk")
        if options["account"]:
            accounts = accounts.filter(name=options["account"])
        if not accounts:
            raise CommandError(f"There is no account {options['account']}".strip() + ".")
        look = _differing if options["dry_run"] else _settled
        rows = [_told(account, look) for account in accounts]
        tell(self.stdout, rows, as_json=options["json"])
        end(status_of(sum(row["compared"] for row in rows), len(rows)))


def _told(account: ExchangeAccount, look: Callable[[ExchangeAccount], Row]) -> Row:
    row: Row = {"account": account.name, "compared": True}
    try:
        return row | look(account)
    except ExchangeError as error:
        return row | {"compared": False, "differences": "unknown", "said": error.sentence}


def _differing(account: ExchangeAccount) -> Row:
    found = reconciliation.differences_now(account.pk)
    return {"differences": len(found), "said": "; ".join(map(_in_words, found)) or "books and exchange agree"}


def _settled(account: ExchangeAccount) -> Row:
    """Not beside the sweep's own comparison: one of the two waits."""
    began = timezone.now()
    done: list[int] = []
    if not wait_until(lambda: bool(done), PATIENCE_SECONDS, lambda: done.extend(_tried(account.pk))):
        return {
            "compared": False,
            "differences": "unknown",
            "said": "is being compared all the time by a worker",
        }
    health = get_health_status()["accounts"][account.name]
    is_compared = health["last_success"] is not None and health["last_success"] >= began
    said = "settled; positions proven protected: {positions_proven_protected} of {positions_live}".format(
        **health
    )
    return {
        "compared": is_compared,
        "differences": health["differences_open"] if is_compared else "unknown",
        "said": said if is_compared else health["last_error"],
    }


def _tried(account_id: int) -> list[int]:
    with alone(turn_of(account_id, COMPLAINT)) as is_free:
        if is_free:
            reconcile_account(account_id)
        return [account_id] if is_free else []


def _in_words(difference: Difference) -> str:
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(difference).__name__).lower()
    return f"{kind} ({', '.join(f'{name} {value}' for name, value in _facts(difference).items())})"


def _facts(difference: Difference) -> dict[str, object]:
    facts = asdict(difference)
    report = facts.pop("report", None) or {}
    shown = ("symbol", "position_side", "quantity", "client_order_id")
    return facts | {name: report[name] for name in shown if name in report}
