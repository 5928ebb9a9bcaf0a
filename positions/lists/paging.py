"""One page of a long list, newest first, found by an index: nothing is counted and nothing skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from positions.lists.cursors import Cursor, read_cursor

SIZE = 50
NEWER_SHOWN = 99


@dataclass(frozen=True, slots=True)
class Place:
    """What the address says of where to begin; without both, at the newest row."""

    older_than: Cursor | None = None
    newer_than: Cursor | None = None

    @classmethod
    def read(cls, older_than: str, newer_than: str) -> Place:
        older = read_cursor(older_than)
        return cls(older, None if older else read_cursor(newer_than))


@dataclass(frozen=True, slots=True)
class Page:
    """older and newer: where the pages beside it begin, empty where there is none; top: its newest row."""

    rows: Sequence[Any]
    older: str = ""
    newer: str = ""
    top: str = ""


def page_of(rows: QuerySet[Any], column: str, place: Place, size: int = SIZE) -> Page:
    """`column` is the time of a row; rows of one time are told apart by their keys."""
    if place.newer_than:
        found = list(_newer(rows, column, place.newer_than)[: size + 1])
        listed, has_newer, has_older = found[:size][::-1], len(found) > size, True
    else:
        found = list(_older(rows, column, place.older_than)[: size + 1])
        listed, has_newer, has_older = found[:size], place.older_than is not None, len(found) > size
    if not listed:
        return Page([])
    top, bottom = _cursor(listed[0], column), _cursor(listed[-1], column)
    return Page(listed, bottom if has_older else "", top if has_newer else "", top)


def count_newer(rows: QuerySet[Any], column: str, than: Cursor) -> int:
    """As many as are shown, and one more."""
    return len(_newer(rows, column, than).values_list("pk", flat=True)[: NEWER_SHOWN + 1])


def _older(rows: QuerySet[Any], column: str, than: Cursor | None) -> QuerySet[Any]:
    if than is not None:
        before = Q((f"{column}__lt", than.at)) | Q(pk__lt=than.key)
        rows = rows.filter(Q((f"{column}__lte", than.at)), before)
    return rows.order_by(f"-{column}", "-pk")


def _newer(rows: QuerySet[Any], column: str, than: Cursor) -> QuerySet[Any]:
    after = Q((f"{column}__gt", than.at)) | Q(pk__gt=than.key)
    return rows.filter(Q((f"{column}__gte", than.at)), after).order_by(column, "pk")


def _cursor(row: Any, column: str) -> str:
    at: datetime = getattr(row, column)
    return str(Cursor(at, row.pk))
