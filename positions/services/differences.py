"""What is done about each difference. Nothing is believed from one answer: a second, younger one must agree."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from exchanges.models import AccountWatch, ExchangeAccount, Instrument, UnknownPositions
from exchanges.types import PositionReport, ReportStatus
from positions.comparison import (
    Absent,
    Difference,
    OrderLeftOver,
    OrderLost,
    OrderUnasked,
    Present,
    QuantityDiffers,
    Unknown,
)
from positions.lifecycle import CloseReason, PositionStatus
from positions.models import Order, Position, RiskEvent
from positions.services import adopting, consequences, events, gap_filling, holdings, lookups
from positions.services.closing import lock_position, settle_when_quiet
from trailing.rows import age_hours, plan_of

CONFIRMED_AFTER = timedelta(seconds=5)
SAY_AGAIN_AFTER = timedelta(hours=1)


def act(account: ExchangeAccount, difference: Difference | Present, asked_at: datetime) -> None:
    match difference:
        case Present(position_id):
            _agrees(position_id)
        case Absent(position_id):
            if _fills_are_read(account, position_id):
                _absent(position_id, asked_at)
        case QuantityDiffers(position_id, _, report):
            if _fills_are_read(account, position_id):
                _differs(position_id, report, asked_at)
        case Unknown(report):
            _unknown(account, report, asked_at)
        case OrderLost(client_order_id):
            order = Order.objects.get(account=account, client_order_id=client_order_id)
            is_proven = _is_old(_known(account, "lost_orders").get(client_order_id), asked_at)
            lookups.resolve(order.pk, gone=ReportStatus.EXPIRED if is_proven else None)
        case OrderLeftOver(report):
            say_once(account, "order_left_over", order=report.client_order_id, symbol=report.symbol)
            lookups.cancel_left_over(account, report)
        case OrderUnasked(report):
            say_once(account, "order_nobody_asked_for", order=report.client_order_id, symbol=report.symbol)


def _agrees(position_id: int) -> None:
    doubted = Position.objects.filter(pk=position_id).exclude(absent_since=None, differs_since=None)
    doubted.update(absent_since=None, differs_since=None)


def _fills_are_read(account: ExchangeAccount, position_id: int) -> bool:
    """Who did it, and at what price. Without this answer nobody may say that nothing explains the difference."""
    position = Position.objects.select_related("instrument").get(pk=position_id)
    return gap_filling.read(account, position.instrument)


@transaction.atomic
def _absent(position_id: int, asked_at: datetime) -> None:
    position = lock_position(position_id)
    if position.status == PositionStatus.CLOSED or position.updated_at >= asked_at:
        return
    if position.absent_since is None:
        Position.objects.filter(pk=position_id).update(absent_since=asked_at)
    elif asked_at - position.absent_since >= CONFIRMED_AFTER:
        reason = _reason_of_absence(position, asked_at)
        events.record(
            "closed_outside", "high", account_id=position.account_id, position_id=position_id, reason=reason
        )
        settle_when_quiet(position, reason)


def _reason_of_absence(position: Position, asked_at: datetime) -> CloseReason:
    """No execution tells of an exit. One that was to leave for its age has a name of its own."""
    limit = plan_of(position).age
    is_aged = limit is not None and age_hours(position, asked_at) >= limit.max_age_hours
    return CloseReason.PHANTOM_AGED if is_aged else CloseReason.EXTERNAL


@transaction.atomic
def _differs(position_id: int, report: PositionReport, asked_at: datetime) -> None:
    """When the listed executions do not explain it either, the exchange's word counts and the owner is told."""
    position = lock_position(position_id)
    if position.status == PositionStatus.CLOSED or position.updated_at >= asked_at:
        return
    if position.differs_since is None:
        Position.objects.filter(pk=position_id).update(differs_since=asked_at)
    elif asked_at - position.differs_since >= CONFIRMED_AFTER:
        _take_their_word(position, report, asked_at)


def _take_their_word(position: Position, report: PositionReport, asked_at: datetime) -> None:
    events.record(
        "quantity_differs", "critical", account_id=position.account_id, position_id=position.pk,
        ours=position.quantity, theirs=report.quantity,
    )  # fmt: skip
    position.unexplained_quantity += report.quantity - position.quantity
    position.unexplained_price = position.average_entry_price or report.entry_price
    position.unexplained_at, position.differs_since = asked_at, None
    position.save(
        update_fields=[
            "unexplained_quantity", "unexplained_price", "unexplained_at", "differs_since", "updated_at",
        ]
    )  # fmt: skip
    holdings.refresh(position)
    consequences.follow_quantity(position)


def _unknown(account: ExchangeAccount, report: PositionReport, asked_at: datetime) -> None:
    instrument = Instrument.objects.filter(venue=account.venue, symbol=report.symbol).first()
    if instrument is not None:
        gap_filling.read(account, instrument)  # from now on its executions are followed to their end
    if not _is_proven(account, report, asked_at):
        return
    if account.unknown_positions == UnknownPositions.ADOPT:
        adopting.adopt(account.pk, report, asked_at)
    else:
        say_once(account, "unknown_position", leg=leg_name(report))


def _is_proven(account: ExchangeAccount, report: PositionReport, asked_at: datetime) -> bool:
    return _is_old(_known(account, "unknown_legs").get(leg_name(report)), asked_at)


def _is_old(since: str | None, asked_at: datetime) -> bool:
    return since is not None and asked_at - datetime.fromisoformat(since) >= CONFIRMED_AFTER


def _known(account: ExchangeAccount, column: str) -> dict[str, str]:
    """Name -> first answer in an unbroken row that showed the difference."""
    return AccountWatch.objects.filter(account=account).values_list(column, flat=True).first() or {}


def unknown_legs(
    account: ExchangeAccount, differences: list[Difference | Present], asked_at: datetime
) -> dict[str, str]:
    """Leg with its quantity -> first answer in an unbroken row that showed it."""
    return _since(
        account, "unknown_legs", {leg_name(d.report) for d in differences if isinstance(d, Unknown)}, asked_at
    )


def lost_orders(
    account: ExchangeAccount, differences: list[Difference | Present], asked_at: datetime
) -> dict[str, str]:
    """client_order_id -> first answer in an unbroken row that missed it."""
    names = {one.client_order_id for one in differences if isinstance(one, OrderLost)}
    return _since(account, "lost_orders", names, asked_at)


def _since(account: ExchangeAccount, column: str, names: set[str], asked_at: datetime) -> dict[str, str]:
    known = _known(account, column)
    return {name: known.get(name, asked_at.isoformat()) for name in sorted(names)}


def leg_name(report: PositionReport) -> str:
    return f"{report.symbol} {report.position_side} {report.quantity.normalize():f}"


def say_once(account: ExchangeAccount, event_type: str, **details: Any) -> None:
    """One row an hour for the same finding."""
    texts = {key: str(value) for key, value in details.items()}
    since = timezone.now() - SAY_AGAIN_AFTER
    same = RiskEvent.objects.filter(
        account=account, event_type=event_type, details=texts, created_at__gte=since
    )
    if not same.exists():
        events.record(event_type, "high", account_id=account.pk, **details)
