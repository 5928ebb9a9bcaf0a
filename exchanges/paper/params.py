"""Request parameters: bad ones get a number, never a crash."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from exchanges.paper.book import VenueRefusal

Params = Mapping[str, str]
Row = TypeVar("Row")
NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
WHOLE = re.compile(r"[0-9]{1,19}")
MAX_ROWS = 1000


def required(params: Params, name: str) -> str:
    value = params.get(name, "")
    if not value:
        raise VenueRefusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    return value


def number(params: Params, name: str) -> Decimal:
    value = optional_number(params, name)
    return Decimal(required(params, name)) if value is None else value


def optional_number(params: Params, name: str) -> Decimal | None:
    text = params.get(name)
    if not text:
        return None
    if not NUMBER.fullmatch(text):
        raise _illegal(name)
    return Decimal(text)


def whole(params: Params, name: str) -> int:
    value = optional_whole(params, name)
    return int(required(params, name)) if value is None else value


def optional_whole(params: Params, name: str) -> int | None:
    text = params.get(name)
    if not text:
        return None
    if not WHOLE.fullmatch(text):
        raise _illegal(name)
    return int(text)


def flag(params: Params, name: str) -> bool:
    value = params.get(name, "false").lower()
    if value not in ("true", "false"):
        raise _invalid(name)
    return value == "true"


def one_of(params: Params, name: str, allowed: Sequence[str]) -> str:
    value = required(params, name)
    if value not in allowed:
        raise _invalid(name)
    return value


def page(rows: list[Row], params: Params, usual: int = 500, most: int = MAX_ROWS) -> list[Row]:
    """`limit` rows: the first ones when a start was asked for, else the newest."""
    limit = min(optional_whole(params, "limit") or usual, most)
    from_start = any(params.get(name) for name in ("startTime", "fromId", "orderId", "algoId"))
    return rows[:limit] if from_start else rows[-limit:]


def window(params: Params) -> Callable[[int], bool]:
    """Tells whether a moment lies between startTime and endTime."""
    start, end = optional_whole(params, "startTime"), optional_whole(params, "endTime")
    return lambda at_ms: (start is None or at_ms >= start) and (end is None or at_ms <= end)


def _illegal(name: str) -> VenueRefusal:
    return VenueRefusal(-1100, f"Illegal characters found in parameter '{name}'.")


def _invalid(name: str) -> VenueRefusal:
    return VenueRefusal(-1130, f"Data sent for parameter '{name}' is not valid.")
