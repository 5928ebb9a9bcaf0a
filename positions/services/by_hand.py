"""What a person does on a page, one function each. Every one happens once for its form, with its author's name; the
doors of closes, stops and orders stay where they are."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from exchanges.models import FlatRun
from exchanges.types import PositionSide
from positions import broadcast, formats
from positions.act_models import Act
from positions.cover import is_covered, pending_stops
from positions.lifecycle import DONE, CloseReason, OrderPurpose, OrderStatus, PositionStatus
from positions.models import ArbitrageTrade, Order, Position
from positions.services import events, expiring, flattening, insisting
from positions.services.closing import (
    call_off,
    end_unprotected_time,
    entry_is_pending,
    is_unwanted,
    lock_position,
    must_wait,
    pending_orders,
    request_close,
)
from positions.services.covering import COVER_COLUMNS, note_cover
from positions.services.modifying import judged_at
from positions.services.once import Asked, Done, once
from positions.services.outbox import hint
from positions.services.placing import HANDED_OVER, OrderRefused, deciding_price_of, mark_of
from positions.services.reducing import close_quantity
from positions.sizing import floor_to
from trailing.services import move_stop as move_stop_of
from trailing.services import resume
from trailing.taking_back import level_of, why_it_would_leave

ON_THE_WAY = (OrderStatus.INITIALIZED, OrderStatus.SUBMITTED)
HANDING_OVER = ["handed_over_at", "handed_over_to"]
OWNED = {
    OrderPurpose.PROTECT: "it is a stop: a position without one is closed. Move the stop instead",
    OrderPurpose.BACKSTOP: "the trailing service looks after it",
    OrderPurpose.CLOSE: "a close is not called back",
}


def close(key: UUID, by: str, position_id: int) -> Done:
    return once(Asked(key, Act.CLOSE, by, position_id), lambda: _close(position_id, by))


def _close(position_id: int, by: str) -> Done:
    position, what = lock_position(position_id), name_of(position_id)
    order_id = request_close(position_id, reason=CloseReason.MANUAL, requested_by=by)
    if order_id is not None:
        return Done(f"Close order for {what} is on its way.", order_id)
    if position.status == PositionStatus.CLOSING:
        return Done(f"{what} is being closed already; no second order was made.")
    if position.status == PositionStatus.CLOSED:
        raise OrderRefused(f"{what} is closed already")
    if must_wait(position):
        return Done(
            f"The exchange refused to close {what}; it is asked again at "
            f"{formats.moment(position.close_again_at)}, and at once by Close again."
        )
    return Done(f"{what} is being closed.")


def close_part(
    key: UUID, by: str, position_id: int, *, percent: Decimal | None = None, quantity: Decimal | None = None
) -> Done:
    """A share of what is held now, or a quantity; both rounded down to the contract's step."""
    mark_price = mark_of(position_id)
    given = {"percent": f"{percent:f}"} if percent is not None else {"quantity": f"{quantity:f}"}
    asked = Asked(key, Act.CLOSE_PART, by, position_id, given=given)
    return once(asked, lambda: _close_part(position_id, by, percent, quantity, mark_price))


def _close_part(
    position_id: int, by: str, percent: Decimal | None, quantity: Decimal | None, mark_price: Decimal | None
) -> Done:
    position = lock_position(position_id)
    if position.handed_over_at is not None:
        raise OrderRefused(f"{HANDED_OVER}; its own Close sells all of it")
    wanted = quantity if percent is None else _share(position, percent)
    order_id = close_quantity(position_id, wanted or Decimal(0), mark_price, requested_by=by)
    made = Order.objects.get(pk=order_id)
    whole = " That is all of it: the rest would be too little to trade." if made.purpose == "close" else ""
    return Done(
        f"Order for {made.quantity.normalize():f} {name_of(position_id)} is on its way.{whole}", order_id
    )


def _share(position: Position, percent: Decimal) -> Decimal:
    if not (percent.is_finite() and 0 < percent <= 100):
        raise OrderRefused("a share is above 0 and at most 100 percent")
    wanted = floor_to(position.quantity * percent / 100, position.instrument.size_increment)
    if wanted <= 0:
        raise OrderRefused(f"{percent:f} % of {position.quantity.normalize():f} is less than one step")
    return wanted


def move_stop(
    key: UUID,
    by: str,
    position_id: int,
    stop_price: Decimal,
    *,
    may_loosen: bool = False,
    seen: Decimal | None = None,
) -> Done:
    """`seen` is the level that the person weighed a wider stop against."""
    price = deciding_price_of(position_id)
    given = {"stop": f"{stop_price:f}", "may_loosen": str(may_loosen)}
    given |= {} if seen is None else {"seen": f"{seen:f}"}
    asked = Asked(key, Act.MOVE_STOP, by, position_id, given=given)
    return once(asked, lambda: _move_stop(position_id, stop_price, price, may_loosen, seen))


def _move_stop(
    position_id: int, stop_price: Decimal, price: Decimal | None, may_loosen: bool, seen: Decimal | None
) -> Done:
    position = lock_position(position_id)
    if may_loosen and (weigh_again := _why_weighed_anew(position, stop_price, seen)):
        raise OrderRefused(weigh_again)
    price = judged_at(position, price)
    if refusal := move_stop_of(position, stop_price, price, may_loosen=may_loosen):
        raise OrderRefused(refusal)
    broadcast.position_changed(position_id)
    return Done(f"The stop of {name_of(position_id)} goes to {stop_price.normalize():f}.")


def _why_weighed_anew(position: Position, stop_price: Decimal, seen: Decimal | None) -> str:
    """A stop that came nearer to the market since is another thing to give up."""
    known, sign = level_of(position), PositionSide(position.position_side).sign
    if seen is None or known is None or (stop_price - known) * sign >= 0 or (known - seen) * sign <= 0:
        return ""
    return f"the stop went from {seen.normalize():f} to {known.normalize():f} meanwhile. Open this again"


def cancel_order(key: UUID, by: str, order_id: UUID) -> Done:
    order = Order.objects.only("position_id").get(pk=order_id)
    asked = Asked(key, Act.CANCEL_ORDER, by, order.position_id, given={"order": str(order_id)})
    return once(asked, lambda: _cancel(order_id, order.position_id))


def _cancel(order_id: UUID, position_id: int) -> Done:
    lock_position(position_id)
    order = Order.objects.get(pk=order_id)
    if refusal := why_not_canceled(order):
        raise OrderRefused(refusal)
    expiring.take_back(order_id)
    return Done(
        f"The {order.purpose.replace('_', ' ')} order {order.client_order_id} is being canceled.", order_id
    )


def why_not_canceled(order: Order) -> str:
    """Empty: it may be."""
    if order.status in DONE:
        return f"the order is {order.status}"
    return OWNED.get(OrderPurpose(order.purpose), "")


def close_again(key: UUID, by: str, position_id: int) -> Done:
    return once(Asked(key, Act.CLOSE_AGAIN, by, position_id), lambda: _close_again(position_id))


def _close_again(position_id: int) -> Done:
    if not insisting.ask_now(position_id):
        raise OrderRefused("no refused close waits there")
    return Done(f"The close of {name_of(position_id)} is asked for again.")


def close_all(key: UUID, by: str, reason: str, account_id: int | None = None) -> Done:
    """The FLAT of the kill switch, on every account unless one is named."""
    asked = Asked(key, Act.CLOSE_ALL, by, account_id=account_id, given={"reason": reason})
    done = once(asked, lambda: _begin_flat(account_id, reason, by))
    run = FlatRun.objects.filter(pk=done.flat_run_id or 0).first()
    if run is not None:
        flattening.carry_out(run)
    return done


def _begin_flat(account_id: int | None, reason: str, by: str) -> Done:
    run = flattening.begin(account_id, reason, by)
    return Done(f"FLAT {run.pk} has begun: everything is being closed.", flat_run_id=run.pk)


def hand_over(key: UUID, by: str, position_id: int, *, may_be_bare: bool = False) -> Done:
    asked = Asked(key, Act.HAND_OVER, by, position_id, given={"may_be_bare": str(may_be_bare)})
    return once(asked, lambda: _hand_over(position_id, by, may_be_bare))


def _hand_over(position_id: int, by: str, may_be_bare: bool) -> Done:
    """It stays in the books, its executions are counted and its leg stays taken; its orders stay at the exchange."""
    position = lock_position(position_id)
    if position.status != PositionStatus.OPEN or entry_is_pending(position):
        raise OrderRefused(f"the position is {position.status}, and its entry or close is still under way")
    if refusal := _why_not_handed_over(position) or _why_stop_is_in_doubt(position, may_be_bare):
        raise OrderRefused(refusal)
    called_off = _call_off_unsent(position)
    end_unprotected_time(position)
    position.software_stop_since = None
    position.handed_over_at, position.handed_over_to = timezone.now(), by[:100]
    position.save(update_fields=[*HANDING_OVER, *COVER_COLUMNS])
    _tell(position, "position_handed_over", by)
    return Done(
        f"{name_of(position_id)} is yours: nothing of ours moves it any more. Its orders stay at the exchange."
        + (" What was not sent yet is called off." if called_off else "")
    )


def _call_off_unsent(position: Position) -> bool:
    """Orders of ours must not arrive while it is a person's. All are locked before their states are read: a sender that
    is faster makes one an order on its way."""
    pending = list(pending_orders(position).select_for_update())
    if any(order.purpose == OrderPurpose.REDUCE and order.status in ON_THE_WAY for order in pending):
        raise OrderRefused("a part of it is being closed. Try again in a moment")
    if any(order.status == OrderStatus.SUBMITTED or order.wanted_price is not None for order in pending):
        raise OrderRefused("an order of it, or its new price, is on its way. Try again in a moment")
    unsent = [order for order in pending if order.status == OrderStatus.INITIALIZED]
    for order in unsent:
        call_off(order, HANDED_OVER)
    return bool(unsent)


def _why_not_handed_over(position: Position) -> str:
    """What others wait for to end stays with us."""
    if position.handed_over_at is not None:
        return "it was handed over already"
    if is_unwanted(position):
        return "somebody wished it closed, and the exchange is asked for that again"
    legs = Q(long_position=position) | Q(short_position=position)
    paired = ArbitrageTrade.objects.filter(legs, ended_at=None).exists()
    return "it is one leg of an arbitrage trade, and the other would stand alone" if paired else ""


def _why_stop_is_in_doubt(position: Position, may_be_bare: bool) -> str:
    """What the sheet says stays must be there, and whoever takes it without a stop must know."""
    stops = pending_stops(position.pk)
    if any(stop.is_on_its_way or stop.is_only_acknowledged for stop in stops):
        return "a stop of it is on its way to the exchange. Try again in a moment"
    if may_be_bare or is_covered(position):
        return ""
    return "no stop for all it holds stands at the exchange, and the form does not say that this is known"


def take_back(key: UUID, by: str, position_id: int, *, may_close: bool = False) -> Done:
    price = deciding_price_of(position_id)
    asked = Asked(key, Act.TAKE_BACK, by, position_id, given={"may_close": str(may_close)})
    return once(asked, lambda: _take_back(position_id, by, price, may_close))


def why_taking_back_closes(position_id: int) -> str:
    """As its form will be judged; may use the network. Empty: it does not."""
    position = Position.objects.select_related("instrument", "plan").get(pk=position_id)
    return why_it_would_leave(position, deciding_price_of(position_id), timezone.now())


def level_by_now(position_id: int) -> Decimal | None:
    """Where its plan has its stop, whatever stands on the exchange."""
    return level_of(Position.objects.get(pk=position_id))


def _take_back(position_id: int, by: str, price: Decimal | None, may_close: bool) -> Done:
    """Its time with the person counts nowhere: neither as one without a stop, nor do its prices move the stop."""
    position = lock_position(position_id)
    if position.handed_over_at is None or position.status == PositionStatus.CLOSED:
        raise OrderRefused("it is not handed over")
    now = timezone.now()
    if not may_close and (why := why_it_would_leave(position, price, now)):
        raise OrderRefused(f"{why}: it could be closed at market at once, and the form does not allow that")
    position.handed_over_at, position.handed_over_to = None, ""
    position.unprotected_since = position.software_stop_since = None
    position.save(update_fields=[*HANDING_OVER, *COVER_COLUMNS])
    note_cover(position)
    resume(position, now)
    _tell(position, "position_taken_back", by)
    hint("trailing.tasks.protect", position_id, queue="trailing")
    return Done(f"{name_of(position_id)} is looked after again, by the plan it was opened with.")


def note(key: UUID, by: str, position_id: int, text: str) -> Done:
    """Words of its owner. They stand in the trail with name and time, and nothing takes them back."""
    asked = Asked(key, Act.NOTE, by, position_id, given={"text": text})
    return once(asked, lambda: Done(f"Noted on {name_of(position_id)}."))


def _tell(position: Position, event: str, by: str) -> None:
    events.record(event, "high", account_id=position.account_id, position_id=position.pk, by=by)
    broadcast.position_changed(position.pk)


def name_of(position_id: int) -> str:
    position = Position.objects.select_related("instrument").get(pk=position_id)
    return f"{position.instrument.symbol.split('/')[0]} {position.position_side}"
