"""Values out of a legacy row, in which any column may be missing, and any text in any case. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
KEY = "legacy_key"  # what names the row in its table
# what an older bot stored for a price it did not know
UNSET_PRICE = Decimal(999999)
LARGEST = Decimal(10) ** 12  # of numeric(20, 8)


class Rejection(Exception):
    """The row cannot be one of ours; the text says why. `outcome` as in LegacyOutcome."""

    outcome = "rejected"


class NothingToCarry(Rejection):
    outcome = "skipped"


class NotYet(Rejection):
    """The next import tries again."""

    outcome = "waiting"


def text(row: Row, *names: str) -> str:
    """Of the first of these columns that says something."""
    for name in names:
        if (value := row.get(name)) is not None and (said := str(value).strip()):
            return said
    return ""


def needed(row: Row, *names: str) -> str:
    if said := text(row, *names):
        return said
    raise Rejection(f"it has no {names[0]}")


def number(row: Row, *names: str) -> Decimal | None:
    """The first that is a finite number and fits our columns."""
    for name in names:
        value = row.get(name)
        if value is None or isinstance(value, bool):
            continue
        found = _decimal(value)
        if found is not None and found.is_finite() and abs(found) < LARGEST:
            return round(found, 8)
    return None


def positive(row: Row, *names: str) -> Decimal | None:
    found = [number(row, name) for name in names]
    return next((one for one in found if one is not None and one > 0), None)


def price(row: Row, *names: str) -> Decimal | None:
    found = [positive(row, name) for name in names]
    return next((one for one in found if one is not None and one != UNSET_PRICE), None)


def moment(row: Row, *names: str) -> datetime | None:
    """A time without a zone is UTC."""
    for name in names:
        if isinstance(value := row.get(name), datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
    return None


def truth(row: Row, name: str) -> bool:
    return str(row.get(name)).strip().lower() in ("true", "t", "1", "yes")


def plain(value: Any) -> Any:
    """As JSON says it."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _decimal(value: object) -> Decimal | None:
    try:
        return Decimal(str(value).strip())
    except ArithmeticError:
        return None
