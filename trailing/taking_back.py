"""What looking after a position again would do to it at once. Reads only."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from positions.models import Position
from trailing.engine import Close, ExitReason, Hold
from trailing.plan import PlanRefused
from trailing.protection import advance, start, stop_when_armed
from trailing.rows import entry_of, plan_of, row_of, seen_by, state_of


def level_of(position: Position) -> Decimal | None:
    """Where its plan has its stop, whatever stands on the exchange."""
    row = row_of(position)
    return None if row is None else row.stop_price


def why_it_would_leave(position: Position, price: Decimal | None, at: datetime) -> str:
    """Empty: looking after it again does not close it at this price, the one its plan judges by."""
    if price is None:
        return "no price is known to judge its level by"
    try:
        verdict = _verdict(position, price, at)
    except PlanRefused:
        return "its plan cannot be read"
    return "it has no level to put a stop at" if verdict is None else _in_words(verdict, price)


def _verdict(position: Position, price: Decimal, at: datetime) -> Hold | Close | None:
    """Bought at another average than its level was made for, it is armed anew first."""
    row, average = row_of(position), position.average_entry_price
    if row is None or average is None:
        return None
    entry, plan, state = replace(entry_of(row), price=average), plan_of(position), state_of(row)
    if row.entry_price != average:
        armed = stop_when_armed(entry, state, start(entry, plan).stop_price)
        state = replace(state, stop_price=armed)
    return advance(entry, plan, state, seen_by(row, price, at))


def _in_words(verdict: Hold | Close, price: Decimal) -> str:
    if isinstance(verdict, Hold):
        return ""
    if verdict.reason is ExitReason.AGE:
        return f"at {price:f} its age limit closes it"
    level = verdict.state.stop_price or price
    return f"the price ({price:f}) is beyond its level {level.normalize():f}"
