"""Who is told of what, when, how often, and until when it is tried. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Kind(StrEnum):
    POSITION_OPENED = "position_opened"
    POSITION_CLOSED = "position_closed"
    SWITCHED = "switched"  # halted, reduced, resumed
    RISK_EVENT = "risk_event"
    SYSTEM_ERROR = "system_error"
    TEST = "test"


class Severity(StrEnum):
    """From the least."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class Delivery(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given_up"


CHOOSABLE = tuple(kind for kind in Kind if kind is not Kind.TEST)
SAID_AGAIN_AFTER = timedelta(minutes=10)
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=10)
MOST_ATTEMPTS = 12
GIVEN_UP_AFTER = timedelta(hours=24)
DEAD_AFTER_FAILURES = 5


@dataclass(frozen=True, slots=True)
class QuietHours:
    begin: time
    end: time
    zone: str


def severity_of(level: str) -> Severity:
    """Of a risk event, as its writer called it; what nobody knows is not hidden."""
    return (
        Severity(level)
        if level in list(Severity)
        else Severity.MEDIUM
        if level == "warning"
        else Severity.HIGH
    )


def wants(kinds: Collection[str], least: Severity, kind: Kind, severity: Severity) -> bool:
    """Who ticks a position's opening wants it, however unimportant it is."""
    is_chosen_by_name = kind in kinds and kind in (Kind.POSITION_OPENED, Kind.POSITION_CLOSED)
    return is_chosen_by_name or ((not kinds or kind in kinds) and severity.rank >= least.rank)


def quiet_until(hours: QuietHours | None, severity: Severity, now: datetime) -> datetime | None:
    """None: it may be sent now. Quiet hours may go over midnight, and their end is by the clock on the wall."""
    if hours is None or severity is Severity.CRITICAL or hours.begin == hours.end:
        return None
    here = now.astimezone(ZoneInfo(hours.zone))
    clock = time(here.hour, here.minute, here.second)
    over_midnight = hours.begin > hours.end
    is_quiet = (
        (clock >= hours.begin or clock < hours.end) if over_midnight else hours.begin <= clock < hours.end
    )
    if not is_quiet:
        return None
    day = here.date() + timedelta(days=1) if clock >= hours.end else here.date()
    return datetime.combine(day, hours.end, tzinfo=ZoneInfo(hours.zone)).astimezone(now.tzinfo)


def pause_after(failures: int) -> timedelta:
    doublings = min(max(failures - 1, 0), 20)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def is_given_up(attempts: int, created_at: datetime, now: datetime) -> bool:
    return attempts >= MOST_ATTEMPTS or now - created_at >= GIVEN_UP_AFTER


def same_as(kind: Kind, subject: str, title: str) -> str:
    """Numbers do not make another message, who it is about does."""
    alike = re.sub(r"[0-9]+", "#", title)
    return hashlib.sha256(f"{kind}\n{subject}\n{alike}".encode()).hexdigest()
