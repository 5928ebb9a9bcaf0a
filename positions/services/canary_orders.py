"""The life of one canary order: a row, a request, a cancel. Looked up if its fate is unknown, closed if it bought."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.deadline import leaving_before
from exchanges.errors import AccountUnusable, ExchangeError, NotSent, OrderNotFound, Refused
from exchanges.models import ExchangeAccount
from exchanges.switch import switch_of
from exchanges.types import (
    Book,
    NativeExits,
    OrderReport,
    OrderRequest,
    OrderType,
    PositionMode,
    PositionReport,
    PositionSide,
    ReportStatus,
    Side,
    TimeInForce,
)
from exchanges.venue_codes import is_order_type_refused
from positions.canary import OVER, ProbeState, amended_price
from positions.canary_models import CanaryOrder, CanaryRun
from positions.lifecycle import CloseReason
from positions.models import Position
from positions.services import adopting, events, lookups, reachability
from positions.services.closing import request_close
from positions.terms import Terms

logger = logging.getLogger(__name__)

# not the beginning of our positions' orders: no comparison may take it for one of them
NAME_PREFIX = "tbc-"
LEAVES_WITHIN = timedelta(seconds=3)


def try_out(run: CanaryRun, terms: Terms, quantity: Decimal) -> CanaryOrder:
    order = _insert(run, terms, quantity)
    account = run.account
    if refusal := switch_of(account.pk).refusal:  # halted since the run began
        _move(order, ProbeState.NOT_SENT, refusal)
        return order
    try:
        told = session.call(account, lambda client: _place(client, _request(order, account), order.asked_at))
    except ExchangeError as error:
        _not_placed(order, error)
        return order
    reachability.answered(account.pk)
    if not told.is_acknowledgement:  # one that only is may still be refused, and forgotten
        _move(order, ProbeState.STANDING)
    if order.order_type == OrderType.LIMIT:
        _amend(order, account)
    take_back(order)
    return order


async def _place(client: ExchangeClient, request: OrderRequest, asked_at: datetime) -> OrderReport:
    with leaving_before(asked_at + LEAVES_WITHIN):
        return await client.create_order(request)


def _insert(run: CanaryRun, terms: Terms, quantity: Decimal) -> CanaryOrder:
    return CanaryOrder.objects.create(
        run=run,
        name=f"{NAME_PREFIX}{uuid.uuid4().hex[:20]}",
        order_type=terms.order_type,
        book=Book.ALGO if terms.order_type.is_conditional else Book.PLAIN,
        quantity=quantity,
        price=terms.price,
        trigger_price=terms.trigger_price,
        activation_price=terms.activation_price,
        callback_rate=terms.callback_rate,
        asked_at=timezone.now(),
    )


def _request(order: CanaryOrder, account: ExchangeAccount) -> OrderRequest:
    trails = order.callback_rate is not None
    return OrderRequest(
        symbol=order.run.instrument.symbol,
        side=Side.BUY,
        position_side=PositionSide.LONG,
        order_type=OrderType(order.order_type),
        quantity=order.quantity,
        client_order_id=order.name,
        price=order.price,
        trigger_price=order.trigger_price,
        native=NativeExits(callback_rate=order.callback_rate, activation_price=order.activation_price)
        if trails
        else None,
        # it never takes, whatever the market did meanwhile
        time_in_force=TimeInForce.GTX if order.order_type == OrderType.LIMIT else None,
        position_mode=PositionMode(account.position_mode),
    )


def _not_placed(order: CanaryOrder, error: ExchangeError) -> None:
    _hear(order, error)
    match error:
        case NotSent():
            _move(order, ProbeState.NOT_SENT, error.sentence)
        case Refused() | AccountUnusable():
            venue = order.run.account.venue
            order.kind_refused = is_order_type_refused(venue, error.code, str(error))
            _move(order, ProbeState.REFUSED, error.sentence)
        case _:
            order.reason = error.sentence
            look_up(order)


def _hear(order: CanaryOrder, error: ExchangeError) -> None:
    """A probe halts no account: what is wrong with its key or mode, the comparison and the entries are told."""
    reachability.hear(order.run.account_id, error)


def _amend(order: CanaryOrder, account: ExchangeAccount) -> None:
    order.price = amended_price(order.run.mark_price, order.run.instrument.price_increment)
    try:
        session.call(account, lambda client: client.amend_order(_request(order, account)))
    except ExchangeError as error:
        _hear(order, error)
        order.reason = f"not amended: {error.sentence}"
    order.save(update_fields=["price", "reason"])


def take_back(order: CanaryOrder) -> None:
    """What cannot be canceled now stays as it is; the sweep comes again."""
    account, symbol, book = order.run.account, order.run.instrument.symbol, Book(order.book)
    try:
        told = session.call(account, lambda client: client.cancel_order(symbol, order.name, book)) or _find(
            order
        )
    except OrderNotFound:
        look_up(order)
    except ExchangeError as error:
        _hear(order, error)
        logger.warning("canary order %s could not be canceled: %s", order.name, error)
    else:
        _ended(order, told)


def look_up(order: CanaryOrder) -> None:
    asked_at = timezone.now()
    try:
        report = _find(order)
    except OrderNotFound:
        _absent(order, asked_at)
        return
    except ExchangeError as error:
        _hear(order, error)
        return
    if report.status in (ReportStatus.OPEN, ReportStatus.PARTIALLY_FILLED):
        _move(order, ProbeState.STANDING, order.reason)
        take_back(order)
    else:
        _ended(order, report)


def _absent(order: CanaryOrder, asked_at: datetime) -> None:
    """A young one may be in no list yet, also after its acknowledgement: the sweep comes again. One that was only
    acknowledged, and that nobody ever saw, proves nothing."""
    if lookups.is_final(order.asked_at, asked_at):
        was_taken = order.state == ProbeState.STANDING  # and somebody else took it back
        _move(order, ProbeState.WORKED if was_taken else ProbeState.NOT_SENT)


def _find(order: CanaryOrder) -> OrderReport:
    account, symbol, book = order.run.account, order.run.instrument.symbol, Book(order.book)
    return session.call(account, lambda client: client.find_order(symbol, order.name, book))


def _ended(order: CanaryOrder, told: OrderReport) -> None:
    """A conditional one that fired is at the market: it counts as bought until the exchange shows nothing. What is
    not told to have ended stands: a cancel may be acknowledged before it is done."""
    if told.status is ReportStatus.TRIGGERED or told.filled_quantity > 0:
        _bought(order)
    elif told.status is ReportStatus.REJECTED:
        _move(order, ProbeState.REFUSED, told.reason)
    elif told.status in (ReportStatus.CANCELED, ReportStatus.EXPIRED):
        _move(order, ProbeState.WORKED, order.reason)
    elif told.status is ReportStatus.OPEN and not told.is_acknowledgement:
        _move(order, ProbeState.STANDING, order.reason)


def _bought(order: CanaryOrder) -> None:
    run = order.run
    _move(order, ProbeState.FILLED)
    events.record(
        "canary_filled", "critical", account_id=run.account_id, order=order.name, symbol=run.instrument.symbol,
        order_type=order.order_type, quantity=order.quantity,
    )  # fmt: skip
    close(order)


def close(order: CanaryOrder) -> None:
    """What it bought becomes a position like any other, and leaves by the one door. Never another one."""
    account, asked_at = order.run.account, timezone.now()
    try:
        held = session.call(account, lambda client: client.positions())
    except ExchangeError as error:
        _hear(order, error)
        return
    for report in held:
        if order.position is None and _is_its_leg(order, report):
            _own(order, report, asked_at)
    if order.position is None and any(_is_its_leg(order, report) for report in held):
        _leave_to_its_owner(order)
    elif order.position is None or not order.position.is_live:
        _move(order, ProbeState.CLOSED)
    else:
        by = f"canary order {order.name} filled"
        request_close(order.position.pk, reason=CloseReason.MANUAL, requested_by=by)


def _is_its_leg(order: CanaryOrder, report: PositionReport) -> bool:
    return (report.symbol, report.position_side) == (order.run.instrument.symbol, PositionSide.LONG)


@transaction.atomic
def _own(order: CanaryOrder, report: PositionReport, asked_at: datetime) -> None:
    """The comparison may have taken it over before."""
    run = order.run
    taken_over = Position.objects.filter(
        account=run.account_id, instrument=run.instrument_id, position_side=PositionSide.LONG, is_live=True,
        strategy=None, created_at__gte=order.asked_at,
    )  # fmt: skip
    order.position = adopting.adopt(run.account_id, report, asked_at) or taken_over.first()
    order.save(update_fields=["position"])


def _leave_to_its_owner(order: CanaryOrder) -> None:
    """The venue holds one position a leg: what it bought is part of one that is somebody's."""
    run = order.run
    reason = "what it bought is part of a position that was opened there; nothing is closed for it"
    events.record(
        "canary_fill_left", "critical", account_id=run.account_id, order=order.name, symbol=run.instrument.symbol,
        quantity=order.quantity, reason=reason,
    )  # fmt: skip
    _move(order, ProbeState.CLOSED, reason)


def _move(order: CanaryOrder, state: ProbeState, reason: str = "") -> None:
    order.state, order.reason = state, (reason or order.reason)[:500]
    order.ended_at = timezone.now() if state in OVER else None
    order.save(update_fields=["state", "reason", "kind_refused", "ended_at"])
