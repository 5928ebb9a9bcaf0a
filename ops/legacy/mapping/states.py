"""Which trailing state of the first bot is a live position's own. Pure.

The first bot kept one for each contract, and forgot to remove it: a contract that was opened again has the old one, and
whoever linked states to positions may have linked that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from ops.legacy.mapping.reading import Row, moment, price, text

NO_STATE: Row = {}
SAME_ENTRY_PERCENT = Decimal("0.1")
_WRITTEN = ("last_update_time", "last_peak_save_time", "last_sl_update_time", "activated_at")
_OPENED = ("opened_at", "created_at")


def state_of(position: Row, of_leg: Sequence[Row]) -> tuple[Row, str]:
    """The one that names it first. Else none, and why one that seemed to be its own is not."""
    named = [one for one in of_leg if text(one, "position_id") == text(position, "id")]
    refusals = list[str]()
    for state in (*named, *(one for one in of_leg if one not in named)):
        if not (why_not := why_not_of(state, position)):
            return state, ""
        refusals.append(f"trailing state {text(state, 'id')} is left out: {why_not}".replace("  ", " "))
    return NO_STATE, "; ".join(refusals)


def why_not_of(state: Row, position: Row) -> str:
    """Empty: it was entered at the same price, and written since."""
    entered, paid = price(state, "entry_price"), price(position, "entry_price")
    if entered and paid and abs(entered - paid) > paid * SAME_ENTRY_PERCENT / 100:
        return f"it was entered at {_plain(entered)}, the position at {_plain(paid)}"
    written, opened = (
        max(_moments(state, _WRITTEN), default=None),
        min(_moments(position, _OPENED), default=None),
    )
    if written and opened and written < opened:
        return f"it was last written at {written:%Y-%m-%d %H:%M:%S}, before the position was opened"
    return ""


def _moments(row: Row, names: Sequence[str]) -> list[datetime]:
    found = (moment(row, name) for name in names)
    return [at for at in found if at is not None]


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
