"""What became of one record of the settings, newest first: when, who, and each value before and after. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q

from ops.models import Change, TrailEntry
from ops.trail.authors import person_in, program_in
from ops.trail.tables import RECORDED

LONGEST = 1000  # entries; older ones are told by `manage.py verify_trail` and psql
NOT_SHOWN = ("id", "updated_at", "created_at")
TABLES = frozenset(one.table for one in RECORDED)
Keys = Mapping[str, Collection[str]]  # table -> the rows whose story this is


@dataclass(frozen=True, slots=True)
class Difference:
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    who: str
    what: str
    differences: tuple[Difference, ...] = ()


def is_recorded(model: type[Model]) -> bool:
    return model._meta.db_table in TABLES


def history_of(record: Model, keys: Keys) -> list[Event]:
    own = record._meta.db_table
    told = [*_from_trail(keys, own), *_from_admin(record)]
    return sorted(told, key=lambda event: event.at, reverse=True)


def _from_trail(keys: Keys, own: str) -> Iterator[Event]:
    wanted = Q(pk__in=[])
    for table, rows in keys.items():
        wanted |= Q(subject_table=table, subject_key__in=rows)
    newest = TrailEntry.objects.filter(wanted).order_by("-pk")[:LONGEST]
    states: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in reversed(list(newest)):
        state = states.setdefault((entry.subject_table, entry.subject_key), {})
        before, after = _flat(state), _flat(state | entry.content)
        state.update(entry.content)
        named = (
            "" if entry.subject_table == own else f"{PARTS.get(entry.subject_table, entry.subject_table)} "
        )
        changes = _differences(entry, before, after)
        yield Event(entry.written_at, _who(entry.written_by), f"{named}{WORDS[entry.change]}", changes)


PARTS = {"signals_app_strategyaccount": "account it trades on", "signals_app_strategysignal": "phrase"}
WORDS: Mapping[str, str] = {
    Change.FOUND: "was there when the trail began",
    Change.INSERT: "made",
    Change.UPDATE: "changed",
    Change.DELETE: "deleted",
}


def _differences(entry: TrailEntry, before: dict[str, str], after: dict[str, str]) -> tuple[Difference, ...]:
    """A whole row is told where it is no record of its own; else its beginning is its page."""
    if entry.change in (Change.FOUND, Change.DELETE):
        return ()
    return tuple(
        Difference(name, before.get(name, ""), after.get(name, ""))
        for name in sorted(after.keys() | before.keys())
        if before.get(name, "") != after.get(name, "") and name not in NOT_SHOWN
    )


def _flat(content: Any, name: str = "") -> dict[str, str]:
    """A value inside JSON is a value of its own: `protection stop_loss percent`."""
    if isinstance(content, dict):
        parts = [_flat(value, f"{name} {key}".strip()) for key, value in content.items()]
    elif isinstance(content, list):
        parts = [_flat(value, f"{name} {number}") for number, value in enumerate(content, 1)]
    else:
        return {name: "" if content is None else str(content)}
    return {key: value for part in parts for key, value in part.items()}


def _who(written_by: str) -> str:
    return person_in(written_by) or program_in(written_by) or "the bot"


def _from_admin(record: Model) -> Iterator[Event]:
    """What the pages themselves noted: an import, a clone, a token made anew."""
    kind = ContentType.objects.get_for_model(type(record))
    noted = LogEntry.objects.filter(content_type=kind, object_id=str(record.pk)).select_related("user")
    for entry in noted.order_by("-pk")[:LONGEST]:
        if not entry.change_message.startswith("["):  # Django's own lists of fields say less than the trail
            yield Event(entry.action_time, entry.user.get_username(), entry.change_message)
