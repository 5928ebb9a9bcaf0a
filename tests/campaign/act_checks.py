"""What must be true of what people did by hand, when the world has come to rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone

from exchanges.models import FlatReport, FlatRun
from exchanges.trading_state import FlatOutcome
from positions.act_models import Act
from positions.lifecycle import DONE, OrderPurpose, PositionStatus
from positions.models import Order, PersonAct, Position, RiskEvent

if TYPE_CHECKING:
    from tests.campaign.world import World

Sentences = Iterator[str]
WHOLE = "That is all of it"
TOLD_OF = {Act.HAND_OVER: "position_handed_over", Act.TAKE_BACK: "position_taken_back"}


def each_form_is_one_row_with_its_author_and_outcome(world: World) -> Sentences:
    rows = {row.pk: row for row in PersonAct.objects.all()}
    for key in sorted(rows.keys() - world.forms.sent.keys()):
        yield f"act {key} belongs to no form"
    for key, form in world.forms.sent.items():
        row, name = rows.get(key), f"{form.by}: {form.name}"
        if row is None:
            if form.told:
                yield f"{name} was answered and is no row"
            continue
        if (row.act, row.by, row.position_id) != (form.act, form.by, form.position_id):
            yield f"{name} is the row of {row.by}: {row.act} of {row.position_id}"
        for done in form.told:
            if (done.sentence, done.is_refused, done.order_id) != (row.outcome, row.is_refused, row.order_id):
                yield f"{name} was told {done.sentence!r}, its row says {row.outcome!r}"
        if row.is_refused and row.order_id is not None:
            yield f"{name} was refused and has an order"


def a_part_closes_what_was_asked(world: World) -> Sentences:
    """Once for its form, and never more; all of it only where the answer says so."""
    made: Counter[object] = Counter()
    for row in PersonAct.objects.filter(act=Act.CLOSE_PART, order_id__isnull=False):
        order, form = Order.objects.get(pk=row.order_id), world.forms.sent[row.pk]
        made[order.pk] += 1
        if order.purpose == OrderPurpose.CLOSE:
            if WHOLE not in row.outcome:
                yield f"{form.name} closed all of it without a word"
        elif order.quantity > form.most:
            yield f"{form.name} closed {order.quantity}, more than {form.most}"
    for order in Order.objects.filter(purpose=OrderPurpose.REDUCE):
        if made[order.pk] != 1:
            yield f"{order.client_order_id} is the part of {made[order.pk]} forms"


def what_is_handed_over_is_left_alone(world: World) -> Sentences:
    for position in Position.objects.all():
        for since, until in _times_with_a_person(position):
            yield from _disturbances(world, position, since, until)


def _times_with_a_person(position: Position) -> Iterator[tuple[datetime, datetime]]:
    told = RiskEvent.objects.filter(position_id=str(position.pk), event_type__in=TOLD_OF.values())
    since: datetime | None = None
    for event in told.order_by("created_at", "pk"):
        if event.event_type == TOLD_OF[Act.HAND_OVER]:
            since = event.created_at
        elif since is not None:
            yield since, event.created_at
            since = None
    if since is not None:
        yield since, position.closed_at or timezone.now()


def _disturbances(world: World, position: Position, since: datetime, until: datetime) -> Sentences:
    """Only a close that a person asked for may come."""
    arrived = _arrivals(world, position.account_id)
    for order in Order.objects.filter(position=position):
        if order.purpose == OrderPurpose.CLOSE and position.close_reason in ("manual", "kill_switch"):
            continue
        if since < order.created_at < until:
            yield f"{order.client_order_id} was made while the position was handed over"
        at_ms = arrived.get(order.client_order_id)
        if at_ms is not None and since.timestamp() * 1000 + 1 < at_ms < until.timestamp() * 1000 - 1:
            yield f"{order.client_order_id} reached the exchange while the position was handed over"


def _arrivals(world: World, account_id: int) -> dict[str, int]:
    for name, state in world.engine.accounts.items():
        if world.account_id(name) == account_id:
            plain = {o.client_order_id: o.created_ms for o in state.orders.values() if o.algo_id is None}
            return plain | {a.client_algo_id: a.created_ms for a in state.algos.values()}
    return {}


def acts_did_what_they_said(world: World) -> Sentences:
    for row in PersonAct.objects.filter(is_refused=False).select_related("position"):
        name, order = (
            f"{row.by}: {row.act} of {row.position_id}",
            Order.objects.filter(pk=row.order_id).first(),
        )
        wished_closed = row.act == Act.CLOSE or (order is not None and order.purpose == OrderPurpose.CLOSE)
        if wished_closed and row.position is not None and row.position.status != PositionStatus.CLOSED:
            yield f"{name} said {row.outcome!r}, and it is {row.position.status}"
        if row.act == Act.CANCEL_ORDER and (order is None or order.status not in DONE):
            yield f"{name} said {row.outcome!r}, and it is {order and order.status}"
    for act, event in TOLD_OF.items():
        asked = Counter(
            (row.position_id, row.by) for row in PersonAct.objects.filter(act=act, is_refused=False)
        )
        told = Counter(
            (int(one.position_id or 0), one.details["by"])
            for one in RiskEvent.objects.filter(event_type=event)
        )
        if asked != told:
            yield f"{event}: {dict(told)} was told, {dict(asked)} was asked"


def a_flat_ends_with_nothing_held(world: World) -> Sentences:
    for run in FlatRun.objects.filter(ended_at=None):
        yield f"FLAT {run.pk} has not ended"
    for report in FlatReport.objects.filter(outcome=FlatOutcome.FLAT).select_related("run"):
        older = Position.objects.filter(
            account=report.account_id, is_live=True, created_at__lt=report.run.begun_at
        )
        for pk in older.values_list("pk", flat=True):
            yield f"FLAT {report.run_id} ended, and position {pk} of before lives"


RULES = (
    each_form_is_one_row_with_its_author_and_outcome,
    a_part_closes_what_was_asked,
    what_is_handed_over_is_left_alone,
    acts_did_what_they_said,
    a_flat_ends_with_nothing_held,
)
