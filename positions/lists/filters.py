"""What a list is narrowed to: fields of its form, kept in its address. Reads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

EARLIEST = date(2000, 1, 1)
LONGEST = 60
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Filter:
    """One field of the form; with options a choice, as a date a day in UTC, else text."""

    name: str
    label: str
    options: Sequence[tuple[str, str]] | None = None
    is_date: bool = False
    default: str = ""

    @property
    def kind(self) -> str:
        return "date" if self.is_date else "text" if self.options is None else "choice"


@dataclass(frozen=True, slots=True)
class Asked:
    """refusals: what the address says and nobody understands; it narrows nothing."""

    filters: Sequence[Filter]
    values: Mapping[str, str]
    refusals: Sequence[str] = field(default_factory=list)

    def value(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def fields(self) -> list[tuple[Filter, str]]:
        return [(one, self.value(one.name)) for one in self.filters]

    @property
    def is_narrowed(self) -> bool:
        return any(self.value(one.name) != one.default for one in self.filters)

    @property
    def since(self) -> datetime | None:
        return start_of(self.value("since"))

    @property
    def until(self) -> datetime | None:
        """The end of the last day."""
        start = start_of(self.value("until"))
        return start + A_DAY if start else None

    def during(self, column: str) -> dict[str, datetime]:
        spans = {f"{column}__gte": self.since, f"{column}__lt": self.until}
        return {name: at for name, at in spans.items() if at is not None}

    def address(self, **besides: str) -> str:
        """The query part of an address: a field that was emptied against its default stays in it."""
        kept = {one.name: self.value(one.name) for one in self.filters if self.value(one.name) != one.default}
        found = kept | {name: value for name, value in besides.items() if value}
        return f"?{urlencode(found)}" if found else "?"


def start_of(day: str) -> datetime | None:
    found = date.fromisoformat(day) if day else None
    return datetime(found.year, found.month, found.day, tzinfo=UTC) if found else None


def read(filters: Sequence[Filter], given: Mapping[str, str]) -> Asked:
    values, refusals = {}, []
    for one in filters:
        value = given.get(one.name, one.default).strip().replace("\x00", "")[:LONGEST]
        refusal = _refusal(one, value)
        values[one.name] = one.default if refusal else value
        refusals += [refusal] if refusal else []
    return Asked(filters, values, refusals)


def _refusal(one: Filter, value: str) -> str:
    if not value:
        return ""
    if one.is_date:
        return "" if _is_day(value) else f"{one.label}: {value!r} is no day, write 2026-01-31."
    if one.options is not None and value not in dict(one.options):
        return f"{one.label}: there is no {value!r}; all are shown."
    return ""


def _is_day(text: str) -> bool:
    try:
        return EARLIEST <= date.fromisoformat(text) < date(9999, 12, 31)
    except ValueError:
        return False
