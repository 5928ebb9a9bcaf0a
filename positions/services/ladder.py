"""The take-profit ladder on the exchange: each level is a row once, and rests as a reduce-only limit order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from exchanges.types import Book, OrderType, PositionSide
from positions.cover import ABSENT
from positions.lifecycle import DONE, OrderPurpose, OrderStatus, PositionStatus
from positions.models import Order, Position
from positions.patience import TOO_FAR
from positions.services import events, levels, waiting
from positions.services.closing import (
    PARTS,
    call_off,
    entry_is_pending,
    is_unwanted,
    lock_position,
    pending_orders,
    promised,
)
from positions.services.holdings import found_there
from positions.services.instruments import spec_of
from positions.services.outbox import add_order
from positions.services.placing import mark_of
from positions.services.sweeping import for_each
from positions.terms import MOST_THROUGH_PERCENT, Leg, Terms, objection_to_exit
from trailing.engine import HUNDRED, Entry, TrailingPhase
from trailing.ladder import LevelStatus, Rung, Targets, rungs, targets
from trailing.models import PartialTakeProfit, TrailingStop
from trailing.rows import entry_of, plan_of
from trailing.rules import AtrTarget, Ladder, Level
from trailing.services import protect

# orders of one level that reached the exchange, or may have
MOST_ORDERS = 4
# the average true range of the entry is learned a moment after it
TRUE_RANGE_PATIENCE = timedelta(minutes=1)
MOST_PERCENT = Decimal(10) ** 8


@dataclass(frozen=True, slots=True)
class CheckedLevel:
    """`client_order_id` of its newest order; `error` says why it is not what was wished for."""

    level: int
    status: LevelStatus
    price: Decimal | None
    quantity: Decimal
    sold: Decimal
    client_order_id: str
    error: str


def check_partial_tp(position_id: int) -> list[CheckedLevel]:
    """Place what is missing, mark what is sold, have the stop follow; any number of times, by any number of workers.
    Empty: the plan has no ladder, or its entry has not ended. Named by a requirement document."""
    protect(position_id)  # levels are measured from the price it is armed at
    mark_price = mark_of(position_id)
    with transaction.atomic():
        position = lock_position(position_id)
        is_ours = position.handed_over_at is None
        if is_ours and position.status == PositionStatus.OPEN and not is_unwanted(position):
            _begin(position, mark_price)
            _tend(position, mark_price)
    protect(position_id)
    return [_checked(row) for row in _rows(position)]


def _rows(position: Position) -> QuerySet[PartialTakeProfit]:
    return PartialTakeProfit.objects.filter(position=position).order_by("level")


def _checked(row: PartialTakeProfit) -> CheckedLevel:
    sold, status = levels.sold(row.position_id, row.level), LevelStatus(row.status)
    return CheckedLevel(row.level, status, row.price, row.close_qty, sold, row.order_id, row.error)


# once, when the entry has ended


def _begin(position: Position, mark_price: Decimal | None) -> None:
    ladder, row = plan_of(position).take_profits, TrailingStop.objects.get(pk=position.pk)
    if ladder is None or row.entry_price is None or _rows(position).exists():
        return
    row.position = position
    found = targets(entry_of(row), ladder)
    if entry_is_pending(position):
        _end_entry_at(found, position, entry_of(row), mark_price)
    elif _is_ready(position, row, ladder):
        made = rungs(entry_of(row), ladder, _bought(position), spec_of(position.instrument))
        _write(position, _planned(entry_of(row), ladder, found, made))


def _end_entry_at(found: Targets, position: Position, entry: Entry, mark_price: Decimal | None) -> None:
    """A limit entry that bought a part, while the price is at the first level already: the rest is taken back, so that
    levels can be placed."""
    if mark_price is None or not found.reachable:
        return
    if entry.has_reached(mark_price, found.reachable[0].price):
        for order in pending_orders(position).filter(purpose=OrderPurpose.ENTRY).select_for_update():
            call_off(order, "the price has reached the first take-profit level")


def _is_ready(position: Position, row: TrailingStop, ladder: Ladder) -> bool:
    is_armed = row.entry_price == position.average_entry_price or row.state == TrailingPhase.ACTIVE
    if not is_armed:
        return False
    needs_range = any(isinstance(level.at, AtrTarget) for level in ladder.levels)
    waited = timezone.now() - (position.opened_at or position.created_at)
    return not needs_range or row.entry_atr is not None or waited >= TRUE_RANGE_PATIENCE


def _bought(position: Position) -> Decimal:
    entries = Order.objects.filter(position=position, purpose=OrderPurpose.ENTRY)
    bought: Decimal | None = entries.aggregate(bought=Sum("filled_quantity"))["bought"]
    return bought or found_there(position)  # taken over, with no entry of ours


def _numbered(ladder: Ladder) -> Iterator[tuple[int, Level]]:
    return enumerate(ladder.levels, 1)


def _planned(entry: Entry, ladder: Ladder, found: Targets, made: list[Rung]) -> Iterator[PartialTakeProfit]:
    """A level without an order of its own is a row too, and says where it went."""
    prices = {target.level: target.price for target in found.reachable}
    rung_of = {rung.level: rung for rung in made}
    for number, level in _numbered(ladder):
        row = _level(number, level)
        if number in found.refused:
            row.status, row.error = LevelStatus.ERROR, found.refused[number]
        else:
            row.price, row.percent = prices[number], _profit_percent(entry, prices[number])
            if number in rung_of:
                row.close_qty = rung_of[number].quantity
            else:
                row.status, row.error = LevelStatus.MERGED, _where_it_went(number, made)
        yield row


def _profit_percent(entry: Entry, price: Decimal) -> Decimal | None:
    """None: more than its column can hold."""
    percent = round(abs(price - entry.price) / entry.price * HUNDRED, 2)
    return percent if percent < MOST_PERCENT else None


def _level(number: int, level: Level) -> PartialTakeProfit:
    return PartialTakeProfit(level=number, close_ratio=level.close_ratio)


def _where_it_went(level: int, made: list[Rung]) -> str:
    later = next((rung.level for rung in made if rung.level > level), None)
    if later is not None:
        return f"too little for an order of its own: sold with level {later}"
    return "too little is left for an order of its own"


def _write(position: Position, rows: Iterator[PartialTakeProfit]) -> None:
    for row in rows:
        row.position = position
        row.save()
        if row.status == LevelStatus.ERROR:
            _tell(row, position)


# whenever an order of a level has ended


def _tend(position: Position, mark_price: Decimal | None) -> None:
    for level in list(_pending(position).values_list("level", flat=True)):
        row = _rows(position).get(level=level)  # one before it may have left it more
        if not levels.note(position.pk, level) and not _has_order(position, row):
            _go_on(position, row, mark_price)


def _pending(position: Position) -> QuerySet[PartialTakeProfit]:
    return _rows(position).filter(status=LevelStatus.PENDING)


def _has_order(position: Position, row: PartialTakeProfit) -> bool:
    return pending_orders(position).filter(level=row.level).exists()


def _go_on(position: Position, row: PartialTakeProfit, mark_price: Decimal | None) -> None:
    ended = Order.objects.filter(position=position, level=row.level)
    newest = ended.order_by("-generation").first()
    if newest is not None and newest.expires_at is not None:
        _end(row, LevelStatus.CANCELED, newest.reason)
    elif newest is not None and newest.reason.startswith(TOO_FAR):
        if not waiting.must_wait(position, row, newest, mark_price):
            _place(position, row, mark_price)
    elif newest is not None and _is_refused(newest):
        _refuse(row, position, newest.reason)
    elif ended.exclude(status=OrderStatus.DENIED).exclude(waiting.WERE_TOO_FAR).count() >= MOST_ORDERS:
        _refuse(row, position, f"{MOST_ORDERS} orders ended before they were filled")
    else:
        _place(position, row, mark_price)


def _is_refused(order: Order) -> bool:
    return order.status == OrderStatus.REJECTED and not order.reason.startswith(ABSENT)


def _place(position: Position, row: PartialTakeProfit, mark_price: Decimal | None) -> None:
    """What is held may have become less than the levels were meant for; what another order waits to sell may come
    back."""
    wanted, free = row.close_qty - levels.sold(position.pk, row.level), position.quantity - promised(position)
    may_grow = free < wanted and _waits_beside(position)
    leg = Leg(spec_of(position.instrument), PositionSide(position.position_side), mark_price, timezone.now())
    quantity, terms = min(wanted, free), _terms(row, leg)
    wrong = objection_to_exit(terms, quantity, free, leg) if free > 0 else "nothing is left to sell"
    if wrong is None:
        order = add_order(position, OrderPurpose.TAKE_PROFIT, quantity, terms, level=row.level)
        row.order_id, row.error = order.client_order_id, ""
        row.close_qty -= Decimal(0) if may_grow else wanted - quantity
        row.save(update_fields=["order_id", "error", "close_qty", "updated_at"])
    elif free <= 0 and not may_grow:
        _end(row, LevelStatus.CANCELED, wrong)
    elif not may_grow:
        _refuse(row, position, wrong)


def _waits_beside(position: Position) -> bool:
    """An order for a part that is none of the levels."""
    return pending_orders(position).filter(purpose__in=PARTS, book=Book.PLAIN, level=None).exists()


def _terms(row: PartialTakeProfit, leg: Leg) -> Terms:
    """A level the market has passed is sold at once: at no worse than its price, and no further through the market
    than the exchange allows."""
    price = Decimal(row.price or 0)
    if leg.mark_price is not None:
        entry = Entry(leg.position_side, leg.mark_price, leg.spec.price_increment)
        price = entry.better(price, entry.towards_market(entry.offset(leg.mark_price, -MOST_THROUGH_PERCENT)))
    return Terms(OrderType.LIMIT, price=price)


def _refuse(row: PartialTakeProfit, position: Position, reason: str) -> None:
    _end(row, LevelStatus.ERROR, reason)
    _leave_to_another(row, position)
    _tell(row, position)


def _tell(row: PartialTakeProfit, position: Position) -> None:
    events.record(
        "level_refused", "high", account_id=position.account_id, position_id=position.pk,
        level=row.level, order=row.order_id, reason=row.error,
    )  # fmt: skip


def _leave_to_another(row: PartialTakeProfit, position: Position) -> None:
    """To the next level, or the last one before it. What rests there makes room for an order for both."""
    rest = row.close_qty - levels.sold(position.pk, row.level)
    heir = _pending(position).filter(level__gt=row.level).first() or _pending(position).last()
    if heir is None or rest <= 0:
        return
    row.close_qty, heir.close_qty = row.close_qty - rest, heir.close_qty + rest
    row.save(update_fields=["close_qty", "updated_at"])
    heir.save(update_fields=["close_qty", "updated_at"])
    for order in pending_orders(position).filter(level=heir.level).select_for_update():
        call_off(order, f"sells what level {row.level} was meant to sell too")


def _end(row: PartialTakeProfit, status: LevelStatus, reason: str) -> None:
    row.status, row.error = status, reason
    row.save(update_fields=["status", "error", "updated_at"])


# the net


def check_ladders(now: datetime) -> int:
    """Open positions whose ladder has not begun, or has a level that is neither sold nor on its way."""
    pending = Order.objects.exclude(status__in=DONE)
    on_its_way = pending.filter(position=OuterRef("position"), level=OuterRef("level"))
    rows = PartialTakeProfit.objects.filter(position=OuterRef("pk"))
    idle = rows.filter(~Exists(on_its_way), status=LevelStatus.PENDING)
    due = Position.objects.filter(
        ~Exists(rows) | Exists(idle),
        Q(updated_at__lte=now),
        status=PositionStatus.OPEN,
        close_reason="",
        handed_over_at=None,
        plan__body__take_profits__has_key="levels",
    )
    found = due.order_by("updated_at").values_list("pk", flat=True)[:200]
    return for_each(found, check_partial_tp, "the take-profit levels of position %s could not be checked")
