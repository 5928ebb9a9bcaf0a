"""One line each: what it is, how it is, in words. What is not known is never well. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

UNKNOWN = "—"


class State(StrEnum):
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


_WORST_FIRST = (State.BAD, State.UNKNOWN, State.WARN, State.GOOD)


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    state: State
    figure: str = UNKNOWN
    words: str = ""


def worst(lines: Iterable[Line]) -> State:
    """Of nothing at all: unknown."""
    states = {line.state for line in lines}
    return next((state for state in _WORST_FIRST if state in states), State.UNKNOWN)


def short_age(seconds: float) -> str:
    """Of what is seconds old when it is well; a clock that runs ahead is no age below zero."""
    seconds = max(seconds, 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def by_age(name: str, at: datetime | None, now: datetime, limit: timedelta, words: str = "") -> Line:
    """Never told: unknown, as nobody can say since when it is missing."""
    if at is None:
        return Line(name, State.UNKNOWN, UNKNOWN, words or "not heard of yet")
    age = now - at
    state = State.GOOD if age <= limit else State.BAD
    silent = "" if age <= limit else f"silent; {short_age(limit.total_seconds())} is the limit"
    return Line(name, state, short_age(age.total_seconds()), "; ".join(filter(None, (silent, words))))


def milliseconds(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"


def youngest(times: Mapping[str, datetime], names: Iterable[str]) -> datetime | None:
    return max((times[name] for name in names if name in times), default=None)
