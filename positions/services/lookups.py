"""Orders whose state is not known for sure are asked for by our own id; cancels, which may be repeated, are sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.errors import ExchangeError, OrderNotFound
from exchanges.models import ExchangeAccount
from exchanges.types import Book, OrderReport, OrderType, ReportStatus
from positions.cover import ABSENT
from positions.lifecycle import OrderStatus
from positions.models import Order
from positions.services import denials, halting, reachability
from positions.services.reports import apply_report
from positions.services.sweeping import for_each_order

logger = logging.getLogger(__name__)

ASK_AFTER = timedelta(seconds=2)
CANCEL_AGAIN_AFTER = timedelta(seconds=5)
# on top of the request's own window: the exchange's clock and its queues
ABSENCE_MARGIN = timedelta(seconds=5)
# a market order is matched in moments; one that was acknowledged and that nobody knows after this long is gone
MATCHED_WITHIN = timedelta(minutes=1)


def cancel(order_id: UUID | str) -> None:
    order = _claim_cancel(order_id)
    if order is None:
        return
    symbol, book = order.position.instrument.symbol, Book(order.book)
    try:
        told = session.call(order.account, lambda c: c.cancel_order(symbol, order.client_order_id, book))
    except OrderNotFound:
        _ask(order, gone=ReportStatus.CANCELED)  # it filled, fired or was canceled before
    except ExchangeError as error:
        halting.hear(order.account_id, error)
        reachability.hear(order.account_id, error)
        logger.warning("cancel of %s failed (%s); it is repeated", order.client_order_id, error)
    else:
        # what filled before the cancel came is in its answer; a stop that was still there has not fired
        apply_report(order.account_id, told or _ended(order, ReportStatus.CANCELED))
        reachability.answered(order.account_id)


def cancel_left_over(account: ExchangeAccount, report: OrderReport) -> None:
    """An order that our rows have ended and that still works. Its row stays as it is."""
    symbol, name, book = report.symbol, report.client_order_id, report.book
    number = report.exchange_order_id
    try:
        if name:
            session.call(account, lambda client: client.cancel_order(symbol, name, book))
        else:
            session.call(account, lambda client: client.cancel_by_number(symbol, number, book))
    except ExchangeError as error:
        logger.warning("left-over order %s could not be canceled: %s", name or number, error)


def _claim_cancel(order_id: UUID | str) -> Order | None:
    now = timezone.now()
    due = Q(cancel_sent_at=None) | Q(cancel_sent_at__lte=now - CANCEL_AGAIN_AFTER)
    won = Order.objects.filter(due, pk=order_id, status=OrderStatus.PENDING_CANCEL).update(cancel_sent_at=now)
    return _load(order_id) if won else None


def _load(order_id: UUID | str) -> Order:
    return Order.objects.select_related("account", "position__instrument").get(pk=order_id)


def _ended(order: Order, status: ReportStatus, reason: str = "") -> OrderReport:
    return OrderReport(
        symbol=order.position.instrument.symbol,
        client_order_id=order.client_order_id,
        exchange_order_id=order.exchange_order_id,
        book=Book(order.book),
        status=status,
        reason=reason,
    )


def resolve(order_id: UUID | str, *, gone: ReportStatus | None = None) -> None:
    """Ask the exchange what became of one order. `gone` is what an absent one counts as, once it is old enough."""
    _ask(_load(order_id), gone=gone)


def _ask(order: Order, *, gone: ReportStatus | None = None) -> None:
    asked_at = timezone.now()
    try:
        report = look_up(order)
    except ExchangeError as error:
        halting.hear(order.account_id, error)
        reachability.hear(order.account_id, error)
        logger.warning("asking for %s failed (%s); it is asked again", order.client_order_id, error)
        return
    reachability.answered(order.account_id)
    if report is not None:
        apply_report(order.account_id, report)
    elif order.status == OrderStatus.SUBMITTED:
        _judge_absence(order, asked_at)
    elif gone is not None and _may_be_gone(order, asked_at):
        apply_report(order.account_id, _ended(order, gone, "no longer known to the exchange"))


def _may_be_gone(order: Order, asked_at: datetime) -> bool:
    """An acknowledgement comes before the order is in any list: a young one that nobody knows may still be coming."""
    known_at = order.answered_at or order.submitted_at or order.updated_at
    if order.order_type == OrderType.MARKET:
        return asked_at >= known_at + MATCHED_WITHIN
    return is_final(known_at, asked_at)


def look_up(order: Order) -> OrderReport | None:
    """Both books for a conditional order: once it fired, its child carries the same id in the plain one, or is at
    least known there by the venue's number. None is the exchange's successful answer that neither knows it; a failed
    question raises."""
    plain = _find(order, Book.PLAIN)
    if order.book == Book.PLAIN or _has_traded(plain):
        return plain
    algo = _find(order, Book.ALGO)
    if plain is None and algo is not None and algo.status is ReportStatus.TRIGGERED:
        return _child(order, algo.child_order_id or order.child_order_id) or algo
    return algo or plain


def _has_traded(report: OrderReport | None) -> bool:
    return report is not None and (report.filled_quantity > 0 or report.status is not ReportStatus.OPEN)


def _find(order: Order, book: Book) -> OrderReport | None:
    symbol = order.position.instrument.symbol
    return _asked(order, lambda client: client.find_order(symbol, order.client_order_id, book))


def _child(order: Order, number: str) -> OrderReport | None:
    symbol = order.position.instrument.symbol
    return _asked(order, lambda client: client.find_child(symbol, number)) if number else None


def _asked(
    order: Order, question: Callable[[ExchangeClient], Coroutine[Any, Any, OrderReport]]
) -> OrderReport | None:
    try:
        report = session.call(order.account, question)
    except OrderNotFound:
        return None
    return replace(report, client_order_id=order.client_order_id)


def _judge_absence(order: Order, asked_at: datetime) -> None:
    if is_final(order.submitted_at or order.updated_at, asked_at):
        denials.refuse(order, f"{ABSENT}: the exchange knows no such order after its window had passed")


def is_final(sent_at: datetime, asked_at: datetime) -> bool:
    """Whether a delayed request would already have been refused for its age when the question was asked. An answer
    may be late and speak of a moment before."""
    return asked_at >= sent_at + settings.ORDER_RECEIVE_WINDOW + ABSENCE_MARGIN


def resolve_unknown(now: datetime) -> int:
    """Ask for every order that should have had an answer by now, and repeat cancels that got none."""
    quiet = Q(updated_at__lte=now - ASK_AFTER)
    unsure = Q(status__in=(OrderStatus.SUBMITTED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED))
    # what waits for its price is quiet by nature; reconciliation misses it in the listing when it is gone
    stuck = Q(status=OrderStatus.ACCEPTED, order_type=OrderType.MARKET)
    asked = for_each_order(quiet & unsure, "updated_at", resolve, "order %s could not be asked for")
    asked += for_each_order(quiet & stuck, "updated_at", _resolve_stuck, "order %s could not be asked for")
    unsent = Q(cancel_sent_at=None) & quiet | Q(cancel_sent_at__lte=now - CANCEL_AGAIN_AFTER)
    wanted = unsent & Q(status=OrderStatus.PENDING_CANCEL)
    return asked + for_each_order(wanted, "updated_at", cancel, "the cancel of order %s could not be sent")


def _resolve_stuck(order_id: UUID | str) -> None:
    resolve(order_id, gone=ReportStatus.EXPIRED)
