"""The one sender. A row is claimed and committed before its request; it reaches the exchange at most once."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.deadline import leaving_before
from exchanges.errors import (
    AccountUnusable,
    ExchangeError,
    InsufficientMargin,
    NothingToReduce,
    NotSent,
    PositionModeDiffers,
    PriceTooFar,
    Refused,
    WouldTriggerImmediately,
)
from exchanges.types import (
    NativeExits,
    OrderReport,
    OrderRequest,
    OrderType,
    PositionMode,
    PositionSide,
    PriceKind,
    Side,
)
from positions.cover import stop_shares, was_just_refused
from positions.lifecycle import OrderPurpose, OrderStatus, PositionStatus
from positions.models import Order
from positions.services import denials, halting, position_modes, reachability, stop_refusals
from positions.services.closing import OVER, lock_position
from positions.services.gate import no_entries
from positions.services.outbox import add_parts, hint, terms_of
from positions.services.preparing import prepare
from positions.services.reports import apply_report
from positions.services.sweeping import for_each_order
from positions.stops import on_step
from positions.terms import Terms, in_force_at

logger = logging.getLogger(__name__)

# an entry that could not be sent for this long belongs to a market that has moved on
ENTRY_LIFETIME = timedelta(seconds=30)
HINT_GRACE = timedelta(seconds=1)
# whoever was held up for longer between claim and request must not send: a look-up counts from the claim, and may
# already have proven that nothing arrived
CLAIM_LIFETIME = timedelta(seconds=2)
LEAVES_WITHIN = timedelta(seconds=3)  # also of whoever was frozen after its last question
SWITCH_KNOWN_FOR = timedelta(seconds=1)
EXIT_RETRY_SECONDS = 30.0
URGENT = (OrderPurpose.PROTECT, OrderPurpose.CLOSE, OrderPurpose.REDUCE)


class _Fenced(Exception):
    """Proven not sent; the text says why nobody wants it any more."""


def submit(order_id: UUID | str) -> None:
    order = _claim(order_id)
    if order is None:
        return
    try:
        report = _send(order)
    except _Fenced as fenced:
        denials.refuse(order, str(fenced))
    except ExchangeError as error:
        reachability.hear(order.account_id, error)
        stop_refusals.hear(order, error)
        _apply_error(order, error)
    except Exception:
        logger.exception("outcome of %s is unknown; it will be looked up", order.client_order_id)
    else:
        apply_report(order.account_id, report)
        reachability.answered(order.account_id)


def _claim(order_id: UUID | str) -> Order | None:
    now = timezone.now()
    with transaction.atomic(durable=True):
        # columns of this one table only: a join in the WHERE lets two workers both win
        due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
        won = Order.objects.filter(due, pk=order_id, status=OrderStatus.INITIALIZED).update(
            status=OrderStatus.SUBMITTED, submitted_at=now, attempts=F("attempts") + 1, updated_at=now
        )
    if not won:
        return None
    order = Order.objects.select_related("account", "position__instrument").get(pk=order_id)
    if too_late := _too_late(order, now):
        denials.refuse(order, too_late)
        return None
    return order


def _too_late(order: Order, now: datetime) -> str | None:
    """While a claim stands nobody calls its order off; one that was put back meets here what it missed."""
    if order.position.status == PositionStatus.CLOSED:
        return "position is closed"
    if order.purpose == OrderPurpose.ENTRY and (unwanted := _unwanted_entry(order, now)):
        return unwanted
    return OVER if order.expires_at and order.expires_at <= now else None


def _unwanted_entry(order: Order, now: datetime) -> str | None:
    if order.position.status == PositionStatus.CLOSING:
        return "position is being closed"
    if fenced := halting.fence(order):
        return fenced
    if closed := no_entries(order.account_id):
        return closed.reason
    if order.created_at < now - ENTRY_LIFETIME:
        tried = f"; last try: {order.reason}" if order.reason else ""
        return f"too old to be sent: the market has moved on{tried}"
    return None


def _send(order: Order) -> OrderReport:
    """The switch is asked last. From here on its answer's age, the claim's lifetime and the request's receive window
    bound how late an entry may still arrive."""
    prepare(order)
    known_until = None
    if order.purpose == OrderPurpose.ENTRY:
        known_until = timezone.now() + SWITCH_KNOWN_FOR
        if fenced := halting.fence(order):
            raise _Fenced(fenced)
    return session.call(order.account, lambda client: _place(client, order, known_until))


async def _place(client: ExchangeClient, order: Order, known_until: datetime | None) -> OrderReport:
    leaves_before = stop_if_held_up(order.submitted_at) + LEAVES_WITHIN
    with leaving_before(min(leaves_before, known_until or leaves_before)):
        return await client.create_order(request_for(order))


def stop_if_held_up(claimed_at: datetime | None) -> datetime:
    if claimed_at is None or timezone.now() > claimed_at + CLAIM_LIFETIME:
        raise NotSent("held up between claim and request", retry_after=0.5)
    return claimed_at


def request_for(order: Order) -> OrderRequest:
    terms = terms_of(order)
    return OrderRequest(
        symbol=order.position.instrument.symbol,
        side=Side(order.side),
        position_side=PositionSide(order.position.position_side),
        order_type=terms.order_type,
        quantity=order.quantity,
        client_order_id=order.client_order_id,
        reduce_only=order.reduce_only,
        price=terms.price,
        trigger_price=terms.trigger_price,
        native=_native(terms),
        trigger_by=terms.trigger_by,
        time_in_force=in_force_at(terms, timezone.now()),
        expires_at=terms.expires_at,
        position_mode=PositionMode.of_index(order.position.position_idx),
    )


def _native(terms: Terms) -> NativeExits | None:
    if terms.callback_rate is None:
        return None
    return NativeExits(callback_rate=terms.callback_rate, activation_price=terms.activation_price)


def _apply_error(order: Order, error: ExchangeError) -> None:
    text = error.sentence
    match error:
        case NotSent():
            halting.hear(order.account_id, error)
            _again_or_never(order, text, error.retry_after)
        case WouldTriggerImmediately():
            denials.stop_already_crossed(order, text)
        case NothingToReduce():
            denials.refuse(order, text)
            hint("positions.tasks.reconcile_account", order.account_id, queue="reconcile")
        case InsufficientMargin():
            denials.refuse(order, text)
            if order.purpose == OrderPurpose.ENTRY:
                halting.pause_entries(order.account_id, text)
        case PriceTooFar():
            denials.refuse_for_now(order, text)
        case Refused():
            denials.refuse(order, text)
        case PositionModeDiffers():
            position_modes.refused(order.account, order.position.instrument.symbol)
            _give_up_or_wait(order, text)
        case AccountUnusable():
            halting.halt(order.account_id, text)
            _give_up_or_wait(order, text)
        case _:
            logger.warning("outcome of %s is unknown (%s); it will be looked up", order.client_order_id, text)


def _again_or_never(order: Order, reason: str, retry_after: float) -> None:
    """An entry that may not leave before it is too old (a ban, say) does not hold its leg until then."""
    again_at = timezone.now() + timedelta(seconds=retry_after)
    if order.purpose == OrderPurpose.ENTRY and again_at > order.created_at + ENTRY_LIFETIME:
        denials.refuse(order, f"{reason}; too old before it could be sent again")
    else:
        _put_back(order, reason, retry_after)


def _put_back(order: Order, reason: str, retry_after: float) -> None:
    """The one backward arrow: proven not executed. A report that came meanwhile wins."""
    now = timezone.now()
    Order.objects.filter(pk=order.pk, status=OrderStatus.SUBMITTED).update(
        status=OrderStatus.INITIALIZED,
        next_attempt_at=now + timedelta(seconds=retry_after),
        reason=reason,
        updated_at=now,
    )


def _give_up_or_wait(order: Order, reason: str) -> None:
    if order.purpose == OrderPurpose.ENTRY:
        denials.refuse(order, reason)
    else:  # an exit waits for its account to work again
        _put_back(order, reason, EXIT_RETRY_SECONDS)


def submit_due(now: datetime) -> int:
    """Send what no hint has woken: rows older than a moment, and those whose retry time has come. What protects or ends
    a position has turns of its own: it waits behind no entry, nor for the end of a turn of entries."""
    lost = Q(next_attempt_at=None, created_at__lte=now - HINT_GRACE)
    due = (lost | Q(next_attempt_at__lte=now)) & Q(status=OrderStatus.INITIALIZED)
    urgent = Q(purpose__in=URGENT)
    first = for_each_order(due & urgent, "created_at", submit, "exit order %s could not be sent")
    return first + for_each_order(due & ~urgent, "created_at", submit, "order %s could not be sent")


@transaction.atomic
def request_stop(
    position_id: int, *, trigger_price: Decimal, trigger_by: PriceKind = PriceKind.MARK
) -> list[Order]:
    """The next generation of the position's stop, for all it holds: several orders where one may not sell so much.
    Empty: not open, a stop is in flight, or the exchange has just refused one. A trigger from before the contract's
    steps changed is put on today's, nearer to the market."""
    position = lock_position(position_id)
    if position.status not in (PositionStatus.OPEN, PositionStatus.CLOSING) or position.quantity <= 0:
        return []
    stops = Order.objects.filter(position=position, purpose=OrderPurpose.PROTECT)
    if stops.filter(status__in=(OrderStatus.INITIALIZED, OrderStatus.SUBMITTED)).exists():
        return []
    if was_just_refused(position, OrderPurpose.PROTECT):
        return []
    side = PositionSide(position.position_side)
    trigger_price = on_step(side, position.instrument.price_increment, trigger_price)
    terms = Terms(OrderType.STOP_MARKET, trigger_price=trigger_price, trigger_by=trigger_by)
    return add_parts(position, OrderPurpose.PROTECT, stop_shares(position), terms)
