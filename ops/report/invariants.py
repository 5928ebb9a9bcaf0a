"""Sentences that must be true after any run. Each gives the list of what contradicts it; empty is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Q, Sum

from exchanges.types import PositionSide, Side
from ops.report.evidence import AccountEvidence, SentOrder
from ops.report.figures import repeated
from positions.accounting import signed
from positions.lifecycle import OrderPurpose, OrderStatus, PositionStatus
from positions.models import Fill, FundingPayment, Order, Position

# the venue rounds every commission and profit to eight decimals
ROUNDING = Decimal("0.000001")
STANDING = (OrderStatus.ACCEPTED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the sentences are checked against. baseline holds fills and wallets at the start of the run."""

    accounts: list[AccountEvidence]
    sent: list[SentOrder]
    baseline_wallets: dict[str, Decimal]
    baseline_fill: int
    began_at: datetime


def _positions_equal_their_fills(facts: Facts) -> Iterator[str]:
    for position in Position.objects.exclude(status=PositionStatus.OPENING):
        leg = PositionSide(position.position_side)
        rows = Fill.objects.filter(position=position).values_list("side", "quantity")
        held = sum((signed(leg, Side(side), quantity) for side, quantity in rows), Decimal(0))
        if held != position.quantity:
            yield f"position {position.pk} holds {position.quantity}, its fills say {held}"


def _positions_equal_the_exchange(facts: Facts) -> Iterator[str]:
    for evidence in facts.accounts:
        theirs = {(p.symbol, p.position_side.value): p.quantity for p in evidence.positions}
        live = Position.objects.filter(account=evidence.account, quantity__gt=0).select_related("instrument")
        ours = {(p.instrument.symbol, p.position_side): p.quantity for p in live}
        for leg in sorted(theirs.keys() | ours.keys()):
            if theirs.get(leg) != ours.get(leg):
                yield f"{evidence.account.name} {leg}: ours {ours.get(leg)}, the exchange's {theirs.get(leg)}"


def _one_live_position_per_leg(facts: Facts) -> Iterator[str]:
    legs = Position.objects.exclude(status=PositionStatus.CLOSED).values(
        "account", "instrument", "position_side"
    )
    for leg in legs.annotate(n=Count("pk")).filter(n__gt=1):
        yield str(leg)


def _every_exchange_order_has_a_row(facts: Facts) -> Iterator[str]:
    rows = set(Order.objects.values_list("client_order_id", flat=True))
    listed = {report.client_order_id for e in facts.accounts for report in e.open_orders}
    sent = {order.client_order_id for order in facts.sent}
    yield from sorted((listed | sent) - rows)


def _no_order_was_sent_twice(facts: Facts) -> Iterator[str]:
    yield from repeated(facts.sent)


def _every_request_was_signed(facts: Facts) -> Iterator[str]:
    yield from (order.client_order_id for order in facts.sent if not order.has_valid_signature)


def _no_trailing_row_without_a_live_position(facts: Facts) -> Iterator[str]:
    orphans = Position.objects.filter(trailing_stop__isnull=False, status=PositionStatus.CLOSED)
    yield from (f"position {pk}" for pk in orphans.values_list("pk", flat=True))


def _wallet_change_is_booked(facts: Facts) -> Iterator[str]:
    for evidence in facts.accounts:
        before = facts.baseline_wallets.get(str(evidence.account.pk))
        if before is None:
            continue
        told = Fill.objects.filter(account=evidence.account, pk__gt=facts.baseline_fill)
        sums = told.aggregate(pnl=Sum("realized_pnl"), fees=Sum("fee"))
        paid = FundingPayment.objects.filter(account=evidence.account, paid_at__gte=facts.began_at)
        funding = paid.aggregate(total=Sum("amount"))["total"] or Decimal(0)
        expected = (sums["pnl"] or Decimal(0)) - (sums["fees"] or Decimal(0)) + funding
        change = evidence.balance.wallet_balance - before
        if abs(change - expected) > ROUNDING * max(told.count(), 1):
            yield f"{evidence.account.name}: the wallet changed by {change}, the fills say {expected}"


def _our_profit_is_the_exchanges(facts: Facts) -> Iterator[str]:
    for position in Position.objects.filter(status=PositionStatus.CLOSED).annotate(
        told=Sum("fills__realized_pnl")
    ):
        if abs(position.realized_pnl - (position.told or 0)) > Decimal("0.0001"):
            yield f"position {position.pk}: ours {position.realized_pnl}, the exchange's {position.told}"


def _every_open_position_has_a_stop(facts: Facts) -> Iterator[str]:
    stands = Q(orders__purpose=OrderPurpose.PROTECT, orders__status__in=STANDING)
    bare = Position.objects.filter(status=PositionStatus.OPEN).annotate(stops=Count("orders", filter=stands))
    yield from (f"position {pk}" for pk in bare.filter(stops=0).values_list("pk", flat=True))


INVARIANTS: dict[str, Callable[[Facts], Iterator[str]]] = {
    "sum of fills equals position": _positions_equal_their_fills,
    "our positions equal the exchange's": _positions_equal_the_exchange,
    "one live position per account, symbol and side": _one_live_position_per_leg,
    "every exchange order has a row": _every_exchange_order_has_a_row,
    "no order was sent twice": _no_order_was_sent_twice,
    "every order request was validly signed": _every_request_was_signed,
    "no trailing row without a live position": _no_trailing_row_without_a_live_position,
    "wallet change equals realized profit less fees plus funding": _wallet_change_is_booked,
    "our profit equals the exchange's": _our_profit_is_the_exchanges,
    "every open position has a stop on the exchange": _every_open_position_has_a_stop,
}


def check(facts: Facts) -> dict[str, list[str]]:
    return {sentence: list(contradictions(facts)) for sentence, contradictions in INVARIANTS.items()}
