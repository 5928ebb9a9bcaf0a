"""Gathers what the trail says of one fill, order, position or signal and of what it came from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from exchanges.models import ExchangeAccount, Instrument
from ops.models import TrailEntry
from ops.trail.story import tell
from ops.trail.telling.entries import Names, Sentence, Told
from positions.models import Fill, FundingPayment, Order, PersonAct, Position, RiskEvent
from signals_app.models import SignalLog, SignalLogEntry, Strategy
from trailing.plan import read_plan
from trailing.words import in_words

UID_SHOWN = 12  # of a signal's uid in a position's close_requested_by
MANY = 5
LONGEST_NUMBER = 18
NO_ROW = -1


class NotFound(Exception):
    """The text says what was looked for."""


@dataclass(frozen=True, slots=True)
class Story:
    title: str
    sentences: list[Sentence]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows a story is about."""

    title: str
    logs: QuerySet[SignalLog]
    verdicts: QuerySet[SignalLogEntry]
    positions: QuerySet[Position]
    orders: QuerySet[Order]
    fills: QuerySet[Fill]


def story_of(kind: str, key: str) -> Story:
    scope = KINDS[kind](key)
    return Story(scope.title, tell(_entries(scope), _names(scope)))


def _of_position(key: str) -> Scope:
    position = _only(Position.objects.filter(pk=_number(key)), f"position {key}")
    return _whole(f"Position {position.pk}, {position.status}", position.pk)


def _whole(title: str, position_id: int) -> Scope:
    logs, verdicts = _signals_of(position_id)
    return Scope(
        title,
        logs,
        verdicts,
        Position.objects.filter(pk=position_id),
        Order.objects.filter(position=position_id),
        Fill.objects.filter(position=position_id),
    )


def _signals_of(position_id: int) -> tuple[QuerySet[SignalLog], QuerySet[SignalLogEntry]]:
    """Those whose verdict names the position, and the one that asked for its close."""
    position = Position.objects.get(pk=position_id)
    named = Q(entries__position=position)
    asked, _, uid = position.close_requested_by.partition(" ")
    if asked == "signal" and len(uid) == UID_SHOWN:
        named |= Q(uid__startswith=uid)
    logs = SignalLog.objects.filter(named).distinct()
    return logs, SignalLogEntry.objects.filter(log__in=logs, account=position.account_id)


def _of_order(key: str) -> Scope:
    known = Q(client_order_id=key) | Q(exchange_order_id=key) | Q(child_order_id=key)
    order = _only(Order.objects.filter(Q(pk=_uuid(key)) if _uuid(key) else known), f"order {key}")
    whole = _whole(f"Order {order.client_order_id}, {order.status}", order.position_id)
    return Scope(
        whole.title, whole.logs, whole.verdicts, whole.positions,
        Order.objects.filter(pk=order.pk), Fill.objects.filter(order=order),
    )  # fmt: skip


def _of_fill(key: str) -> Scope:
    by_trade_id = Fill.objects.filter(trade_id=key)
    by_pk = Fill.objects.filter(pk=_number(key.removeprefix("pk=")))
    fill = _only(by_trade_id if by_trade_id.exists() else by_pk, f"fill {key}")
    title = f"Fill {fill.trade_id} of {fill.symbol}"
    fills, orders = Fill.objects.filter(pk=fill.pk), Order.objects.filter(pk=fill.order_id)
    if fill.position_id is None:
        nothing = Position.objects.none()
        return Scope(title, SignalLog.objects.none(), SignalLogEntry.objects.none(), nothing, orders, fills)
    whole = _whole(title, fill.position_id)
    return Scope(title, whole.logs, whole.verdicts, whole.positions, orders, fills)


def _of_signal(key: str) -> Scope:
    log = _only(SignalLog.objects.filter(Q(pk=_number(key)) | Q(uid=key)), f"signal {key}")
    touched = Q(log_entries__log=log)
    if log.uid:
        touched |= Q(close_requested_by=f"signal {log.uid[:UID_SHOWN]}")
    positions = Position.objects.filter(touched).distinct()
    return Scope(
        f"Signal {log.pk}, {log.status}",
        SignalLog.objects.filter(pk=log.pk),
        SignalLogEntry.objects.filter(log=log),
        positions,
        Order.objects.filter(position__in=positions),
        Fill.objects.filter(position__in=positions),
    )


KINDS: Mapping[str, Callable[[str], Scope]] = {
    "position": _of_position,
    "order": _of_order,
    "fill": _of_fill,
    "signal": _of_signal,
}


def _only(rows: QuerySet[Any], what: str) -> Any:
    found = list(rows.order_by("pk")[:MANY])
    if not found:
        raise NotFound(f"There is no {what}.")
    if len(found) > 1:
        raise NotFound(
            f"{what} could be any of {', '.join(_precisely(row) for row in found)}; ask for one of them."
        )
    return found[0]


def _precisely(row: Any) -> str:
    return row.client_order_id if isinstance(row, Order) else f"pk={row.pk} ({row})"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else NO_ROW


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _subjects(scope: Scope) -> Iterator[tuple[str, list[str]]]:
    ids = list(scope.positions.values_list("pk", flat=True))
    positions = [str(pk) for pk in ids]
    yield "positions", positions
    yield "trailing_stop_state", positions
    levels = Position.objects.filter(pk__in=ids, levels__isnull=False).values_list("levels", flat=True)
    yield "partial_tp_history", [str(pk) for pk in levels]
    for table, rows in (
        ("signals_v2_log", scope.logs),
        ("signal_log_entries_v2", scope.verdicts),
        ("orders", scope.orders),
        ("trades", scope.fills),
        ("funding_payments", FundingPayment.objects.filter(position__in=ids)),
        ("person_acts", PersonAct.objects.filter(position__in=ids)),
        ("risk_events", RiskEvent.objects.filter(position_id__in=positions)),
    ):
        yield table, [str(pk) for pk in rows.values_list("pk", flat=True)]


def _entries(scope: Scope) -> Iterator[Told]:
    wanted = Q(pk__in=[])
    for table, keys in _subjects(scope):
        wanted |= Q(subject_table=table, subject_key__in=keys)
    entries = TrailEntry.objects.filter(wanted).annotate(text=Cast("content", TextField())).order_by("pk")
    columns = ("written_at", "subject_table", "subject_key", "change", "text", "written_by")
    for at, table, key, change, text, written_by in entries.values_list(*columns):
        yield Told(at, table, key, change, json.loads(text, parse_float=Decimal), written_by)


def _names(scope: Scope) -> Names:
    instruments = Instrument.objects.filter(positions__in=scope.positions)
    planned = scope.positions.select_related("plan")
    return Names(
        accounts=dict(ExchangeAccount.objects.values_list("pk", "name")),
        strategies=dict(Strategy.objects.values_list("pk", "name")),
        symbols=dict(instruments.values_list("pk", "exchange_symbol")),
        plans={one.plan_id: in_words(read_plan(one.plan.body)) for one in planned},
        orders={str(pk): name for pk, name in scope.orders.values_list("pk", "client_order_id")},
    )
