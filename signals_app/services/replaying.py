"""A signal of before, said once more on paper: the same words, a moment of its own, so that it is no repeat."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from signals_app.models import SignalLog
from signals_app.registry import load
from signals_app.sender_rules import SenderRule
from signals_app.services.arrivals import Arrival, Verdict
from signals_app.services.dispatch import signal_of
from signals_app.services.intake import receive_read

SOURCE = "replay"


class NotReplayable(Exception):
    """Why, as a sentence."""


def replay(log: SignalLog, asked_at: datetime, by: str) -> Verdict:
    """`asked_at`: when the page was made on which it was asked for. Asked twice on one page, it is one signal."""
    if not settings.DRY_RUN:
        raise NotReplayable("Signals are replayed on paper only; this is LIVE.")
    if not log.symbol or not log.message:
        raise NotReplayable("It could not be read when it came, so there is nothing to say again.")
    now = timezone.now()
    said = replace(signal_of(log), bar_time=_its_moment(asked_at, log.pk), sent_at=now)
    arrival = Arrival(
        raw=json.dumps(_told(log, said.bar_time, now, by)),
        source=SOURCE,
        received_at=now,
        rule=SenderRule(SOURCE, max_age=settings.MAX_SIGNAL_AGE),
    )
    return receive_read(
        arrival, said, load()
    )  # what was changed a moment ago counts for whoever tries it out


def _its_moment(asked_at: datetime, log_id: int) -> datetime:
    """Of two signals with the same words on one page, each has its own."""
    return asked_at.replace(microsecond=log_id % 1_000_000)


def _told(log: SignalLog, bar_time: datetime, now: datetime, by: str) -> dict[str, object]:
    return {
        "symbol": log.symbol,
        "message": log.message,
        "bar_time": bar_time.isoformat(),
        "sent_at": now.isoformat(),
        "replay_of": log.pk,
        "asked_by": by,
        **log.details,
    }
