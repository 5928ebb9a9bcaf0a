"""The exchange takes no stop orders (any more): entries end and levels are watched here, until it proves that it does
again."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from exchanges.errors import ExchangeError
from exchanges.models import AccountWatch
from exchanges.types import OrderType
from exchanges.venue_codes import is_order_type_refused
from positions import broadcast
from positions.lifecycle import OrderPurpose, PositionStatus
from positions.models import Order, Position
from positions.services import events
from positions.services.closing import RESTING, call_off, lock_position
from positions.services.outbox import hint
from positions.services.sweeping import for_each

NEEDED = 2


def hear(order: Order, error: ExchangeError) -> None:
    """The answer to a stop that was sent."""
    if order.order_type == OrderType.STOP_MARKET and is_order_type_refused(
        order.account.venue, error.code, str(error)
    ):
        refused(order.account_id, error.sentence)


def told(order: Order) -> None:
    """Of a stop that stands, or that was refused after it was acknowledged. Only an answer says that the exchange takes
    none at all: such a refusal begins nothing, but the proof begins anew. One asked for before proves nothing."""
    if order.order_type != OrderType.STOP_MARKET:
        return
    refusing = AccountWatch.objects.filter(account=order.account_id, stops_refused_since__isnull=False)
    if order.stood_at is None:
        refusing.update(stops_taken=0)
    elif refusing.filter(stops_refused_since__lte=order.created_at).exists():
        taken(order.account_id, timezone.now())


def refused(account_id: int, reason: str) -> None:
    with transaction.atomic():
        watch = _locked(account_id)
        is_news = watch.stops_refused_since is None
        since = watch.stops_refused_since or timezone.now()
        _note(watch, stops_refused_since=since, stops_refused_reason=reason[:300], stops_taken=0)
        if is_news:
            events.record("stops_refused", "critical", account_id=account_id, reason=reason)
            broadcast.notices_changed()
    call_off_entries()


def call_off_entries() -> None:
    """What they would buy could not be protected. One that was on the wire when it was refused rests afterwards, and is
    met by the sweep."""
    refusing = AccountWatch.objects.filter(stops_refused_since__isnull=False).values("account")
    entries = Order.objects.filter(account__in=refusing, purpose=OrderPurpose.ENTRY, status__in=RESTING)
    for_each(
        entries.values_list("position_id", flat=True),
        _call_off_entry,
        "the entry of position %s goes on waiting",
    )


def taken(account_id: int, at: datetime) -> None:
    """One proof each so often: many stops that go through in one moment are one."""
    if not AccountWatch.objects.filter(account_id=account_id, stops_refused_since__isnull=False).exists():
        return
    with transaction.atomic():
        watch = _locked(account_id)
        last = watch.stops_taken_at
        is_too_soon = watch.stops_taken > 0 and last is not None and at < last + settings.STOPS_PROVEN_APART
        if watch.stops_refused_since is None or is_too_soon:
            return
        if watch.stops_taken + 1 < NEEDED:
            _note(watch, stops_taken=watch.stops_taken + 1, stops_taken_at=at)
        else:
            _end(watch, at)


def _end(watch: AccountWatch, at: datetime) -> None:
    broadcast.notices_changed()
    events.record(
        "stops_taken_again", "high", account_id=watch.account_id, refused_since=watch.stops_refused_since
    )
    _note(
        watch, stops_refused_since=None, stops_refused_reason="", stops_taken=0, stops_taken_at=None,
        stops_work_since=at,
    )  # fmt: skip
    # their time without a stop begins anew: it is to be placed first
    bare = Position.objects.filter(
        account=watch.account_id, status=PositionStatus.OPEN, software_stop_since__isnull=False
    )
    bare.filter(unprotected_since__isnull=False).update(unprotected_since=at)
    for pk in bare.values_list("pk", flat=True):
        hint("trailing.tasks.protect", pk, queue="trailing")


def _locked(account_id: int) -> AccountWatch:
    return AccountWatch.objects.select_for_update().get_or_create(account_id=account_id)[0]


def _note(watch: AccountWatch, **columns: object) -> None:
    AccountWatch.objects.filter(pk=watch.pk).update(**columns)


@transaction.atomic
def _call_off_entry(position_id: int) -> None:
    lock_position(position_id)
    entries = Order.objects.filter(position=position_id, purpose=OrderPurpose.ENTRY, status__in=RESTING)
    for entry in entries.select_for_update():
        call_off(entry, "the exchange takes no stops")
