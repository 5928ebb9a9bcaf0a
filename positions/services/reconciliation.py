"""Ask the exchange what is true, explain every difference, act only on successful answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.errors import ExchangeError
from exchanges.models import AccountBalance, ExchangeAccount
from exchanges.types import BalanceReport, FillReport, OrderReport, PositionReport, PositionSide, ReportStatus
from positions.comparison import Absent, Difference, Leg, OurLeg, Present, QuantityDiffers, Unknown, compare
from positions.lifecycle import DONE, CloseReason, OrderPurpose, OrderStatus, PositionStatus
from positions.models import Order, Position, RiskEvent
from positions.services import events, halting, lookups
from positions.services.closing import lock_position, settle_close
from positions.services.outbox import PREFIX
from positions.services.reports import apply_fill

logger = logging.getLogger(__name__)

# a second snapshot at least this much younger than the first must agree that a position is gone
ABSENCE_CONFIRMED_AFTER = timedelta(seconds=5)
FILL_OVERLAP = timedelta(minutes=1)
SAY_AGAIN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ExchangeSnapshot:
    """Three successful answers; `asked_at` is before the first question was sent."""

    asked_at: datetime
    positions: Sequence[PositionReport]
    open_orders: Sequence[OrderReport]
    balance: BalanceReport


def reconcile_account(account_id: int) -> None:
    account = ExchangeAccount.objects.get(pk=account_id)
    try:
        snapshot = _ask(account)
    except ExchangeError as error:
        halting.hear(account_id, error)
        logger.warning("account %s could not be reconciled: %s", account.name, error)
        return  # an unanswered question says nothing about any position
    _save_balance(account, snapshot)
    _look_for_lost_orders(account, snapshot)
    _fetch_missing_fills(account)
    for difference in _differences(account, snapshot):
        _act(account, difference, snapshot)
    _report_strange_orders(account, snapshot)


def reconcile_all() -> None:
    for pk in ExchangeAccount.objects.values_list("pk", flat=True):
        try:
            reconcile_account(pk)
        except Exception:
            logger.exception("reconciliation of account %s broke off; the next one starts afresh", pk)


def _ask(account: ExchangeAccount) -> ExchangeSnapshot:
    async def questions(client: ExchangeClient) -> ExchangeSnapshot:
        asked_at = timezone.now()
        return ExchangeSnapshot(
            asked_at, await client.positions(), await client.open_orders(), await client.balance()
        )

    return session.call(account, questions)


def _save_balance(account: ExchangeAccount, snapshot: ExchangeSnapshot) -> None:
    balance = snapshot.balance
    AccountBalance.objects.update_or_create(
        account=account,
        defaults={
            "wallet_balance": balance.wallet_balance,
            "equity": balance.equity,
            "available_balance": balance.available_balance,
            "reported_at": snapshot.asked_at,
        },
    )


def _look_for_lost_orders(account: ExchangeAccount, snapshot: ExchangeSnapshot) -> None:
    """A stop we believe in that the exchange does not list is asked for by name."""
    listed = {report.client_order_id for report in snapshot.open_orders}
    believed = Order.objects.filter(
        account=account,
        purpose=OrderPurpose.PROTECT,
        status=OrderStatus.ACCEPTED,
        updated_at__lt=snapshot.asked_at,
    )
    for pk, client_order_id in believed.values_list("pk", "client_order_id"):
        if client_order_id not in listed:
            lookups.resolve(pk, gone=ReportStatus.EXPIRED)


def _fetch_missing_fills(account: ExchangeAccount) -> None:
    """Orders that filled more than their executions explain."""
    told = Coalesce(Sum("fills__quantity"), Decimal(0), output_field=Order._meta.get_field("quantity"))
    orders = Order.objects.filter(account=account, filled_quantity__gt=0).annotate(told=told)
    short = orders.filter(told__lt=F("filled_quantity")).select_related("position__instrument")
    for symbol in {order.position.instrument.symbol for order in short}:
        since = min(o.created_at for o in short if o.position.instrument.symbol == symbol) - FILL_OVERLAP
        _apply_known_fills(account, _fills(account, symbol, since))


def _fills(account: ExchangeAccount, symbol: str, since: datetime) -> Sequence[FillReport]:
    try:
        return session.call(account, lambda client: client.fills(symbol, since))
    except ExchangeError as error:
        logger.warning("executions of %s could not be listed: %s", symbol, error)
        return ()


def _apply_known_fills(account: ExchangeAccount, fills: Sequence[FillReport]) -> None:
    """A listing names the exchange's order id only: one that is not (yet) ours may still become ours."""
    for fill in fills:
        ours = Q(exchange_order_id=fill.exchange_order_id) | Q(child_order_id=fill.exchange_order_id)
        if Order.objects.filter(ours, account=account).exists():
            apply_fill(account.pk, fill)


def _differences(account: ExchangeAccount, snapshot: ExchangeSnapshot) -> list[Difference]:
    live = list(Position.objects.filter(account=account, is_live=True).select_related("instrument"))
    moving = _moving_positions(account, snapshot.asked_at)
    settled = [p for p in live if p.status != PositionStatus.OPENING and p.pk not in moving]
    return compare(map(_leg, settled), snapshot.positions, frozenset(map(_key, live)) | _just_closed(account))


def _moving_positions(account: ExchangeAccount, asked_at: datetime) -> set[int]:
    """Positions with an order under way, or that changed after the question was asked."""
    working = Order.objects.filter(account=account).exclude(status__in=DONE)
    resting = Q(purpose=OrderPurpose.PROTECT, status__in=(OrderStatus.ACCEPTED, OrderStatus.PENDING_CANCEL))
    underway = working.exclude(resting).values_list("position_id", flat=True)
    touched = Order.objects.filter(account=account, updated_at__gte=asked_at).values_list(
        "position_id", flat=True
    )
    return {*underway, *touched}


def _just_closed(account: ExchangeAccount) -> frozenset[Leg]:
    """The snapshot may be older than a close that was recorded while we asked."""
    recent = Position.objects.filter(account=account, closed_at__gte=timezone.now() - timedelta(seconds=10))
    return frozenset(map(_key, recent.select_related("instrument")))


def _key(position: Position) -> Leg:
    return position.instrument.symbol, PositionSide(position.position_side)


def _leg(position: Position) -> OurLeg:
    return OurLeg(position.pk, *_key(position), position.quantity)


def _act(account: ExchangeAccount, difference: Difference, snapshot: ExchangeSnapshot) -> None:
    match difference:
        case Absent(position_id):
            _hear_of_foreign_fills(account, position_id)
            _absent(position_id, snapshot.asked_at)
        case Present(position_id):
            Position.objects.filter(pk=position_id, absent_since__isnull=False).update(absent_since=None)
        case QuantityDiffers(position_id, ours, theirs):
            _say_once(account, "quantity_differs", position_id=position_id, ours=ours, theirs=theirs)
        case Unknown(report):
            leg = f"{report.symbol} {report.position_side}"
            _say_once(account, "unknown_position", leg=leg, quantity=report.quantity)


def _hear_of_foreign_fills(account: ExchangeAccount, position_id: int) -> None:
    """Who closed it, and at what price: no order of ours is under way here, so a strange execution is foreign."""
    position = Position.objects.select_related("instrument").get(pk=position_id)
    for fill in _fills(account, position.instrument.symbol, position.created_at):
        if fill.position_side == position.position_side:
            apply_fill(account.pk, fill)


@transaction.atomic
def _absent(position_id: int, asked_at: datetime) -> None:
    """The first answer without the position is remembered, a second and younger one settles it."""
    position = lock_position(position_id)
    if position.status == PositionStatus.CLOSED or position.updated_at >= asked_at:
        return
    if position.absent_since is None:
        Position.objects.filter(pk=position_id).update(absent_since=asked_at)
    elif asked_at - position.absent_since >= ABSENCE_CONFIRMED_AFTER:
        events.record("closed_outside", "high", account_id=position.account_id, position_id=position_id)
        settle_close(position, reason=CloseReason.EXTERNAL)


def _report_strange_orders(account: ExchangeAccount, snapshot: ExchangeSnapshot) -> None:
    """Orders that carry our prefix and have no row, and rows that ended while their order still works."""
    for report in snapshot.open_orders:
        if not report.client_order_id.startswith(PREFIX):
            continue
        row = Order.objects.filter(account=account, client_order_id=report.client_order_id).first()
        if row is None or (row.status in DONE and row.updated_at < snapshot.asked_at):
            _say_once(account, "order_nobody_asked_for", order=report.client_order_id, symbol=report.symbol)


def _say_once(
    account: ExchangeAccount, event_type: str, *, position_id: int | None = None, **details: object
) -> None:
    """One row an hour for the same finding."""
    texts = {key: str(value) for key, value in details.items()}
    since = timezone.now() - SAY_AGAIN_AFTER
    same = RiskEvent.objects.filter(
        account=account, event_type=event_type, details=texts, created_at__gte=since
    )
    if not same.exists():
        events.record(event_type, "high", account_id=account.pk, position_id=position_id, **details)
