"""How numbers, times and ages are written on screens. Unknown is a dash, never zero."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

UNKNOWN = "—"
MINUS = "\N{MINUS SIGN}"
MONEY_DECIMALS = 2
_money_decimals: ContextVar[int] = ContextVar("money_decimals", default=MONEY_DECIMALS)


def price(value: Decimal | None, increment: Decimal) -> str:
    """With the instrument's decimals, whatever the magnitude."""
    return UNKNOWN if value is None else _written(value, decimals(increment))


def quantity(value: Decimal | None) -> str:
    return UNKNOWN if value is None else _written(value, decimals(value))


@contextmanager
def money_with(decimals: int) -> Iterator[None]:
    """As the person wants it whose page is written meanwhile."""
    before = _money_decimals.set(decimals)
    try:
        yield
    finally:
        _money_decimals.reset(before)


def amount(value: Decimal | None) -> str:
    """Money that is a state, not a change: no plus sign."""
    return UNKNOWN if value is None else _written(value, _money_decimals.get())


def change(value: Decimal | None) -> str:
    return UNKNOWN if value is None else _signed(value, _money_decimals.get())


def percent_change(value: Decimal | None) -> str:
    return UNKNOWN if value is None else f"{_signed(value, 2)}%"


def percent(value: Decimal | None) -> str:
    return UNKNOWN if value is None else f"{_written(value, 2)}%"


def tone(value: Decimal | None) -> str:
    """`up`, `down`, or nothing when what is shown is zero or unknown."""
    rounded = _rounded(value, _money_decimals.get()) if value is not None else Decimal(0)
    return "up" if rounded > 0 else "down" if rounded < 0 else ""


def arrow(value: Decimal | None) -> str:
    return {"up": "▲", "down": "▼"}.get(tone(value), "")


def age(elapsed: timedelta) -> str:
    minutes, seconds = divmod(max(int(elapsed.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}h"
    return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {seconds:02}s"


def clock(at: datetime, now: datetime) -> str:
    return at.strftime("%H:%M:%S" if at.date() == now.date() else "%m-%d %H:%M")


def moment(at: datetime | None, unknown: str = UNKNOWN) -> str:
    """In a sentence. Whole and with its zone, so that a page can show it in the zone of whoever reads it."""
    return unknown if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def words(value: str) -> str:
    return value.replace("_", " ")


def decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)


def _written(value: Decimal, decimals: int) -> str:
    rounded = _rounded(value, decimals)
    return f"{MINUS if rounded < 0 else ''}{abs(rounded):,.{decimals}f}"


def _signed(value: Decimal, decimals: int) -> str:
    plus = "+" if _rounded(value, decimals) > 0 else ""
    return plus + _written(value, decimals)
