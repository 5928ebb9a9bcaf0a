"""What the four commands of the kill switch share: whose switch, why, and how the answer is told."""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from exchanges.models import ExchangeAccount
from exchanges.trading_state import Move
from ops import console
from positions.lifecycle import OrderStatus
from positions.models import Order
from positions.services import lookups
from positions.services.halting import Answer

EVERY = "every account"
STEP_SECONDS = 0.5
WORDS = {Move.CHANGE: "is now", Move.KEEP: "was already", Move.REFUSE: "stays"}


class SwitchCommand(BaseCommand):
    needs_reason: ClassVar[bool] = True

    def add_arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("account", nargs="?", metavar="ACCOUNT", help="its name")
        whose.add_argument("--all", action="store_true", help="every account, also those that come later")
        parser.add_argument("--reason", required=self.needs_reason, default="", help="why; shown everywhere")
        parser.add_argument("--by", default=f"{getpass.getuser()} (command line)", help="who asks for it")
        parser.add_argument("--json", action="store_true", help="the answer as JSON")

    def tell(self, rows: Sequence[dict[str, Any]], *, as_json: bool, title: str = "") -> None:
        console.tell(self.stdout, rows, as_json=as_json, title=title)


def account_id_of(options: dict[str, Any]) -> int | None:
    if options["all"]:
        return None
    found = ExchangeAccount.objects.filter(name=options["account"]).values_list("pk", flat=True).first()
    if found is None:
        raise CommandError(f"There is no account {options['account']}.")
    return found


def row_of(answer: Answer) -> dict[str, Any]:
    return {
        "account": answer.name or EVERY,
        "answer": f"{WORDS[answer.move]} {answer.state}",
        "reason": answer.reason,
        "entries_called_off": answer.called_off,
        "entries_on_the_wire": len(answer.in_flight),
    }


def followed(ids: Iterable[UUID], seconds: float) -> list[dict[str, Any]]:
    """Asks the exchange for entries that were sent before, until it is known what became of each."""
    wanted = list(ids)
    wait_until(lambda: not _unknown(wanted), seconds, lambda: _ask_for(wanted))
    orders = Order.objects.filter(pk__in=wanted).order_by("created_at")
    return [
        {"entry": one.client_order_id, "became": one.status, "filled": one.filled_quantity, "why": one.reason}
        for one in orders
    ]


def _unknown(ids: list[UUID]) -> list[UUID]:
    return list(Order.objects.filter(pk__in=ids, status=OrderStatus.SUBMITTED).values_list("pk", flat=True))


def _ask_for(ids: list[UUID]) -> None:
    for pk in _unknown(ids):
        lookups.resolve(pk)


def wait_until(is_over: Callable[[], bool], seconds: float, step: Callable[[], object]) -> bool:
    ends = time.monotonic() + seconds
    while not is_over():
        if time.monotonic() >= ends:
            return False
        step()
        time.sleep(0 if is_over() else STEP_SECONDS)
    return True


def end(*, well: bool) -> None:
    if not well:
        sys.exit(1)
