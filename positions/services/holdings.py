"""Position quantity, averages, profit and fees, always recomputed from rows; call with the position locked."""

from __future__ import annotations

from decimal import Decimal

from exchanges.types import PositionSide, Side
from positions.accounting import Execution, account_for, signed
from positions.lifecycle import PositionStatus
from positions.models import Fill, Order, Position
from positions.services import events

ZERO = Decimal(0)


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
            "average_entry_price",
            "average_exit_price",
            "realized_pnl",
            "fees",
            "updated_at",
        ]
    )


def _held(position: Position) -> Decimal:
    leg = PositionSide(position.position_side)
    ordered = Order.objects.filter(position=position, filled_quantity__gt=0).values_list(
        "side", "filled_quantity"
    )
    foreign = Fill.objects.filter(position=position, order=None).values_list("side", "quantity")
    return sum((signed(leg, Side(side), quantity) for side, quantity in [*ordered, *foreign]), ZERO)


def _refresh_money(position: Position) -> None:
    rows = Fill.objects.filter(position=position).order_by("executed_at", "id")
    executions = [Execution(Side(r.side), r.quantity, r.price, r.fee) for r in rows]
    accounts = account_for(PositionSide(position.position_side), executions)
    position.average_entry_price = accounts.average_entry_price or _answered_entry_price(position)
    position.average_exit_price = accounts.average_exit_price
    position.realized_pnl, position.fees = accounts.realized_pnl, accounts.fees


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
