"""Waves: the signals of one quarter-hour candle. Which is expected now, and when is it looked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

QUARTER = timedelta(minutes=15)
STALE_AFTER = timedelta(hours=2)


class WaveStatus(StrEnum):
    PROCESSING = "processing"  # claimed; its signals are looked for
    EXECUTING = "executing"  # its signals are rows and are handed on one by one
    COMPLETED = "completed"
    NOT_FOUND = "not_found"

    @property
    def is_over(self) -> bool:
        return not MOVES[self]


MOVES: Mapping[WaveStatus, frozenset[WaveStatus]] = {
    WaveStatus.PROCESSING: frozenset({WaveStatus.EXECUTING, WaveStatus.NOT_FOUND}),
    WaveStatus.EXECUTING: frozenset({WaveStatus.COMPLETED}),
    WaveStatus.COMPLETED: frozenset(),
    WaveStatus.NOT_FOUND: frozenset(),
}


class Outcome(StrEnum):
    """What became of a wave's candidate."""

    WAITING = ""
    OPENED = "opened"
    REFUSED = "refused"
    NO_FUNDS = "no_funds"
    LEFT = "left"  # the wave was over before its turn


def moved(status: WaveStatus, to: WaveStatus) -> WaveStatus:
    if to not in MOVES[status]:
        raise ValueError(f"a wave that is {status} cannot become {to}")
    return to


@dataclass(frozen=True, slots=True)
class Check:
    """Look for this wave until then."""

    wave_time: datetime
    until: datetime


def expected_wave(now: datetime) -> datetime:
    """Open time of the candle whose signals come now: minutes 0-15 expect :45 of the hour before, 16-30 :00,
    31-45 :15, 46-59 :30."""
    now = now.astimezone(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    return hour + QUARTER * (max(now.minute - 1, 0) // 15 - 1)


def due_check(now: datetime, minutes: Sequence[int], duration: timedelta) -> Check | None:
    """The newest check that has begun and is not over. A start in the midst of it still looks."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = (hour, hour - timedelta(hours=1))
    begun = [start for h in hours for m in minutes if (start := h + timedelta(minutes=m)) <= now]
    latest = max(begun, default=None)
    if latest is None or now >= latest + duration:
        return None
    return Check(expected_wave(latest), latest + duration)


def candle_of(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def is_stale(wave_time: datetime, now: datetime) -> bool:
    return now - wave_time > STALE_AFTER
