"""Cells of a CSV that a spreadsheet reads as what they are. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

Cell = str | Decimal | int | datetime | timedelta | None
# a spreadsheet takes text that begins so for a formula, and would run what a stranger wrote
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def text_of(cell: Cell) -> str:
    """Numbers stay numbers, times are ISO 8601 in UTC, text never becomes a formula."""
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat()
    if isinstance(cell, timedelta):
        return f"{cell.total_seconds():.0f}"
    return neutral(cell) if isinstance(cell, str) else str(cell)


def neutral(text: str) -> str:
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def as_written(text: str) -> str:
    """Of what `neutral` made of it."""
    return text[1:] if text[:1] == "'" and neutral(text[1:]) != text[1:] else text


def csv_of(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([text_of(cell) for cell in row] for row in rows)
    return out.getvalue()
