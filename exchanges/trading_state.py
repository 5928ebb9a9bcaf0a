"""Whether an account may open, who said so, and who may say otherwise."""

from __future__ import annotations

from enum import StrEnum


class TradingState(StrEnum):
    ACTIVE = "active"
    REDUCING = "reducing"  # no new positions; whoever set it may end it
    HALTED = "halted"  # no new positions, and the owner is called


class Cause(StrEnum):
    """Who changed it."""

    PERSON = "person"
    VENUE = "venue"  # the exchange refuses us
    LIMITS = "limits"  # a limit of ours was reached
    DAY = "day"  # one that ends with the day (UTC)


class Move(StrEnum):
    CHANGE = "change"
    KEEP = "keep"  # as strict already
    REFUSE = "refuse"


class FlatOutcome(StrEnum):
    CLOSING = "closing"
    FLAT = "flat"  # the exchange's listing proves it: no position, no order
    FOREIGN_LEFT = "foreign_left"  # nothing of ours, but of somebody else
    NOT_ASKED = "not_asked"  # it cannot be: no keys, or not confirmed; our rows hold nothing
    GIVEN_UP = "given_up"  # a person let the account go on before it was flat


TS = TradingState
STRICTNESS = (TS.ACTIVE, TS.REDUCING, TS.HALTED)
# the standing one's cause -> whose word may make it looser
LOOSENED_BY: dict[Cause, frozenset[Cause]] = {
    Cause.PERSON: frozenset({Cause.PERSON}),
    Cause.VENUE: frozenset({Cause.PERSON}),
    Cause.LIMITS: frozenset({Cause.PERSON, Cause.LIMITS}),
    Cause.DAY: frozenset({Cause.PERSON, Cause.LIMITS, Cause.DAY}),
}


class _Rule(StrEnum):
    CHANGE = "change"
    KEEP = "keep"
    LOOSEN = "loosen"
    TAKE_OVER = "take_over"


_RULES: dict[tuple[TradingState, TradingState], _Rule] = {
    (TS.ACTIVE, TS.ACTIVE): _Rule.KEEP,
    (TS.ACTIVE, TS.REDUCING): _Rule.CHANGE,
    (TS.ACTIVE, TS.HALTED): _Rule.CHANGE,
    (TS.REDUCING, TS.ACTIVE): _Rule.LOOSEN,
    (TS.REDUCING, TS.REDUCING): _Rule.TAKE_OVER,
    (TS.REDUCING, TS.HALTED): _Rule.CHANGE,
    (TS.HALTED, TS.ACTIVE): _Rule.LOOSEN,
    (TS.HALTED, TS.REDUCING): _Rule.LOOSEN,
    (TS.HALTED, TS.HALTED): _Rule.TAKE_OVER,
}


def move(
    now: TradingState, set_by: Cause, wanted: TradingState, asked_by: Cause, *, is_being_closed: bool = False
) -> Move:
    """`set_by` is the standing state's cause. While all is being closed, less than that changes nothing."""
    if is_being_closed and (now, wanted) == (TS.HALTED, TS.REDUCING):
        return Move.KEEP
    match _RULES[now, wanted]:
        case _Rule.LOOSEN:
            return _loosened(set_by, wanted, asked_by)
        case _Rule.TAKE_OVER:  # it is harder to end when this one wants it too
            return Move.CHANGE if LOOSENED_BY[asked_by] < LOOSENED_BY[set_by] else Move.KEEP
        case rule:
            return Move(rule.value)


def _loosened(set_by: Cause, wanted: TradingState, asked_by: Cause) -> Move:
    if wanted is TS.REDUCING and asked_by is not Cause.PERSON:
        return Move.KEEP  # a limit that asks for less than stands wants nothing looser
    if asked_by in LOOSENED_BY[set_by]:
        return Move.CHANGE
    return Move.REFUSE if wanted is TS.ACTIVE else Move.KEEP


def strictest(*states: TradingState) -> TradingState:
    return max(states, key=STRICTNESS.index)
