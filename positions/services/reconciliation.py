"""Ask the exchange what is true, explain every difference, act only on successful answers."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.clock import ClockReading
from exchanges.errors import ExchangeError
from exchanges.models import AccountBalance, AccountWatch, ExchangeAccount
from exchanges.types import BalanceReport, OrderReport, OrderType, PositionReport, PositionSide
from positions.comparison import (
    Difference,
    Leg,
    OrderState,
    OrderUnasked,
    OurLeg,
    Present,
    compare,
    compare_orders,
)
from positions.cover import FIRES_WITHIN
from positions.lifecycle import DONE, PENDING, OrderPurpose, OrderStatus, PositionStatus
from positions.models import Order, Position
from positions.services import (
    differences,
    equity,
    funding,
    gap_filling,
    halting,
    older_orders,
    position_modes,
    reachability,
    watch,
)
from positions.services.lookups import MATCHED_WITHIN
from positions.services.outbox import PREFIX
from positions.services.reports import apply_report
from positions.services.sweeping import for_each, for_each_account

logger = logging.getLogger(__name__)

COMPLAINT = "account %s could not be compared"
JUST_CLOSED = timedelta(seconds=10)
# confirmed and waiting: their positions can be compared, for what they may do meanwhile is told or listed
RESTING = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING_CANCEL)


@dataclass(frozen=True, slots=True)
class ExchangeSnapshot:
    """Three successful answers; `asked_at` is before the first question was sent."""

    asked_at: datetime
    positions: Sequence[PositionReport]
    open_orders: Sequence[OrderReport]
    balance: BalanceReport
    clock: ClockReading | None


def reconcile_all() -> None:
    _for_all_accounts(reconcile_account, COMPLAINT)


def reconcile_account(account_id: int) -> None:
    account = ExchangeAccount.objects.get(pk=account_id)
    try:
        snapshot = _ask(account)
    except ExchangeError as error:
        halting.hear(account_id, error)
        reachability.hear(account_id, error)
        logger.warning("account %s could not be reconciled: %s", account.name, error)
        watch.not_reconciled(account_id, error.sentence)
        return  # an unanswered question says nothing about any position
    reachability.answered(account_id)
    _save_balance(account, snapshot)
    position_modes.look(account)
    gap_filling.read_all(account)
    _look_at_equity(account, snapshot)
    found = _differences(account, snapshot)
    for difference in found:
        _act(account, difference, snapshot.asked_at)
    _hear_of_acknowledged(account, snapshot.open_orders)
    protected = _proven_protected(account, snapshot)
    older_orders.tend(account, snapshot.open_orders, snapshot.asked_at, protected)
    watch.reconciled(account_id, snapshot.asked_at, **_figures(account, snapshot, found, len(protected)))
    reachability.compared(account_id, snapshot.asked_at)


def differences_now(account_id: int) -> list[Difference]:
    """What a comparison would act on. Writes nothing; raises what the exchange answers."""
    account = ExchangeAccount.objects.get(pk=account_id)
    return [one for one in _differences(account, _ask(account)) if not isinstance(one, Present)]


def _hear_of_acknowledged(account: ExchangeAccount, listed: Sequence[OrderReport]) -> None:
    """Where no stream told it, the listing does: they stand. Each is written once."""
    untold = Order.objects.filter(account=account, status=OrderStatus.ACCEPTED, stood_at=None)
    names = set(untold.values_list("client_order_id", flat=True))
    told = {one.client_order_id: one for one in listed if one.client_order_id in names}
    for_each(told, lambda name: apply_report(account.pk, told[name]), "the listing of order %s was not noted")


def _look_at_equity(account: ExchangeAccount, snapshot: ExchangeSnapshot) -> None:
    """A figure for the limits; what is compared must not wait for it."""
    try:
        equity.look(account.pk, snapshot.balance, snapshot.asked_at)
    except Exception:
        logger.exception(
            "account %s: its equity could not be tracked; the next comparison tries again", account.name
        )


def _act(account: ExchangeAccount, difference: Difference | Present, asked_at: datetime) -> None:
    """One that cannot be settled must not keep the others from it."""
    try:
        differences.act(account, difference, asked_at)
    except Exception:
        logger.exception(
            "account %s: %s could not be settled; the next comparison tries again", account.name, difference
        )


def collect_funding() -> None:
    _for_all_accounts(collect_funding_of, "funding of account %s could not be collected")


def _for_all_accounts(act: Callable[[int], None], complaint: str) -> None:
    each = ExchangeAccount.objects.order_by("pk").values_list("pk", flat=True)
    for_each_account([(pk, pk) for pk in each], act, complaint)


def collect_funding_of(account_id: int) -> None:
    account = ExchangeAccount.objects.get(pk=account_id)
    try:
        funding.collect(account)
    except ExchangeError as error:
        logger.warning("funding of account %s could not be read: %s", account.name, error)


def _ask(account: ExchangeAccount) -> ExchangeSnapshot:
    async def questions(client: ExchangeClient) -> ExchangeSnapshot:
        asked_at = timezone.now()
        held, working, balance = await client.positions(), await client.open_orders(), await client.balance()
        return ExchangeSnapshot(asked_at, held, working, balance, await client.clock())

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


def _differences(account: ExchangeAccount, snapshot: ExchangeSnapshot) -> list[Difference | Present]:
    held = Position.objects.filter(account=account, is_live=True)
    live = list(held.select_related("instrument").order_by("pk"))
    moving = _moving_positions(account, snapshot.asked_at)
    shown = {(report.symbol, report.position_side) for report in snapshot.positions}
    begun = (p for p in live if p.status != PositionStatus.OPENING or _key(p) in shown)
    settled = [p for p in begun if p.pk not in moving]
    explained = frozenset(map(_key, live)) | _just_closed(account, snapshot.asked_at)
    legs = compare(map(_leg, settled), snapshot.positions, explained)
    return [*legs, *compare_orders(_order_states(account, snapshot), snapshot.open_orders, PREFIX)]


def _moving_positions(account: ExchangeAccount, asked_at: datetime) -> set[int]:
    """Positions with an order under way, or that changed after the question was asked."""
    # acknowledged before it is matched: what it did is not told yet
    at_work = Q(
        answered_at__gt=asked_at - MATCHED_WITHIN, status=OrderStatus.ACCEPTED, order_type=OrderType.MARKET
    )
    on_its_way = Q(status__in=PENDING - {*RESTING}) | at_work
    working = Order.objects.filter(account=account).filter(on_its_way)
    stuck = Q(status=OrderStatus.TRIGGERED, updated_at__lt=asked_at - FIRES_WITHIN)
    touched = Order.objects.filter(account=account, updated_at__gte=asked_at)
    return {
        *working.exclude(stuck).values_list("position_id", flat=True),
        *touched.values_list("position_id", flat=True),
    }


def _order_states(account: ExchangeAccount, snapshot: ExchangeSnapshot) -> dict[str, OrderState]:
    """Rows touched after the question was asked say nothing about its answer."""
    listed = [report.client_order_id for report in snapshot.open_orders]
    ours = Order.objects.filter(account=account).order_by("created_at").select_related("position")
    rows = {
        o.client_order_id: o
        for o in [*ours.filter(status__in=PENDING), *ours.filter(client_order_id__in=listed)]
    }
    return {name: _order_state(order, snapshot.asked_at) for name, order in rows.items()}


def _order_state(order: Order, asked_at: datetime) -> OrderState:
    if order.updated_at >= asked_at:
        return OrderState.UNDERWAY
    if order.status in DONE:
        return OrderState.ENDED
    waits = order.status == OrderStatus.ACCEPTED and order.order_type != OrderType.MARKET
    return OrderState.RESTING if waits else OrderState.UNDERWAY


def _just_closed(account: ExchangeAccount, asked_at: datetime) -> frozenset[Leg]:
    """The snapshot may be older than a close that was recorded while we asked."""
    recent = Position.objects.filter(account=account, closed_at__gte=asked_at - JUST_CLOSED)
    return frozenset(map(_key, recent.select_related("instrument")))


def _key(position: Position) -> Leg:
    return position.instrument.symbol, PositionSide(position.position_side)


def _leg(position: Position) -> OurLeg:
    return OurLeg(position.pk, *_key(position), position.quantity)


def _clock_figures(clock: ClockReading | None) -> dict[str, Any]:
    return {"clock_offset_ms": clock.offset_ms, "clock_measured_at": clock.measured_at} if clock else {}


def _figures(
    account: ExchangeAccount, snapshot: ExchangeSnapshot, found: list[Difference | Present], protected: int
) -> dict[str, Any]:
    return {
        "differences_open": sum(not isinstance(one, Present) for one in found),
        "unasked_orders": [one.report.client_order_id for one in found if isinstance(one, OrderUnasked)],
        "unknown_legs": differences.unknown_legs(account, found, snapshot.asked_at),
        "lost_orders": differences.lost_orders(account, found, snapshot.asked_at),
        "positions_live": _held(account).count(),
        "positions_proven_protected": protected,
        **_clock_figures(snapshot.clock),
    }


def _held(account: ExchangeAccount) -> QuerySet[Position]:
    return Position.objects.filter(account=account, is_live=True, quantity__gt=0)


def _proven_protected(account: ExchangeAccount, snapshot: ExchangeSnapshot) -> set[int]:
    """The orders of one generation are one stop."""
    listed = {report.client_order_id: report.quantity for report in snapshot.open_orders}
    orders = Order.objects.filter(
        position__in=_held(account), purpose=OrderPurpose.PROTECT, client_order_id__in=listed
    )
    held: dict[int, Decimal] = {}
    sells: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for order in orders.select_related("position"):
        held[order.position_id] = order.position.quantity
        sells[order.position_id, order.generation] += listed[order.client_order_id] or Decimal(0)
    return {pk for (pk, _), quantity in sells.items() if quantity >= held[pk]}


def get_health_status() -> dict[str, Any]:
    """Of the position synchroniser, per account name. A figure that was never measured is None, never "healthy"."""
    watches = {one.account_id: one for one in AccountWatch.objects.all()}
    accounts = ExchangeAccount.objects.order_by("name")
    found = {account.name: _health(watches.get(account.pk)) for account in accounts}
    ages = [one["age_seconds"] for one in found.values()]
    open_ones = [one["differences_open"] for one in found.values()]
    return {
        "last_success": min(
            (one["last_success"] for one in found.values() if one["last_success"]), default=None
        ),
        "age_seconds": None if None in ages else max(ages, default=None),
        "differences_open": None if None in open_ones else sum(open_ones),
        "accounts": found,
    }


def _health(seen: AccountWatch | None) -> dict[str, Any]:
    at = seen.reconciled_at if seen else None
    return {
        "last_success": at,
        "age_seconds": (timezone.now() - at).total_seconds() if at else None,
        "differences_open": seen.differences_open if seen and at else None,
        "positions_live": seen.positions_live if seen and at else None,
        "positions_proven_protected": seen.positions_proven_protected if seen and at else None,
        "last_error": seen.reconcile_error if seen else "",
        "stream_connected_at": seen.stream_connected_at if seen else None,
        "stream_last_event_at": seen.stream_last_event_at if seen else None,
        "stream_failures": seen.stream_failures if seen else None,
        "wallet_asked_at": seen.wallet_asked_at if seen else None,
        "event_delay_ms": seen.event_delay_ms if seen else None,
        "clock_offset_ms": seen.clock_offset_ms if seen else None,
        "breaker": seen.breaker if seen else None,
        "unreachable_since": seen.unreachable_since if seen else None,
    }
