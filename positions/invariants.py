"""Sentences that must be true at any moment, as questions to our own rows. Each yields what contradicts it.

What is still moving is left out: a contradiction counts once its rows have rested for a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import connection
from django.db.models import Count, DecimalField, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from exchanges.models import AccountBalance, AccountWatch
from exchanges.types import PositionSide, Side
from positions.accounting import signed
from positions.lifecycle import DONE, OrderPurpose, OrderStatus, PositionStatus
from positions.models import Fill, FundingPayment, Order, Position

RESTED = timedelta(seconds=60)
# the slowest source of a wallet's movements is asked every ten minutes
WALLET_PATIENCE = timedelta(minutes=15)
QUIET = timedelta(seconds=30)
# the venue rounds every commission and profit to eight decimals
ROUNDING = Decimal("0.000001")
ZERO = Decimal(0)
STANDING = (OrderStatus.ACCEPTED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)
# an order in one of these waits for an answer, not for the market
FLEETING = (OrderStatus.SUBMITTED, OrderStatus.TRIGGERED, OrderStatus.PENDING_CANCEL)

WALLETS = "wallet change equals profit less fees plus funding"
Findings = Iterator[str]


def positions_equal_their_fills(now: datetime) -> Findings:
    rested = Position.objects.exclude(status=PositionStatus.OPENING).filter(updated_at__lt=now - RESTED)
    for position in rested.filter(Q(is_live=True) | Q(closed_at__gt=now - timedelta(days=1))):
        held = position.unexplained_quantity + _by_fills(position)
        if held != position.quantity:
            yield f"position {position.pk} holds {position.quantity}, its fills say {held}"


def _by_fills(position: Position) -> Decimal:
    rows = Fill.objects.filter(position=position).values_list("side", "quantity")
    leg = PositionSide(position.position_side)
    return sum((signed(leg, Side(side), quantity) for side, quantity in rows), ZERO)


def positions_equal_the_exchange(now: datetime) -> Findings:
    """What reconciliation has seen and not yet settled."""
    doubted = Position.objects.filter(Q(absent_since__lt=now - RESTED) | Q(differs_since__lt=now - RESTED))
    yield from (
        f"position {pk} is not what the exchange shows"
        for pk in doubted.filter(is_live=True).values_list("pk", flat=True)
    )
    for watch in AccountWatch.objects.exclude(unknown_legs={}).select_related("account"):
        for leg, since in watch.unknown_legs.items():
            if datetime.fromisoformat(since) < now - RESTED:
                yield f"{watch.account.name}: nobody knows {leg}"


def one_order_is_filled_once(now: datetime) -> Findings:
    executed = Coalesce(Sum("fills__quantity"), ZERO, output_field=DecimalField())
    orders = Order.objects.filter(created_at__gt=now - timedelta(days=1)).annotate(executed=executed)
    for order in orders.filter(executed__gt=F("quantity")):
        yield f"order {order.client_order_id} asked for {order.quantity} and got {order.executed}"
    twice = Order.objects.exclude(exchange_order_id="").values(
        "account", "symbol", "book", "exchange_order_id"
    )
    for row in twice.annotate(n=Count("pk")).filter(n__gt=1):
        yield f"the exchange's order {row['exchange_order_id']} belongs to {row['n']} of ours"


def every_exchange_order_has_a_row(now: datetime) -> Findings:
    for watch in AccountWatch.objects.exclude(unasked_orders=[]).select_related("account"):
        yield from (f"{watch.account.name}: {name}" for name in watch.unasked_orders)


def every_open_position_has_a_stop(now: datetime) -> Findings:
    limit = now - settings.UNPROTECTED_CLOSE_AFTER - QUIET
    held = Position.objects.filter(status=PositionStatus.OPEN, quantity__gt=0, opened_at__lt=limit)
    stands = Q(orders__purpose=OrderPurpose.PROTECT, orders__status__in=STANDING)
    bare = held.annotate(stops=Count("orders", filter=stands)).filter(stops=0)
    known = Q(unprotected_since=None) | Q(unprotected_since__lt=limit)
    yield from (f"position {pk} has no stop" for pk in bare.filter(known).values_list("pk", flat=True))


def the_ledger_of_orders_closes(now: datetime) -> Findings:
    resting = now - RESTED
    waiting = Order.objects.filter(status__in=FLEETING, updated_at__lt=resting)
    due = Q(next_attempt_at=None, created_at__lt=resting) | Q(next_attempt_at__lt=resting)
    unsent = Order.objects.filter(due, status=OrderStatus.INITIALIZED)
    ended = Position.objects.filter(status=PositionStatus.CLOSED, closed_at__lt=resting)
    left = Order.objects.filter(position__in=ended).exclude(status__in=DONE)
    yield from (f"order {name} has been {status} for too long" for name, status in _named(waiting | unsent))
    yield from (f"order {name} of a closed position is {status}" for name, status in _named(left))


def _named(orders: QuerySet[Order]) -> Iterator[tuple[str, str]]:
    yield from orders.values_list("client_order_id", "status")


def trailing_rows_follow_live_positions(now: datetime) -> Findings:
    orphans = Position.objects.filter(status=PositionStatus.CLOSED, trailing_stop__isnull=False)
    yield from (f"position {pk} is closed and has one" for pk in orphans.values_list("pk", flat=True))
    open_ones = Position.objects.filter(status__in=(PositionStatus.OPEN, PositionStatus.CLOSING))
    bare = open_ones.filter(trailing_stop=None)
    yield from (f"position {pk} is live and has none" for pk in bare.values_list("pk", flat=True))


def wallets_moved_by_what_we_booked(now: datetime) -> Findings:
    for watch in AccountWatch.objects.filter(wallet_differs_since__lt=now - WALLET_PATIENCE).select_related(
        "account"
    ):
        yield f"{watch.account.name}: {wallet_gap(watch)} that no fill, fee or funding explains"


def wallet_gap(watch: AccountWatch) -> Decimal | None:
    """What the wallet moved since its baseline beyond what we booked. None: something happens right now, or there is
    no baseline."""
    balance = AccountBalance.objects.filter(account=watch.account_id).first()
    if balance is None or watch.baseline_at is None or not _is_quiet(watch.account_id, balance.reported_at):
        return None
    booked, rows = _booked(watch.account_id, watch.baseline_at, balance.reported_at)
    gap: Decimal = balance.wallet_balance - watch.baseline_wallet - booked
    return gap if abs(gap) > ROUNDING * max(rows, 1) else ZERO


def _is_quiet(account_id: int, at: datetime) -> bool:
    near = Fill.objects.filter(account_id=account_id, executed_at__range=(at - QUIET, at + QUIET))
    moving = Order.objects.filter(account_id=account_id).exclude(status__in=[*DONE, OrderStatus.ACCEPTED])
    return not near.exists() and not moving.exists()


def _booked(account_id: int, since: datetime, until: datetime) -> tuple[Decimal, int]:
    fills = Fill.objects.filter(account_id=account_id, executed_at__gt=since, executed_at__lte=until)
    paid = FundingPayment.objects.filter(account_id=account_id, paid_at__gt=since, paid_at__lte=until)
    sums = fills.aggregate(
        pnl=Sum("realized_pnl"), fees=Sum("fee", filter=Q(fee_currency="USDT")), rows=Count("pk")
    )
    funding = paid.aggregate(total=Sum("amount"))["total"] or ZERO
    return (sums["pnl"] or ZERO) - (sums["fees"] or ZERO) + funding, sums["rows"] + paid.count()


def accounts_are_compared_with_the_exchange(now: datetime) -> Findings:
    for watch in AccountWatch.objects.filter(reconciled_at__lt=now - 2 * RESTED).select_related("account"):
        yield f"{watch.account.name}: not since {watch.reconciled_at:%H:%M:%S}; {watch.reconcile_error}"


def deadlocks() -> int:
    """Since the database's statistics began; who compares two readings knows of new ones."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


SENTENCES: dict[str, Callable[[datetime], Findings]] = {
    "sum of fills equals position": positions_equal_their_fills,
    "our positions equal the exchange's": positions_equal_the_exchange,
    "no order is filled beyond what it asked for": one_order_is_filled_once,
    "every exchange order of ours has a row": every_exchange_order_has_a_row,
    "every open position has a stop on the exchange": every_open_position_has_a_stop,
    "no order waits for an answer for ever": the_ledger_of_orders_closes,
    "trailing rows belong to live positions": trailing_rows_follow_live_positions,
    WALLETS: wallets_moved_by_what_we_booked,
    "every account is compared with its exchange": accounts_are_compared_with_the_exchange,
}
