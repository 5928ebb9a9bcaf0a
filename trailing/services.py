"""The only owner of stops: moves the trailing row with the price and has the exchange's stop follow it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from exchanges.marks import Price, is_young
from exchanges.types import OrderType, PositionSide
from positions.cover import is_covered, pending_stops, standing_stops, stop_shares
from positions.lifecycle import CloseReason, OrderPurpose, PositionStatus
from positions.models import Order, Position
from positions.services import events
from positions.services.backstops import keep_backstop
from positions.services.closing import STOPPED_BY, request_close
from positions.services.orders import request_stop
from positions.services.outbox import hint
from positions.stops import Stop, best, objection_to_stop
from positions.terms import Terms
from trailing.distances import activation_price
from trailing.engine import Close, ExitReason, StopReason, TrailingPhase, TrailingState
from trailing.gaps import is_behind
from trailing.models import TrailingStop
from trailing.protection import advance as judge
from trailing.protection import is_too_wide, protected, start, stop_when_armed, widest_stop, wished_by_now
from trailing.protection import judged as crossed_by
from trailing.rows import entry_of, open_rows, plan_of, seen_by, state_of, true_range_of
from trailing.true_ranges import known_at
from trailing.updates import is_due
from trailing.words import in_words

logger = logging.getLogger(__name__)

# how long a confirmed stop on the exchange may take to do its work before we close ourselves
EXCHANGE_STOP_GRACE = timedelta(seconds=2)
# another price may be judged at the same time; whoever is late judges again
TRIES = 3


# after an entry filled


def protect(position_id: int) -> None:
    """Make sure one stop for all the position holds is on the exchange or on its way there."""
    row = keep_stop(position_id)
    if row is not None:
        keep_backstop_of(row)


@transaction.atomic
def keep_stop(position_id: int) -> TrailingStop | None:
    """Read, decided and inserted under the position's lock: whoever was held up before it places what the row says now,
    never an older stop behind a better one. Without the network."""
    Position.objects.select_for_update().filter(pk=position_id).first()
    row = open_rows().filter(pk=position_id).first()
    if row is None or row.position.average_entry_price is None or row.position.quantity <= 0:
        return None
    if row.entry_price != row.position.average_entry_price:
        _arm(row)
    _follow_levels(row)
    if row.stop_price is not None and _needs_stop(row):
        trigger_by = plan_of(row.position).reference.trigger_by
        request_stop(position_id, trigger_price=row.stop_price, trigger_by=trigger_by)
    return row


def keep_backstop_of(row: TrailingStop) -> None:
    wished = plan_of(row.position).backstop
    if wished is not None:
        starts_at = None if row.state == TrailingPhase.ACTIVE else row.activation_price
        terms = Terms(
            OrderType.TRAILING_STOP_MARKET,
            trigger_by=plan_of(row.position).reference.trigger_by,
            callback_rate=wished.callback_percent,
            activation_price=starts_at,
        )
        keep_backstop(row.position, entry_of(row), terms)


def _arm(row: TrailingStop) -> None:
    """Everything is measured from what the entry really paid, also when more of it fills at another price; a stop that
    stands is not loosened by it. A best price from before is no profit of the new average: the next one counts. Of what
    was taken over it stays: that entry was paid before, and only what it paid is known better now."""
    known, standing, now = row.entry_price, row.stop_price, timezone.now()
    keeps_best = known is not None and not _was_opened_here(row.position)
    unchanged = TrailingStop.objects.filter(pk=row.pk, **judged(row))
    row.entry_price, plan = row.position.average_entry_price, plan_of(row.position)
    row.entry_atr = row.entry_atr or known_at(row.position.instrument_id, plan, now)
    entry = entry_of(row)
    armed = start(entry, plan)
    if is_too_wide(entry, plan.stop_loss):
        _tell_of_nearer_stop(row, armed.stop_price)
    stop = stop_when_armed(entry, state_of(row), armed.stop_price)
    unchanged.update(
        entry_price=row.entry_price,
        entry_atr=row.entry_atr,
        activation_price=activation_price(entry, plan.trailing) if plan.trailing else None,
        state=row.state if row.state == TrailingPhase.ACTIVE else armed.phase,
        high_water_mark=row.high_water_mark if keeps_best else None,
        stop_price=stop,
        stop_reason=row.stop_reason if stop == standing else armed.stop_reason,
        last_advanced_at=now,
        known_until=row.known_until if keeps_best else None if known is None else now,
    )
    row.refresh_from_db(
        fields=["entry_price", "entry_atr", "activation_price", "state", "high_water_mark", "stop_price",
                "stop_reason"]
    )  # fmt: skip


def _was_opened_here(position: Position) -> bool:
    return Order.objects.filter(position=position, purpose=OrderPurpose.ENTRY).exists()


def _tell_of_nearer_stop(row: TrailingStop, stop_price: Decimal | None) -> None:
    events.record(
        "stop_nearer_than_planned", "high", account_id=row.position.account_id, position_id=row.pk,
        reason="the stop of its plan would not be above zero", entry_price=row.entry_price, stop_price=stop_price,
        plan=in_words(plan_of(row.position)),
    )  # fmt: skip


def _follow_levels(row: TrailingStop) -> None:
    """A level that was sold moves the stop without waiting for a price."""
    known = state_of(row)
    if not known.levels_taken or known.stop_price is None:
        return
    state = protected(entry_of(row), plan_of(row.position), known, true_range_of(row))
    if state == known:
        return
    TrailingStop.objects.filter(pk=row.pk, **judged(row)).update(
        stop_price=state.stop_price,
        stop_reason=state.stop_reason,
        loosened_from=state.loosened_from,
        last_advanced_at=timezone.now(),
        update_count=F("update_count") + 1,
    )
    row.refresh_from_db(fields=["stop_price", "stop_reason", "loosened_from"])


def judged(row: TrailingStop) -> dict[str, object]:
    """What a verdict was made from; it belongs into the WHERE of the UPDATE that follows."""
    names = ("state", "entry_price", "high_water_mark", "stop_price", "levels_taken", "loosened_from")
    return {name: getattr(row, name) for name in names}


def _needs_stop(row: TrailingStop) -> bool:
    """No stop for this quantity stands or is on its way, or the one that stands is worse than the row's."""
    orders, position = pending_stops(row.pk), row.position
    if any(order.is_on_its_way for order in orders):
        return False
    stop = best(PositionSide(position.position_side), position.quantity, orders)
    if stop is None:
        return True
    return stop.left != sum(stop_shares(position)) or _lags(row, stop)


def _lags(row: TrailingStop, stop: Stop) -> bool:
    if row.stop_price is None or stop.trigger_price is None:
        return False
    if stop.is_taken_back:
        return True
    elapsed = Decimal(str((timezone.now() - stop.placed_at).total_seconds()))
    rule, reason = plan_of(row.position).updates, StopReason(row.stop_reason)
    return is_due(entry_of(row), rule, stop.trigger_price, row.stop_price, reason, elapsed)


# by hand, and by a signal


def stop_to_entry(position: Position, price: Decimal | None) -> str | None:
    """Since a signal spoke against it; as `move_stop`."""
    row = open_rows().filter(pk=position.pk).first()
    if row is None or row.entry_price is None:
        return "its entry price is not known yet"
    stop = entry_of(row).away_from_market(position.average_entry_price or row.entry_price)
    return move_stop(position, stop, price, StopReason.OPPOSITE)


def move_stop(
    position: Position,
    stop_price: Decimal,
    price: Decimal | None,
    reason: StopReason = StopReason.BY_HAND,
    *,
    may_loosen: bool = False,
) -> str | None:
    """One more candidate: it counts when it protects better than what stands. Only a person may loosen a stop, never
    beyond the estimated liquidation; then no rule tightens it before it asks for more than it had asked by now.
    `price` is the one that would judge it. The caller holds the position's lock. Returns why not."""
    if position.status not in (PositionStatus.OPENING, PositionStatus.OPEN):
        return f"the position is {position.status}"
    if position.handed_over_at is not None:
        return "the position was handed over"
    side, step = PositionSide(position.position_side), position.instrument.price_increment
    if refusal := objection_to_stop(side, step, stop_price, price):
        return refusal
    row = TrailingStop.objects.select_for_update().get(pk=position.pk)
    row.position = position
    taken_back, refusal = _taken_back(row, stop_price, price or stop_price, may_loosen)
    if refusal:
        return refusal
    TrailingStop.objects.filter(pk=position.pk).update(
        stop_price=stop_price,
        stop_reason=reason,
        loosened_from=taken_back,
        crossed_at=None,
        last_advanced_at=timezone.now(),
    )
    hint("trailing.tasks.protect", position.pk, queue="trailing")
    return None


def _taken_back(
    row: TrailingStop, stop_price: Decimal, price: Decimal, may_loosen: bool
) -> tuple[Decimal | None, str]:
    """What rules have to beat from now on, and why not."""
    sign = PositionSide(row.position.position_side).sign
    if row.stop_price is None or (stop_price - row.stop_price) * sign >= 0:
        still = row.loosened_from
        return (still if still is not None and (stop_price - still) * sign < 0 else None), ""
    if not may_loosen or row.entry_price is None:
        return None, f"a stop is never loosened: {row.stop_price:f} stands"
    entry = entry_of(row)
    if entry.is_better(widest := widest_stop(entry), stop_price):
        return None, f"the position may be liquidated at {widest:f}, before this stop"
    return wished_by_now(entry, plan_of(row.position), state_of(row), price, true_range_of(row)), ""


def resume(position: Position, at: datetime) -> None:
    """A person hands it back, under its lock: earlier prices neither move its stop nor cross it."""
    TrailingStop.objects.filter(pk=position.pk).update(known_until=at, last_advanced_at=at, crossed_at=None)


# at each price that matters


def advance(position_id: int, price: Decimal, at: datetime) -> None:
    for _ in range(TRIES):
        row = open_rows().filter(pk=position_id).first()
        if row is None or row.entry_price is None or _is_before(row, at) or _decide(row, price, at):
            break
    keep_stop(position_id)


def _is_before(row: TrailingStop, at: datetime) -> bool:
    """The position never saw a price of before it was opened."""
    opened_at = row.position.opened_at
    return opened_at is not None and at < opened_at


def _decide(row: TrailingStop, price: Decimal, at: datetime) -> bool:
    """While it is behind no price moves anything, and its stop on the exchange works. Without one, what is beyond its
    level is beyond any better level too. False: the row changed meanwhile."""
    if not is_behind(row, at):
        return _judge(row, price, at)
    verdict = crossed_by(entry_of(row), state_of(row), price)
    if isinstance(verdict, Close) and is_young(Price(price, at)) and not is_covered(row.position):
        _leave(row, verdict, price, at)
    return True


def _judge(row: TrailingStop, price: Decimal, at: datetime) -> bool:
    verdict = judge(entry_of(row), plan_of(row.position), state_of(row), seen_by(row, price, at))
    if isinstance(verdict, Close):
        if is_young(Price(price, at)):  # an older one may move the stop, never leave
            _leave(row, verdict, price, at)
        return True
    if verdict.state != state_of(row):
        return _move(row, verdict.state, price, at)
    if row.crossed_at is not None:  # back on the good side: the next crossing is another one
        TrailingStop.objects.filter(pk=row.pk, crossed_at__lt=at).update(crossed_at=None)
    return True


def _move(row: TrailingStop, state: TrailingState, price: Decimal, at: datetime) -> bool:
    """One UPDATE with what was judged in its WHERE: neither another price nor a stop moved by hand is undone."""
    started = state.phase is TrailingPhase.ACTIVE
    return bool(
        TrailingStop.objects.filter(pk=row.pk, **judged(row)).update(
            state=state.phase,
            high_water_mark=state.high_water_mark,
            stop_price=state.stop_price,
            stop_reason=state.stop_reason,
            loosened_from=state.loosened_from,
            activated_at=row.activated_at or (at if started else None),
            crossed_at=None,
            last_mark_price=price,
            last_advanced_at=max(at, row.last_advanced_at or at),
            update_count=F("update_count") + 1,
        )
    )


def _leave(row: TrailingStop, verdict: Close, price: Decimal, at: datetime) -> None:
    if verdict.reason is ExitReason.AGE:
        request_close(row.pk, reason=CloseReason.AGE, requested_by="age limit")
    else:
        _crossed(row, verdict, price, at)


def _crossed(row: TrailingStop, verdict: Close, price: Decimal, at: datetime) -> None:
    """The exchange's own stop gets a moment to do it; without one, or after it, we close at market. A price older than
    what moved the stop was on its good side when it was told."""
    if row.last_advanced_at is not None and at < row.last_advanced_at:
        return
    if row.crossed_at is None:
        marked = {"crossed_at": at, "last_mark_price": price, "last_advanced_at": at}
        TrailingStop.objects.filter(pk=row.pk, crossed_at=None).update(**marked)
    waited = at - (row.crossed_at or at)
    if not (_exchange_will_act(row, verdict.state.stop_price) and waited < EXCHANGE_STOP_GRACE):
        request_close(row.pk, reason=STOPPED_BY[StopReason(verdict.reason)], requested_by="trailing")


def _exchange_will_act(row: TrailingStop, crossed: Decimal | None) -> bool:
    """A confirmed stop stands at the crossed level or nearer to the market."""
    entry = entry_of(row)
    stops = standing_stops().filter(position_id=row.pk)
    placed = [order.trigger_price for order in stops if order.trigger_price is not None]
    return any(crossed is not None and not entry.is_better(crossed, price) for price in placed)


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
