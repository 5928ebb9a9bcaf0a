"""Sentences that must be true after any run. Each gives the list of what contradicts it; empty is true.

Here are those that need evidence from outside; those of our own rows are positions/invariants.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone

from ops.report.evidence import AccountEvidence, SentOrder
from ops.report.figures import repeated
from positions import wallets
from positions.canary_models import CanaryOrder
from positions.invariants import SENTENCES, WALLETS
from positions.lifecycle import PositionStatus
from positions.models import Order, Position
from positions.wallets import Moment


@dataclass(frozen=True, slots=True)
class Facts:
    """What the exchange told; baseline_wallets are those of began_at."""

    accounts: list[AccountEvidence]
    sent: list[SentOrder]
    baseline_wallets: dict[str, Decimal]
    began_at: datetime


def _positions_equal_the_exchange(facts: Facts) -> Iterator[str]:
    for evidence in facts.accounts:
        theirs = {(p.symbol, p.position_side.value): p.quantity for p in evidence.positions}
        live = Position.objects.filter(account=evidence.account, quantity__gt=0).select_related("instrument")
        ours = {(p.instrument.symbol, p.position_side): p.quantity for p in live}
        for leg in sorted(theirs.keys() | ours.keys()):
            if theirs.get(leg) != ours.get(leg):
                yield f"{evidence.account.name} {leg}: ours {ours.get(leg)}, the exchange's {theirs.get(leg)}"


def _every_exchange_order_has_a_row(facts: Facts) -> Iterator[str]:
    rows = {
        *Order.objects.values_list("client_order_id", flat=True),
        *CanaryOrder.objects.values_list("name", flat=True),
    }
    listed = {report.client_order_id for e in facts.accounts for report in e.open_orders}
    sent = {order.client_order_id for order in facts.sent}
    yield from sorted((listed | sent) - rows)


def _no_order_was_sent_twice(facts: Facts) -> Iterator[str]:
    yield from repeated(facts.sent)


def _every_request_was_signed(facts: Facts) -> Iterator[str]:
    yield from (order.client_order_id for order in facts.sent if not order.has_valid_signature)


def _wallet_change_is_booked(facts: Facts) -> Iterator[str]:
    for evidence in facts.accounts:
        before = facts.baseline_wallets.get(str(evidence.account.pk))
        if before is None:
            continue
        since = Moment(before, facts.began_at)
        until = Moment(evidence.balance.wallet_balance, timezone.now())
        if gap := wallets.gap(evidence.account.pk, since, until):
            yield f"{evidence.account.name}: {gap} that no fill, fee or funding explains"


def _our_profit_is_the_exchanges(facts: Facts) -> Iterator[str]:
    """Of what was executed; a part taken from the exchange's word has no profit there that could be compared."""
    closed = Position.objects.filter(status=PositionStatus.CLOSED, unexplained_price=None)
    for position in closed.annotate(told=Sum("fills__realized_pnl")):
        if abs(position.realized_pnl - (position.told or 0)) > Decimal("0.0001"):
            yield f"position {position.pk}: ours {position.realized_pnl}, the exchange's {position.told}"


INVARIANTS: dict[str, Callable[[Facts], Iterator[str]]] = {
    "our positions equal the exchange's": _positions_equal_the_exchange,
    "every exchange order has a row": _every_exchange_order_has_a_row,
    "no order was sent twice": _no_order_was_sent_twice,
    "every order request was validly signed": _every_request_was_signed,
    WALLETS: _wallet_change_is_booked,
    "our profit equals the exchange's": _our_profit_is_the_exchanges,
}
# need no evidence but our rows
OF_OUR_ROWS = (
    "sum of fills equals position",
    "no order is filled beyond what it asked for",
    "trailing rows belong to live positions",
    "every open position has a stop on the exchange",
)
# asked as if it were later: what still moves is a contradiction when trading is over
REST = timedelta(minutes=10)


def check(facts: Facts) -> dict[str, list[str]]:
    told = {name: list(SENTENCES[name](timezone.now() + REST)) for name in OF_OUR_ROWS}
    return told | {sentence: list(contradictions(facts)) for sentence, contradictions in INVARIANTS.items()}
