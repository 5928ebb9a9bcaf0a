"""Sentences that must be true at any moment, as questions to our own rows. Each yields what contradicts it.

What is still moving is left out: a contradiction counts once its rows have rested for a minute.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import connection
from django.db.models import Count, DecimalField, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from exchanges.models import KEYS, KEYS_OF_ACCOUNT, AccountWatch, ExchangeAccount
from exchanges.types import PositionSide, PriceKind, Reference, Side
from ops.models import LegacyOutcome, LegacyRow
from positions import formats, wallets
from positions.accounting import signed
from positions.cover import uncovered
from positions.legacy_names import LIVE_ROWS as LIVE_ROWS_OF_OLDER_BOTS
from positions.lifecycle import PENDING, OrderStatus, PositionStatus
from positions.models import ArbitrageTrade, Order, Position
from positions.silence import PricesNeeded, silent_prices
from signals_app.balance import contradictions as signal_contradictions
from signals_app.stream_health import entries_that_wait_too_long

RESTED = timedelta(seconds=60)
# the slowest source of a wallet's movements is asked every ten minutes
WALLET_PATIENCE = timedelta(minutes=15)
A_DAY = timedelta(days=1)
# a close that UNPROTECTED_CLOSE_AFTER asked for takes a moment
CLOSES_WITHIN = timedelta(seconds=30)
ZERO = Decimal(0)
# an order in one of these waits for an answer, not for the market
FLEETING = (OrderStatus.SUBMITTED, OrderStatus.TRIGGERED, OrderStatus.PENDING_CANCEL)

WALLETS = "wallet change equals profit less fees plus funding"
Findings = Iterator[str]


def positions_equal_their_fills(now: datetime) -> Findings:
    rested = Position.objects.exclude(status=PositionStatus.OPENING).filter(updated_at__lt=now - RESTED)
    recent = rested.filter(Q(is_live=True) | Q(closed_at__gt=now - A_DAY))
    for position in recent.annotate(bought=_traded(Side.BUY), sold=_traded(Side.SELL)):
        leg = PositionSide(position.position_side)
        traded = signed(leg, Side.BUY, position.bought) + signed(leg, Side.SELL, position.sold)
        if (held := position.unexplained_quantity + traded) != position.quantity:
            yield f"position {position.pk} holds {position.quantity}, its fills say {held}"


def _traded(side: Side) -> Coalesce:
    return Coalesce(Sum("fills__quantity", filter=Q(fills__side=side)), ZERO, output_field=DecimalField())


def positions_equal_the_exchange(now: datetime) -> Findings:
    """What reconciliation has seen and not yet settled."""
    doubted = Position.objects.filter(Q(absent_since__lt=now - RESTED) | Q(differs_since__lt=now - RESTED))
    yield from (
        f"position {pk} is not what the exchange shows"
        for pk in doubted.filter(is_live=True).values_list("pk", flat=True)
    )
    for watch in (
        AccountWatch.objects.exclude(unknown_legs={}).select_related("account").defer(*KEYS_OF_ACCOUNT)
    ):
        for leg, since in watch.unknown_legs.items():
            if datetime.fromisoformat(since) < now - RESTED:
                yield f"{watch.account.name}: nobody knows {leg}"


def one_order_is_filled_once(now: datetime) -> Findings:
    executed = Coalesce(Sum("fills__quantity"), ZERO, output_field=DecimalField())
    recent = Order.objects.filter(created_at__gt=now - A_DAY)
    for order in recent.annotate(executed=executed).filter(executed__gt=F("quantity")):
        yield f"order {order.client_order_id} asked for {order.quantity} and got {order.executed}"
    twice = recent.exclude(exchange_order_id="").values("account", "symbol", "book", "exchange_order_id")
    for row in twice.annotate(n=Count("pk")).filter(n__gt=1):
        yield f"the exchange's order {row['exchange_order_id']} belongs to {row['n']} of ours"


def every_exchange_order_has_a_row(now: datetime) -> Findings:
    for watch in (
        AccountWatch.objects.exclude(unasked_orders=[]).select_related("account").defer(*KEYS_OF_ACCOUNT)
    ):
        yield from (f"{watch.account.name}: {name}" for name in watch.unasked_orders)


def every_open_position_has_a_stop(now: datetime) -> Findings:
    limit = now - settings.UNPROTECTED_CLOSE_AFTER - CLOSES_WITHIN
    held = Position.objects.filter(status=PositionStatus.OPEN, opened_at__lt=limit, handed_over_at=None)
    # one that fired is closing the position: not for longer than that takes
    bare = uncovered(held, fired_after=now - RESTED)
    known = Q(unprotected_since=None) | Q(unprotected_since__lt=limit)
    yield from (
        f"position {pk} has no stop for all it holds"
        for pk in bare.filter(known).values_list("pk", flat=True)
    )


def the_ledger_of_orders_closes(now: datetime) -> Findings:
    resting = now - RESTED
    waiting = Order.objects.filter(status__in=FLEETING, updated_at__lt=resting)
    due = Q(next_attempt_at=None, created_at__lt=resting) | Q(next_attempt_at__lt=resting)
    unsent = Order.objects.filter(due, status=OrderStatus.INITIALIZED)
    ended = Position.objects.filter(status=PositionStatus.CLOSED, closed_at__lt=resting)
    # by the few that are pending: the index knows nothing of what is not done
    left = Order.objects.filter(status__in=sorted(PENDING), position__in=ended)
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
    """A moment is marked when it contradicts; it counts when it still does after all sources had their time, and a
    later moment did too."""
    marked = AccountWatch.objects.filter(wallet_differs_since__lt=now - WALLET_PATIENCE)
    agreed = marked.filter(wallet_asked_at__gt=F("wallet_differs_since")).select_related("account")
    agreed = agreed.defer(*KEYS_OF_ACCOUNT)
    for watch in agreed:
        since, until = wallets.baseline(watch), wallets.differing(watch)
        if since and until and (gap := wallets.gap(watch.account_id, since, until)):
            yield f"{watch.account.name}: {gap} that no fill, fee or funding explains"


def accounts_are_compared_with_the_exchange(now: datetime) -> Findings:
    limit = now - 2 * RESTED
    late = Q(watch__reconciled_at=None, created_at__lt=limit) | Q(watch__reconciled_at__lt=limit)
    for account in accounts_that_trade().filter(late).select_related("watch").defer(*KEYS):
        watch = getattr(account, "watch", None)
        at = watch.reconciled_at if watch else None
        since = f"not since {formats.moment(at)}" if at else "never yet"
        yield f"{account.name}: {since}; {watch.reconcile_error if watch else 'nobody asked'}"


def accounts_that_trade() -> QuerySet[ExchangeAccount]:
    """An account that its owner has not confirmed is not asked; only what it still holds makes that an alarm."""
    if settings.DRY_RUN is not False:
        return ExchangeAccount.objects.all()
    holding = Position.objects.filter(is_live=True).values("account")
    return ExchangeAccount.objects.filter(Q(is_live_confirmed=True) | Q(pk__in=holding))


def prices_of_what_is_held_are_heard(now: datetime) -> Findings:
    """An alarm and no more: no decision is made by an old price."""
    limit = now - settings.PRICE_SILENT_AFTER
    held = Position.objects.filter(is_live=True, quantity__gt=0, opened_at__lt=limit)
    yield from silent_prices(_prices_needed_for(held), limit)


def _prices_needed_for(held: QuerySet[Position]) -> PricesNeeded:
    """Contracts by venue and price: the mark price of all, and the one their plan judges by."""
    needed: dict[tuple[str, PriceKind], set[str]] = defaultdict(set)
    contracts = held.values_list(
        "account__venue", "instrument__exchange_symbol", "plan__body__reference", "position_side"
    )
    for venue, symbol, reference, side in contracts.distinct():
        for kind in (PriceKind.MARK, Reference(reference).kind(PositionSide(side))):
            needed[venue, kind].add(symbol)
    return needed


def the_ledger_of_signals_closes(now: datetime) -> Findings:
    return signal_contradictions(since=now - A_DAY, until=now - RESTED)


def the_signal_stream_is_worked_off(now: datetime) -> Findings:
    return entries_that_wait_too_long()


def deadlocks() -> int:
    """Since the database's statistics began; who compares two readings knows of new ones."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def older_positions_are_looked_after(now: datetime) -> Findings:
    """Live by an older bot's word, and not taken over: no stop of ours follows their price."""
    waiting = LegacyRow.objects.filter(table=LIVE_ROWS_OF_OLDER_BOTS, outcome=LegacyOutcome.WAITING)
    yield from (f"row {row}: {why}" for row, why in waiting.order_by("pk").values_list("legacy_id", "reason"))


def no_leg_stands_alone(now: datetime) -> Findings:
    live = ArbitrageTrade.objects.filter(ended_at=None)
    for gone, held in (("long_position", "short_position"), ("short_position", "long_position")):
        alone = {f"{gone}__closed_at__lt": now - RESTED, f"{held}__quantity__gt": 0}
        yield from (
            f"arbitrage trade {trade}: position {position} still holds, its other leg is closed"
            for trade, position in live.filter(**alone).values_list("pk", held)
        )


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
    "the price of everything held is heard": prices_of_what_is_held_are_heard,
    "live positions of an older bot are taken over": older_positions_are_looked_after,
    "no leg of an arbitrage stands alone": no_leg_stands_alone,
    "the ledger of signals closes": the_ledger_of_signals_closes,
    "no signal waits in the stream for long": the_signal_stream_is_worked_off,
}
