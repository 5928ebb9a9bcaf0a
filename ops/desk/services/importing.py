"""Reads a file of rows and says what it would change; or changes it, all rows or none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User

from positions.reports.cells import as_written, neutral

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
MEANINGS = {"new": "new", "update": "changed", "skip": "as it is", "error": "not good", "invalid": "not good"}


@dataclass(frozen=True, slots=True)
class Line:
    """`changes`: column, what it was, what it becomes."""

    number: int
    key: str
    meaning: str
    changes: tuple[tuple[str, str, str], ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    lines: tuple[Line, ...]
    faults: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        return bool(self.lines) and not self.faults and not any(line.faults for line in self.lines)

    @property
    def sentence(self) -> str:
        counts = {
            word: sum(line.meaning == word for line in self.lines)
            for word in dict.fromkeys(MEANINGS.values())
        }
        return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "no rows"


def columns(resource: Any) -> list[str]:
    return [field.column_name for field in resource.get_import_fields()]


def looked_at(resource: Any, text: str, kind: str) -> Seen:
    """Everything an import does, taken back at its end."""
    return _run(resource, text, kind, dry_run=True)


def imported(resource: Any, text: str, kind: str, *, by: User) -> Seen:
    return _run(resource, text, kind, dry_run=False, by=by)


def written(rows: Any, kind: str) -> str:
    """For spreadsheets no cell is a formula; a number below zero stays one. Reading it takes the apostrophe back."""
    if kind == "csv":
        rows = type(rows)(*(tuple(map(_harmless, row)) for row in rows), headers=rows.headers)
    return str(getattr(rows, kind))


def _harmless(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    return text if NUMBER.fullmatch(text) else neutral(text)


def _run(resource: Any, text: str, kind: str, *, dry_run: bool, by: User | None = None) -> Seen:
    from tablib import Dataset
    from tablib.exceptions import TablibException

    try:
        rows = Dataset().load(text, format=kind)
    except (TablibException, ValueError, KeyError, TypeError, AttributeError) as error:
        return Seen((), (f"The file cannot be read as {kind.upper()}: {error}",))
    missing = [name for name in resource.get_import_id_fields() if name not in (rows.headers or ())]
    if missing:
        return Seen((), (f"The file has no column {', '.join(missing)}.",))
    if kind == "csv":
        rows = Dataset(*(tuple(map(as_written, row)) for row in rows), headers=rows.headers)
    before = _as_they_are(resource)
    found = resource.import_data(
        rows, dry_run=dry_run, use_transactions=True, rollback_on_validation_errors=True
    )
    seen = Seen(
        tuple(_lines(resource, rows, found, before)), tuple(str(one.error) for one in found.base_errors)
    )
    if by is not None and seen.is_good:
        _tell(found, by)
    return seen


def _as_they_are(resource: Any) -> dict[str, dict[str, str]]:
    exported = resource.export()
    key = resource.get_import_id_fields()[0]
    return {row[key]: row for row in exported.dict}


def _lines(resource: Any, rows: Any, found: Any, before: dict[str, dict[str, str]]) -> Iterator[Line]:
    key = resource.get_import_id_fields()[0]
    invalid = {row.number: row for row in found.invalid_rows}
    for number, (given, row) in enumerate(zip(rows.dict, found.rows, strict=False), 1):
        name, faults = str(given.get(key, "")), [str(one.error) for one in row.errors]
        if number in invalid:
            faults += _sentences(invalid[number].error)
        meaning = "not good" if faults else MEANINGS.get(row.import_type, row.import_type)
        changes = () if faults else tuple(_changes(resource, row, before.get(name)))
        yield Line(number, name, meaning, changes, tuple(faults))


def _sentences(error: Any) -> list[str]:
    by_field = getattr(error, "message_dict", None) or {"": error.messages}
    return [f"{field}: {text}" if field else text for field, texts in by_field.items() for text in texts]


def _changes(resource: Any, row: Any, was: dict[str, str] | None) -> Iterator[tuple[str, str, str]]:
    for field in resource.get_import_fields() if row.instance is not None else ():
        if field.column_name not in (was or {}) and was is not None:
            continue
        becomes = str(field.export(row.instance) if row.instance.pk or not _is_many(field) else "")
        before = str((was or {}).get(field.column_name, ""))
        if not _same(before, becomes):
            yield field.column_name, before, becomes


def _same(before: str, becomes: str) -> bool:
    """JSON is the same in whatever order it was written."""
    if before != becomes and before[:1] == becomes[:1] == "{":
        return bool(json.loads(before) == json.loads(becomes))
    return before == becomes


def _is_many(field: Any) -> bool:
    return type(field.widget).__name__ == "ManyToManyWidget"


def _tell(found: Any, by: User) -> None:
    for row in found.rows:
        if row.import_type in ("new", "update") and row.instance is not None:
            flag = ADDITION if row.import_type == "new" else CHANGE
            LogEntry.objects.log_actions(
                by.pk, [row.instance], flag, "Imported from a file.", single_object=True
            )
