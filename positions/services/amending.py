"""Another price for a working limit order: the wish is a row first, each wish is sent at most once, and an unknown
outcome is looked up and compared."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.deadline import leaving_before
from exchanges.errors import AccountUnusable, ExchangeError, NotSent, OrderNotFound, Refused
from exchanges.types import OrderReport, OrderType, PositionSide, ReportStatus, Side
from positions import broadcast
from positions.lifecycle import DONE, OrderPurpose
from positions.models import Order, Position
from positions.services import events, halting, lookups, reachability
from positions.services.closing import RESTING, lock_position
from positions.services.instruments import spec_of
from positions.services.orders import LEAVES_WITHIN, request_for, stop_if_held_up
from positions.services.outbox import hint, terms_of
from positions.services.placing import OrderRefused, mark_of
from positions.services.reports import apply_report
from positions.services.sweeping import for_each_order
from positions.terms import Leg, Terms, objection_to_entry, objection_to_move

logger = logging.getLogger(__name__)

HINT_GRACE = timedelta(seconds=1)
# of what the risk limits were asked about
MOST_GROWTH = Decimal("1.1")
WORKING = (ReportStatus.OPEN, ReportStatus.PARTIALLY_FILLED)


def modify_price(order_id: UUID | str, price: Decimal) -> None:
    """Asks; the row's `price` changes when the exchange has confirmed it. Raises OrderRefused."""
    position_id = Order.objects.values_list("position_id", flat=True).get(pk=order_id)
    mark_price = mark_of(position_id)
    with transaction.atomic():
        position = lock_position(position_id)
        order = Order.objects.select_for_update().get(pk=order_id)
        if refusal := _not_now(order) or _bad_price(position, order, price, mark_price):
            raise OrderRefused(refusal)
        if order.price != price:
            _wish(order, price)


def _not_now(order: Order) -> str | None:
    if order.order_type != OrderType.LIMIT:
        return "only a limit order has a price to move"
    if order.status not in RESTING:
        return f"the order is {order.status}"
    return "another price is on its way" if order.wanted_price is not None else None


def _bad_price(position: Position, order: Order, price: Decimal, mark_price: Decimal | None) -> str | None:
    leg = Leg(spec_of(position.instrument), PositionSide(position.position_side), mark_price, timezone.now())
    moved = replace(terms_of(order), price=price)
    wrong = objection_to_move(
        moved, Side(order.side), leg, is_target=order.purpose == OrderPurpose.TAKE_PROFIT
    )
    if wrong or order.purpose != OrderPurpose.ENTRY:
        return wrong
    return objection_to_entry(moved, order.quantity, leg) or _too_dear(position, order, moved)


def _too_dear(position: Position, order: Order, moved: Terms) -> str | None:
    worth = order.quantity * (moved.price or Decimal(0)) * position.instrument.contract_size
    if worth <= position.planned_notional * MOST_GROWTH:
        return None
    return f"the entry would be worth {worth:.2f}, planned were {position.planned_notional:.2f}"


def _wish(order: Order, price: Decimal) -> None:
    order.wanted_price, order.amend_sent_at, order.next_attempt_at = price, None, None
    order.save(update_fields=["wanted_price", "amend_sent_at", "next_attempt_at", "updated_at"])
    hint("positions.tasks.amend_order", order.pk, queue="orders")
    broadcast.order_changed(order.pk)


def amend(order_id: UUID | str) -> None:
    order = _claim(order_id)
    if order is None:
        return
    if order.purpose == OrderPurpose.ENTRY and (fenced := halting.fence(order)):
        _settle(order, order.price, fenced)
        return
    asked_at = timezone.now()
    try:
        report = session.call(order.account, lambda client: _send(client, order))
    except ExchangeError as error:
        _apply_error(order, error)
    else:
        apply_report(order.account_id, report)
        _judge(order, report, asked_at)


async def _send(client: ExchangeClient, order: Order) -> OrderReport:
    claimed_at = stop_if_held_up(order.amend_sent_at)
    with leaving_before(claimed_at + LEAVES_WITHIN):
        return await client.amend_order(replace(request_for(order), price=order.wanted_price))


def _claim(order_id: UUID | str) -> Order | None:
    now = timezone.now()
    with transaction.atomic(durable=True):
        due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
        wished = Order.objects.filter(due, pk=order_id, wanted_price__isnull=False, amend_sent_at=None)
        won = wished.filter(status__in=RESTING).update(amend_sent_at=now)
    return Order.objects.select_related("account", "position__instrument").get(pk=order_id) if won else None


def _apply_error(order: Order, error: ExchangeError) -> None:
    text = error.sentence
    match error:
        case NotSent():
            halting.hear(order.account_id, error)
            again = timezone.now() + timedelta(seconds=error.retry_after)
            _same_wish(order).update(amend_sent_at=None, next_attempt_at=again)
        case OrderNotFound():
            _look(order)  # it filled or was canceled before
        case Refused():
            _settle(order, order.price, text)
        case AccountUnusable():
            halting.halt(order.account_id, text)
            _settle(order, order.price, text)
        case _:
            logger.warning("whether %s moved is unknown (%s); it is looked up", order.client_order_id, text)


def _look(order: Order) -> None:
    asked_at = timezone.now()
    try:
        report = lookups.look_up(order)
    except ExchangeError as error:
        halting.hear(order.account_id, error)
        reachability.hear(order.account_id, error)
        logger.warning("asking for %s failed (%s); it is asked again", order.client_order_id, error)
        return
    if report is None:
        lookups.resolve(order.pk, gone=ReportStatus.CANCELED)
        if Order.objects.filter(pk=order.pk, status__in=DONE).exists():  # a young one is asked for again
            _settle(order, order.price, "the exchange does not know the order any more")
    else:
        apply_report(order.account_id, report)
        _judge(order, report, asked_at)


def _judge(order: Order, report: OrderReport, asked_at: datetime) -> None:
    if report.price == order.wanted_price:
        _settle(order, report.price)
    elif report.status not in WORKING:
        _settle(order, report.price or order.price, f"the order was {report.status} before")
    elif order.amend_sent_at is not None and lookups.is_final(order.amend_sent_at, asked_at):
        _settle(order, report.price or order.price, "the request never arrived")


@transaction.atomic
def _settle(order: Order, price: Decimal | None, failure: str = "") -> None:
    done = {"wanted_price": None, "amend_sent_at": None, "next_attempt_at": None}
    if not _same_wish(order).update(price=price, updated_at=timezone.now(), **done):
        return  # another looker was faster
    if failure:
        events.record(
            "order_not_moved", "medium", account_id=order.account_id, position_id=order.position_id,
            order=order.client_order_id, price=price, wanted=order.wanted_price, reason=failure,
        )  # fmt: skip
    broadcast.order_changed(order.pk)


def _same_wish(order: Order) -> QuerySet[Order]:
    return Order.objects.filter(
        pk=order.pk, wanted_price=order.wanted_price, amend_sent_at=order.amend_sent_at
    )


def amend_due(now: datetime) -> int:
    """Send wishes whose hint was lost, ask about those without an answer, drop those of ended orders."""
    wished = Q(wanted_price__isnull=False)
    due = Q(next_attempt_at=None, updated_at__lte=now - HINT_GRACE) | Q(next_attempt_at__lte=now)
    unsent = wished & due & Q(amend_sent_at=None, status__in=RESTING)
    sent = for_each_order(unsent, "updated_at", amend, "order %s could not be moved")
    unsure = wished & Q(amend_sent_at__lte=now - lookups.ASK_AFTER)
    asked = for_each_order(unsure, "updated_at", _resolve, "whether order %s moved could not be asked")
    over = wished & Q(amend_sent_at=None, status__in=DONE)
    ended = for_each_order(over, "updated_at", _forget, "the wish to move order %s could not be dropped")
    return sent + asked + ended


def _resolve(order_id: UUID) -> None:
    order = Order.objects.select_related("account", "position__instrument").get(pk=order_id)
    if order.wanted_price is not None:  # else another looker was faster
        _look(order)


def _forget(order_id: UUID) -> None:
    order = Order.objects.get(pk=order_id)
    _settle(order, order.price, f"the order was {order.status} before")
