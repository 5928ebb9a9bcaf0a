"""What comes in at every door, what it was read as, and what goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from signals_app.models import EntryStatus, SignalStatus
from signals_app.parsing import Signal
from signals_app.reasons import ReasonCode
from signals_app.routing import Ignored, Route, Routed, Unrouted
from signals_app.sender_rules import SenderRule


def _age(signal: Signal, received_at: datetime) -> timedelta:
    return timezone.now() - min(signal.sent_at or received_at, received_at)


def too_late(signal: Signal, received_at: datetime, rule: SenderRule) -> str:
    """Why nothing is opened any more by a signal that waited here; what it closes is closed all the same."""
    age = _age(signal, received_at)
    if age <= rule.max_age:
        return ""
    return f"waited here until it was {age.total_seconds():.0f} s old, the limit is {rule.max_age.total_seconds():.0f}"


@dataclass(frozen=True, slots=True)
class Waited:
    """late: why nothing is opened by the signal any more."""

    age: timedelta
    late: str = ""


def waited(signal: Signal, received_at: datetime, rule: SenderRule) -> Waited:
    return Waited(_age(signal, received_at), too_late(signal, received_at, rule))


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came in. delivery: the number its carrier gave it; a redelivered one may be recorded already."""

    raw: bytes | str
    source: str
    received_at: datetime
    rule: SenderRule
    delivery: str = ""
    is_redelivered: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """An arrival, read and routed; nothing is written yet. Without signal it could not be read, and is ignored."""

    arrival: Arrival
    signal: Signal | None
    routed: Routed
    uid: str | None

    @classmethod
    def of(cls, arrival: Arrival, signal: Signal, routed: Routed) -> Reading:
        return cls(arrival, signal, routed, signal.uid)

    @classmethod
    def unreadable(cls, arrival: Arrival, reason: str, code: ReasonCode) -> Reading:
        return cls(arrival, None, Ignored(reason, code), None)

    @property
    def signal_id(self) -> str | None:
        return self.signal.signal_id if self.signal else None

    @property
    def concerned(self) -> list[Route | Unrouted]:
        return [] if isinstance(self.routed, Ignored) else self.routed


@dataclass(frozen=True, slots=True)
class EntryVerdict:
    strategy_id: int
    account_id: int | None
    status: EntryStatus
    note: str = ""
    position_id: int | None = None
    reason_code: ReasonCode | None = None  # of what was skipped or failed


@dataclass(frozen=True, slots=True)
class Verdict:
    status: SignalStatus
    reason: str = ""
    uid: str | None = None
    log_id: int | None = None
    signal_id: str | None = None
    entries: tuple[EntryVerdict, ...] = ()
    reason_code: ReasonCode | None = None
