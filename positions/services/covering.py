"""Since when no stop stands on the exchange for all that is held, and the end of a position where none can."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from exchanges.models import AccountWatch
from positions import broadcast
from positions.cover import is_covered, uncovered
from positions.lifecycle import CloseReason, PositionStatus
from positions.models import Position
from positions.services import events
from positions.services.closing import end_unprotected_time, lock_position, request_close
from positions.services.sweeping import for_each
from positions.silence import silence_of
from trailing.gaps import is_behind
from trailing.plan import PlanRefused
from trailing.rows import plan_of

COVER_COLUMNS = ["unprotected_since", "unprotected_seconds", "software_stop_since", "updated_at"]


def note_cover(position: Position) -> bool:
    """Whether a stop stands for all it holds; the caller has the position's lock. While it is handed over nobody counts
    how long it is without one."""
    known, covered = (position.unprotected_since, position.software_stop_since), is_covered(position)
    if covered:
        end_unprotected_time(position)
        position.software_stop_since = None
    elif position.unprotected_since is None and position.handed_over_at is None:
        position.unprotected_since = timezone.now()
    if (position.unprotected_since, position.software_stop_since) != known:
        position.save(update_fields=COVER_COLUMNS)
    return covered


def note_new_stop(position: Position) -> None:
    """What is not covered now came after this stop was asked for: its time begins anew, or an entry that fills in many
    small parts would be closed for it."""
    end_unprotected_time(position)
    position.save(update_fields=["unprotected_since", "unprotected_seconds", "updated_at"])
    note_cover(position)


def close_uncovered(now: datetime) -> int:
    """The net: stops that ceased to count without a word, and positions that have been without for too long."""
    held = Position.objects.filter(status=PositionStatus.OPEN, quantity__gt=0, handed_over_at=None)
    known = Q(unprotected_since__isnull=False)
    doubted = held.filter(known | Q(pk__in=uncovered(held).values("pk"))).order_by("pk")
    return for_each(
        doubted.values_list("pk", flat=True), lambda pk: _judge(pk, now), "cover of position %s is not known"
    )


@transaction.atomic
def _judge(position_id: int, now: datetime) -> None:
    position = lock_position(position_id)
    if position.status != PositionStatus.OPEN or note_cover(position):
        return
    why_not = _why_not_watched(position, now)
    if not why_not:
        _watch(position, now)
    elif position.software_stop_since is not None:
        _end_watch(position, now, why_not)
    elif position.unprotected_since and position.unprotected_since < now - settings.UNPROTECTED_CLOSE_AFTER:
        request_close(position_id, reason=CloseReason.UNPROTECTED, requested_by="no stop could be placed")


def _why_not_watched(position: Position, now: datetime) -> str:
    """Empty: its level is a software stop. The exchange takes no stops, the prices that decide are heard, and they may
    decide, so whoever judges them closes at the level."""
    if not AccountWatch.objects.filter(
        account=position.account_id, stops_refused_since__isnull=False
    ).exists():
        return "the exchange takes stops"
    row = getattr(position, "trailing_stop", None)
    if row is None or row.stop_price is None:
        return "it has no level"
    try:
        plan_of(position)
    except PlanRefused:
        return "its plan cannot be read"
    if is_behind(row, now):
        return "its best price is not known"
    return "; ".join(silence_of(position, now))


def _watch(position: Position, now: datetime) -> None:
    if position.software_stop_since is not None:
        return
    position.software_stop_since = now
    position.save(update_fields=COVER_COLUMNS)
    level = position.trailing_stop.stop_price
    _tell(position, "software_stop", level=level)


def _end_watch(position: Position, now: datetime, why: str) -> None:
    """Bare from now on, and not since before its level was watched: a price that is lost for a moment ends nothing."""
    end_unprotected_time(position)
    position.unprotected_since, position.software_stop_since = now, None
    position.save(update_fields=COVER_COLUMNS)
    _tell(position, "software_stop_ended", reason=why)


def _tell(position: Position, event: str, **facts: object) -> None:
    events.record(event, "high", account_id=position.account_id, position_id=position.pk, **facts)
    broadcast.position_changed(position.pk)
