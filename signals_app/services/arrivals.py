"""What comes in at every door, and what goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from signals_app.models import EntryStatus, SignalStatus
from signals_app.reasons import ReasonCode
from signals_app.sender_rules import SenderRule


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came in."""

    raw: bytes | str
    source: str
    received_at: datetime
    rule: SenderRule


@dataclass(frozen=True, slots=True)
class EntryVerdict:
    strategy_id: int
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
