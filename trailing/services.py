"""The only owner of stops: moves the trailing row with the price and has the exchange's stop follow it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Greatest, Least
from django.utils import timezone

from exchanges.marks import Mark, fresh_mark_and_time
from exchanges.types import PositionSide
from positions.lifecycle import STANDING, CloseReason, OrderPurpose, OrderStatus, PositionStatus
from positions.models import Order, Position
from positions.services.closing import request_close
from positions.services.orders import request_stop
from positions.services.outbox import hint
from trailing.engine import HUNDRED, Close, TrailingParams, TrailingPhase, TrailingState
from trailing.models import TrailingStop
from trailing.protection import advance as judge
from trailing.protection import start
from trailing.thresholds import band

logger = logging.getLogger(__name__)

# how long a confirmed stop on the exchange may take to do its work before we close ourselves
EXCHANGE_STOP_GRACE = timedelta(seconds=2)
MIN_IMPROVEMENT_PERCENT = Decimal("0.05")
MIN_INTERVAL = timedelta(seconds=1)
# a stop that lags this far does not wait for the interval
LARGE_IMPROVEMENT_PERCENT = Decimal(1)
ON_THE_WAY = (OrderStatus.INITIALIZED, OrderStatus.SUBMITTED)
UNARMED = (TrailingPhase.INACTIVE, TrailingPhase.WAITING)


def params_of(row: TrailingStop) -> TrailingParams:
    """Raises ValueError while the entry price is not known."""
    return TrailingParams(
        side=PositionSide(row.position.position_side),
        entry_price=row.entry_price or Decimal(0),
        activation_percent=row.activation_percent,
        callback_rate=row.callback_rate,
        stop_loss_percent=row.stop_loss_percent,
        price_increment=row.position.instrument.price_increment,
    )


def state_of(row: TrailingStop) -> TrailingState:
    return TrailingState(TrailingPhase(row.state), row.high_water_mark, row.stop_price)


def open_rows() -> QuerySet[TrailingStop]:
    """Rows that may act: a stale one could not, even if it existed."""
    rows = TrailingStop.objects.filter(position__status=PositionStatus.OPEN)
    return rows.select_related("position__instrument").order_by("pk")


# after an entry filled


def protect(position_id: int) -> None:
    """Make sure one stop for all the position holds is on the exchange or on its way there."""
    row = open_rows().filter(pk=position_id).first()
    if row is None or row.position.average_entry_price is None or row.position.quantity <= 0:
        return
    if row.entry_price != row.position.average_entry_price and row.state != TrailingPhase.ACTIVE:
        _arm(row)
    if row.stop_price is not None and _needs_stop(row):
        request_stop(position_id, trigger_price=row.stop_price)


def _arm(row: TrailingStop) -> None:
    """The fixed stop is measured from what the entry really paid, also when more of it fills at another price; a stop
    that stands is not loosened by it. Whoever is first wins."""
    known, standing = row.entry_price, row.stop_price
    row.entry_price = row.position.average_entry_price
    params = params_of(row)
    armed = start(params)
    stop = armed.stop_price if standing is None else params.better(standing, armed.stop_price or standing)
    TrailingStop.objects.filter(pk=row.pk, entry_price=known, stop_price=standing, state__in=UNARMED).update(
        entry_price=row.entry_price,
        activation_price=params.activation_price,
        state=armed.phase,
        stop_price=stop,
    )
    row.refresh_from_db(fields=["entry_price", "activation_price", "state", "stop_price"])


def _needs_stop(row: TrailingStop) -> bool:
    """No stop for this quantity stands or is on its way, or the one that stands is worse than the row's."""
    stops = Order.objects.filter(position_id=row.pk, purpose=OrderPurpose.PROTECT)
    if stops.filter(status__in=ON_THE_WAY).exists():
        return False
    newest = stops.filter(status__in=STANDING).order_by("-generation").first()
    if newest is None:
        return True
    return newest.quantity - newest.filled_quantity != row.position.quantity or _lags(row, newest)


def _lags(row: TrailingStop, order: Order) -> bool:
    params, stop, placed = params_of(row), row.stop_price, order.trigger_price
    if stop is None or placed is None or not params.is_better(stop, placed):
        return False
    moved_percent = abs(stop - placed) / placed * HUNDRED
    if moved_percent >= LARGE_IMPROVEMENT_PERCENT:
        return True
    return moved_percent >= MIN_IMPROVEMENT_PERCENT and timezone.now() - order.created_at >= MIN_INTERVAL


# by hand


def move_stop(position: Position, stop_price: Decimal, mark_price: Decimal | None) -> str | None:
    """One more candidate: it counts when it protects better than what stands, and nothing loosens it. The caller
    holds the position's lock. Returns why not."""
    side = PositionSide(position.position_side)
    if position.status not in (PositionStatus.OPENING, PositionStatus.OPEN):
        return f"the position is {position.status}"
    step = position.instrument.price_increment
    if not (stop_price.is_finite() and stop_price > 0) or stop_price % step:
        return f"stop {stop_price} is not a multiple of {step.normalize():f}"
    if mark_price is not None and (mark_price - stop_price) * side.sign <= 0:
        return f"the price ({mark_price:f}) is already beyond the stop {stop_price:f}"
    row = TrailingStop.objects.select_for_update().get(pk=position.pk)
    if row.stop_price is not None and (stop_price - row.stop_price) * side.sign < 0:
        return f"a stop is never loosened: {row.stop_price:f} stands"
    TrailingStop.objects.filter(pk=position.pk).update(stop_price=stop_price)
    hint("trailing.tasks.protect", position.pk, queue="trailing")
    return None


# at each price that matters


def advance(position_id: int, mark_price: Decimal, at: datetime) -> None:
    """`at` is the exchange's time of the price: hints overtake each other."""
    row = open_rows().filter(pk=position_id).first()
    if row is None or row.entry_price is None:
        protect(position_id)
        return
    verdict = judge(params_of(row), state_of(row), mark_price)
    if isinstance(verdict, Close):
        _crossed(row, verdict, mark_price, at)
    elif verdict.state != state_of(row):
        _move(row, verdict.state, mark_price, at)
    if not isinstance(verdict, Close):
        protect(position_id)


def _move(row: TrailingStop, state: TrailingState, mark_price: Decimal, at: datetime) -> None:
    """One UPDATE with the ratchet in its WHERE: an older price that arrives late changes nothing; one judged before the
    stop was moved by hand does not move it back."""
    best = Greatest if row.position.position_side == PositionSide.LONG else Least
    TrailingStop.objects.filter(_is_behind(row, state), pk=row.pk).update(
        state=state.phase,
        high_water_mark=state.high_water_mark,
        stop_price=best(F("stop_price"), Value(state.stop_price)),
        activated_at=row.activated_at or (at if state.phase is TrailingPhase.ACTIVE else None),
        crossed_at=None,
        last_mark_price=mark_price,
        last_advanced_at=at,
        update_count=F("update_count") + 1,
    )


def _is_behind(row: TrailingStop, state: TrailingState) -> Q:
    best = state.high_water_mark
    if best is None:
        return Q(high_water_mark=None)
    is_long = row.position.position_side == PositionSide.LONG
    return Q(high_water_mark=None) | (Q(high_water_mark__lt=best) if is_long else Q(high_water_mark__gt=best))


def _crossed(row: TrailingStop, verdict: Close, mark_price: Decimal, at: datetime) -> None:
    """The exchange's own stop gets a moment to do it; without one, or after it, we close at market. A price older than
    what moved the stop was on its good side when it was told."""
    if row.last_advanced_at is not None and at < row.last_advanced_at:
        return
    if row.crossed_at is None:
        marked = {"crossed_at": at, "last_mark_price": mark_price, "last_advanced_at": at}
        TrailingStop.objects.filter(pk=row.pk, crossed_at=None).update(**marked)
    waited = at - (row.crossed_at or at)
    if _exchange_will_act(row) and waited < EXCHANGE_STOP_GRACE:
        return
    reason = CloseReason.TRAILING_STOP if verdict.was_trailing else CloseReason.STOP_LOSS
    request_close(row.pk, reason=reason, requested_by="trailing")


def _exchange_will_act(row: TrailingStop) -> bool:
    """A confirmed stop stands at our level or nearer to the market."""
    params = params_of(row)
    stops = Order.objects.filter(position_id=row.pk, purpose=OrderPurpose.PROTECT, status__in=STANDING)
    placed = [order.trigger_price for order in stops if order.trigger_price is not None]
    return any(row.stop_price is not None and not params.is_better(row.stop_price, price) for price in placed)


# the net


def sweep(now: datetime) -> int:
    """Evaluate every open position; the net under the watcher's hints."""
    rows = list(open_rows())
    mark_of = cache(fresh_mark_and_time)  # one question for all positions of a contract
    for row in rows:
        try:
            _sweep_one(row, mark_of, now)
        except Exception:
            logger.exception("position %s could not be evaluated; the next sweep tries again", row.pk)
    return len(rows)


def _sweep_one(row: TrailingStop, mark_of: Callable[[int, str], Mark | None], now: datetime) -> None:
    protect(row.pk)
    mark = mark_of(row.position.account_id, row.position.instrument.exchange_symbol)
    if mark is not None and _matters(row, mark.price):
        advance(row.pk, mark.price, mark.at)
    _close_when_unprotected(row.position, now)


def _matters(row: TrailingStop, mark_price: Decimal) -> bool:
    return row.entry_price is None or band(params_of(row), state_of(row)).is_left_by(mark_price)


def _close_when_unprotected(position: Position, now: datetime) -> None:
    """Looked at again before acting: the row is from the beginning of the sweep."""
    too_long = now - settings.UNPROTECTED_CLOSE_AFTER
    if position.unprotected_since is None or position.unprotected_since >= too_long:
        return
    if Position.objects.filter(pk=position.pk, unprotected_since__lt=too_long).exists():
        request_close(position.pk, reason=CloseReason.UNPROTECTED, requested_by="no stop could be placed")


# names fixed by a requirement document: an alarm that reads zero, since the database refuses orphans


def _orphans() -> QuerySet[TrailingStop]:
    return TrailingStop.objects.filter(position__status=PositionStatus.CLOSED)


def count_orphan_ts_states() -> int:
    return int(_orphans().count())


def cleanup_orphan_ts_states() -> int:
    """Returns how many were deleted; 0 and a log line on a database error."""
    try:
        with transaction.atomic():
            deleted = int(_orphans().delete()[0])
    except DatabaseError:
        logger.exception("orphan trailing state could not be removed")
        return 0
    if deleted:
        logger.error("%s orphan trailing rows existed although the database refuses them", deleted)
    return deleted
