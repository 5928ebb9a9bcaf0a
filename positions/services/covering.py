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

COVER_COLUMNS = ["unprotected_since", "unprotected_seconds", "software_stop_since", "updated_at"]


def note_cover(position: Position) -> bool:
    """Whether a stop stands for all it holds; the caller has the position's lock."""
    known, covered = (position.unprotected_since, position.software_stop_since), is_covered(position)
    if covered:
        end_unprotected_time(position)
        position.software_stop_since = None
    elif position.unprotected_since is None:
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
    held = Position.objects.filter(status=PositionStatus.OPEN, quantity__gt=0)
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
    if _is_watched_here(position, now):
        return
    since = position.unprotected_since
    if since is not None and since < now - settings.UNPROTECTED_CLOSE_AFTER:
        request_close(position_id, reason=CloseReason.UNPROTECTED, requested_by="no stop could be placed")


def _is_watched_here(position: Position, now: datetime) -> bool:
    """A software stop: the exchange takes no stops, and the prices that decide are heard, so whoever judges them closes
    at the level. Without prices nothing watches it, and being bare ends it as ever."""
    refusing = AccountWatch.objects.filter(account=position.account_id, stops_refused_since__isnull=False)
    row = getattr(position, "trailing_stop", None)
    if row is None or row.stop_price is None or not refusing.exists() or silence_of(position, now):
        return False
    if position.software_stop_since is None:
        position.software_stop_since = now
        position.save(update_fields=COVER_COLUMNS)
        events.record(
            "software_stop",
            "high",
            account_id=position.account_id,
            position_id=position.pk,
            level=row.stop_price,
        )
        broadcast.position_changed(position.pk)
    return True
