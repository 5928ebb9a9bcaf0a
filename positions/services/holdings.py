"""Position quantity, averages, profit and fees, always recomputed from rows; call with the position locked."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Case, DecimalField, F, QuerySet, Sum, When
from django.db.models.functions import Coalesce

from exchanges.types import PositionSide, Side
from positions.accounting import (
    QUOTE_CURRENCIES,
    Execution,
    OrderEvidence,
    account_for,
    explained_by,
    opening,
    quantity_held,
    signed,
)
from positions.lifecycle import PositionStatus
from positions.models import Fill, Order, Position
from positions.services import events

ZERO = Decimal(0)
# our clock and the exchange's differ
CLOCK_MARGIN = timedelta(seconds=2)


def refresh(position: Position) -> None:
    """Order totals tell the quantity at once, whichever of answer, stream or listing came first;
    executions tell profit and fees as they arrive."""
    held = _held(position)
    if held < 0 or (position.status == PositionStatus.CLOSED and held != 0):
        _report_imbalance(position, held)
    position.quantity = ZERO if position.status == PositionStatus.CLOSED else max(held, ZERO)
    _refresh_money(position)
    position.save(
        update_fields=[
            "quantity",
            "unexplained_quantity",
            "unexplained_price",
            "unexplained_at",
            "average_entry_price",
            "average_exit_price",
            "realized_pnl",
            "fees",
            "updated_at",
        ]
    )


def explain(position: Position, side: str, quantity: Decimal, at: datetime | None) -> None:
    """What is told only after the exchange's word was taken is part of that word: it counts once. Refresh saves it."""
    position.unexplained_quantity -= _explained(position, side, quantity, at)


def found_there(position: Position) -> Decimal:
    """What a position that no order of ours opened began with: the more of its entry is told, the less of it is
    unexplained."""
    told = Fill.objects.filter(
        position=position, order=None, side=PositionSide(position.position_side).entry_side
    )
    bought = told.aggregate(bought=Sum("quantity"))["bought"] or ZERO
    return Decimal(bought + position.unexplained_quantity)


def leave_to_others(position: Position, at: datetime) -> None:
    """A stranger in the same leg gave up more than we hold: the rest was theirs. Should it have been ours after all,
    what is told late explains it. Refresh saves it."""
    held = _held(position)
    if position.opened_at is not None and held < 0:
        position.unexplained_quantity -= held
        position.unexplained_price = position.unexplained_price or position.average_entry_price
        position.unexplained_at = at


def misses(position: Position, side: str, quantity: Decimal, at: datetime) -> bool:
    """Its books are out of balance, or hold a part without an execution that this one may be."""
    return _held(position) != 0 or _explained(position, side, quantity, at) != 0


def _explained(position: Position, side: str, quantity: Decimal, at: datetime | None) -> Decimal:
    counted_until = position.unexplained_at
    if at is None or counted_until is None or at > counted_until + CLOCK_MARGIN:
        return ZERO
    leg = PositionSide(position.position_side)
    return explained_by(position.unexplained_quantity, signed(leg, Side(side), quantity))


def _held(position: Position) -> Decimal:
    executed = Coalesce(Sum("fills__quantity"), ZERO, output_field=DecimalField())
    orders = Order.objects.filter(position=position).annotate(executed=executed)
    evidence = [
        OrderEvidence(Side(side), answered, done)
        for side, answered, done in orders.values_list("side", "filled_quantity", "executed")
    ]
    foreign = _executions(Fill.objects.filter(position=position, order=None))
    leg = PositionSide(position.position_side)
    return quantity_held(leg, position.unexplained_quantity, evidence, foreign)


def _executions(rows: QuerySet[Fill]) -> list[Execution]:
    """In the order they happened; within one millisecond what opens comes before what closes."""
    closes = Case(
        When(position_side="long", side="sell", then=1),
        When(position_side="short", side="buy", then=1),
        default=0,
    )
    ordered = rows.order_by("executed_at", closes, "id")
    return [Execution(Side(r.side), r.quantity, r.price, _quote_fee(r)) for r in ordered]


def _quote_fee(fill: Fill) -> Decimal:
    return fill.fee if fill.fee_currency in QUOTE_CURRENCIES else ZERO


def _refresh_money(position: Position) -> None:
    leg = PositionSide(position.position_side)
    found = opening(leg, position.unexplained_quantity, position.unexplained_price)
    executions = _untold(position) + _executions(Fill.objects.filter(position=position))
    # what was held before we looked comes first, what went away without a trace last
    in_order = found + executions if position.unexplained_quantity > 0 else executions + found
    accounts = account_for(leg, in_order, _answered_entry_price(position))
    position.average_entry_price = accounts.average_entry_price
    position.average_exit_price = accounts.average_exit_price
    position.realized_pnl, position.fees = accounts.realized_pnl, accounts.fees


def _untold(position: Position) -> list[Execution]:
    """What an entry's answer says it bought beyond its told executions, at the price that makes up its average: an
    average of a part would move the stop for good."""
    cost = Coalesce(Sum(F("fills__quantity") * F("fills__price")), ZERO, output_field=DecimalField())
    executed = Coalesce(Sum("fills__quantity"), ZERO, output_field=DecimalField())
    entries = Order.objects.filter(position=position, purpose="entry", average_price__gt=0)
    found = []
    for entry in entries.annotate(executed=executed, cost=cost).filter(filled_quantity__gt=F("executed")):
        missing = entry.filled_quantity - entry.executed
        price = (entry.average_price * entry.filled_quantity - entry.cost) / missing
        found.append(Execution(Side(entry.side), missing, price if price > 0 else entry.average_price))
    return found


def _answered_entry_price(position: Position) -> Decimal | None:
    """The order answer knows the average before its executions arrive."""
    entries = Order.objects.filter(position=position, purpose="entry", average_price__gt=0)
    return entries.values_list("average_price", flat=True).first()


def _report_imbalance(position: Position, held: Decimal) -> None:
    events.record(
        "holdings_out_of_balance",
        "critical",
        account_id=position.account_id,
        position_id=position.pk,
        held=held,
        status=position.status,
    )
