"""What an arbitrage trade does next, by what its two positions have become. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from positions.arbitrage import Cause
from positions.lifecycle import PositionStatus
from positions.pair_lifecycle import TradeEvent, TradeStatus

# an answer that is not there by now is looked up again and again; until then the other leg stands alone
PATIENCE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class LegState:
    """`held`: base units. `was_held`: it ever held anything. `note`: why its entry, or the position, ended."""

    name: str
    status: PositionStatus
    held: Decimal
    was_held: bool
    entry_is_done: bool
    is_unwanted: bool
    note: str = ""

    @property
    def is_lost(self) -> bool:
        return self.is_unwanted or self.status in (PositionStatus.CLOSING, PositionStatus.CLOSED)

    @property
    def is_filled(self) -> bool:
        return self.entry_is_done and self.status is PositionStatus.OPEN


@dataclass(frozen=True, slots=True)
class Step:
    event: TradeEvent
    cause: Cause | None = None
    reason: str = ""


Legs = tuple[LegState, LegState]


def next_step(status: TradeStatus, legs: Legs, waited: timedelta) -> Step | None:
    match status:
        case TradeStatus.OPENING:
            return _while_opening(legs, waited)
        case TradeStatus.OPEN:
            return _while_open(legs)
        case TradeStatus.CLOSING | TradeStatus.UNWINDING:
            return _while_ending(status, legs)
        case _:
            return None


def _while_opening(legs: Legs, waited: timedelta) -> Step | None:
    for leg in legs:
        if leg.is_lost:
            cause = Cause.LEG_LOST if leg.was_held else Cause.LEG_REFUSED
            return Step(TradeEvent.LEG_FAILED, cause, f"{leg.name}: {leg.note}")
    unsure = [leg.name for leg in legs if not leg.is_filled]
    if not unsure:
        return Step(TradeEvent.BOTH_FILLED) if _are_even(legs) else _uneven(TradeEvent.LEG_FAILED, legs)
    if waited < PATIENCE:
        return None
    text = f"the entry on {' and '.join(unsure)} is not known after {waited.total_seconds():.0f} s"
    return Step(TradeEvent.LEG_FAILED, Cause.LEG_UNKNOWN, text)


def _while_open(legs: Legs) -> Step | None:
    for leg in legs:
        if leg.is_lost:
            return Step(TradeEvent.CLOSE_WANTED, Cause.LEG_LOST, f"{leg.name}: {leg.note}")
    return None if _are_even(legs) else _uneven(TradeEvent.CLOSE_WANTED, legs)


def _while_ending(status: TradeStatus, legs: Legs) -> Step | None:
    if any(leg.status is not PositionStatus.CLOSED for leg in legs):
        return None
    is_pair = status is TradeStatus.CLOSING or all(leg.was_held for leg in legs)
    return Step(TradeEvent.FLAT if is_pair else TradeEvent.NEVER_PAIRED)


def _are_even(legs: Legs) -> bool:
    return legs[0].held == legs[1].held


def _uneven(event: TradeEvent, legs: Legs) -> Step:
    held = " and ".join(f"{leg.held.normalize():f} on {leg.name}" for leg in legs)
    return Step(event, Cause.UNEVEN, f"the legs are not alike: {held}")
