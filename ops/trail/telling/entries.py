"""What the tellers of all tables share: entries, sentences, and how values are written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from positions.formats import quantity, words

Row = Mapping[str, Any]
FIRST = ("insert", "found")
TIMES = ("_at", "_since", "_until", "_time")


@dataclass(frozen=True, slots=True)
class Told:
    """One entry of the trail; numbers of its content are Decimal or int."""

    at: datetime
    table: str
    key: str
    change: str
    content: Row
    written_by: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """Of what the rows only number."""

    accounts: Mapping[int, str] = field(default_factory=dict)
    strategies: Mapping[int, str] = field(default_factory=dict)
    symbols: Mapping[int, str] = field(default_factory=dict)
    orders: Mapping[str, str] = field(default_factory=dict)
    plans: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sentence:
    at: datetime
    text: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What one entry did to its row."""

    told: Told
    row: Row
    names: Names

    @property
    def new(self) -> Row:
        return self.told.content

    @property
    def is_first(self) -> bool:
        return self.told.change in FIRST

    def sentence(self, text: str, *details: str, at: datetime | None = None) -> Sentence:
        return Sentence(at or self.told.at, text, details)

    def rest(self, *said: str) -> str:
        """The columns that no sentence has said, so that nothing that changed is left out."""
        return ", ".join(
            f"{words(name)} {shown(value, name)}" for name, value in self.new.items() if name not in said
        )


def printable(text: str) -> str:
    """No control character of a sender reaches a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(value: Any, name: str = "") -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal | int):
        return quantity(Decimal(value))
    if isinstance(value, str) and name.endswith(TIMES):
        return clock(value)
    return printable(value if isinstance(value, str) else json.dumps(value, default=str))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def clock(text: str) -> str:
    return f"{utc(moment(text))} UTC"


def utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def anything(step: Step) -> Iterator[Sentence]:
    is_new = ": " if step.is_first else " changed: "
    yield step.sentence(f"{step.told.table} {step.told.key}{is_new}{step.rest()}")
