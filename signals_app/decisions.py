"""What one strategy does with one signal, given what it holds: the decision table. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from exchanges.types import PositionSide
from signals_app.reasons import ReasonCode
from signals_app.routing import OppositeSignal
from trailing.ladder import NextLevel


class Action(StrEnum):
    OPEN = "open"
    CLOSE_AND_OPEN = "close_and_open"
    CLOSE = "close"
    PROTECT = "protect"  # the stop goes to the entry
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Held:
    """The strategy's own open position on the other leg. `price` is the one its plan judges by, None where unknown;
    `entry_price` is None until something was bought."""

    side: PositionSide
    entry_price: Decimal | None
    price: Decimal | None
    next_level: NextLevel = NextLevel.NONE


@dataclass(frozen=True, slots=True)
class Decision:
    action: Action
    code: ReasonCode | None = None
    reason: str = ""


OPEN = Decision(Action.OPEN)
CLOSE_AND_OPEN = Decision(Action.CLOSE_AND_OPEN)
CLOSE = Decision(Action.CLOSE)
PROTECT = Decision(Action.PROTECT)


def decide(policy: OppositeSignal, *, holds_same: bool, opposite: Held | None) -> Decision:
    """Of a signal to open, from a strategy that may. `holds_same`: it has a position on the signal's own leg."""
    if holds_same:
        return _skip(ReasonCode.ALREADY_OPEN, "already open")
    if opposite is None or policy is OppositeSignal.HEDGE:
        return OPEN
    match policy:
        case OppositeSignal.CLOSE:
            return CLOSE_AND_OPEN
        case OppositeSignal.PROTECT:
            return _protected(opposite)
        case OppositeSignal.PROTECT_REVERSE:
            return _protected_or_reversed(opposite)
        case _:
            return _skip(ReasonCode.OPPOSITE_OPEN, "an opposite position is open")


def _protected_or_reversed(opposite: Held) -> Decision:
    match opposite.next_level:
        case NextLevel.SIGNAL:
            return CLOSE_AND_OPEN
        case NextLevel.PRICE:
            return _protected(opposite)
        case _:
            return _skip(ReasonCode.NO_LEVEL_LEFT, "an opposite position is open and has no take-profit left")


def _protected(opposite: Held) -> Decision:
    """A stop at the entry would fire at once where the price is not better than it: then it is left."""
    if opposite.entry_price is None:
        return _skip(ReasonCode.ENTRY_PENDING, "an opposite position is just being opened")
    if opposite.price is None:
        return _skip(ReasonCode.NO_PRICE, "an opposite position is open and its price is not known")
    profit = (opposite.price - opposite.entry_price) * opposite.side.sign
    return PROTECT if profit > 0 else CLOSE


def _skip(code: ReasonCode, reason: str) -> Decision:
    return Decision(Action.SKIP, code, reason)
