"""What a plan would have done: prices in, stop moves, levels and the exit out. Pure; the same functions trade.

`prices` are of the plan's reference, each a Decimal or a `Seen` (with age and average true range). On one price the
stop that stands is judged first, then the age, then the stop moves and levels are taken. Intervals between requests and
the time an exchange needs are left out: an exit is told at the price that caused it, a level at its own price.
docs/protection.md has an example.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from exchanges.types import InstrumentSpec, PositionSide
from trailing.engine import Close, Entry, ExitReason, Hold, StopReason, TrailingPhase, TrailingState
from trailing.ladder import Rung, rungs
from trailing.plan import ProtectionPlan
from trailing.protection import Seen, advance, first_stop, judged, start, take_level


@dataclass(frozen=True, slots=True)
class StopMove:
    """`index` counts prices from 0; the first stop, right after the fill, has -1."""

    index: int
    stop_price: Decimal
    reason: StopReason


@dataclass(frozen=True, slots=True)
class LevelTaken:
    index: int
    level: int
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Exit:
    index: int
    price: Decimal
    reason: ExitReason


@dataclass(frozen=True, slots=True)
class Position:
    """All that must be kept to go on later: `replay(..., resume=outcome.position)`."""

    state: TrailingState
    quantity: Decimal
    seen: int = 0

    @property
    def is_over(self) -> bool:
        return self.quantity == 0 or self.state.phase is TrailingPhase.TRIGGERED


@dataclass(slots=True)
class Outcome:
    position: Position
    moves: list[StopMove] = field(default_factory=list)
    levels: list[LevelTaken] = field(default_factory=list)
    exit: Exit | None = None


def replay(
    plan: ProtectionPlan,
    side: PositionSide,
    entry_price: Decimal,
    instrument: InstrumentSpec,
    prices: Iterable[Decimal | Seen],
    *,
    quantity: Decimal = Decimal(1000),
    leverage: int = 1,
    atr: Decimal | None = None,
    resume: Position | None = None,
) -> Outcome:
    """`atr`: the average true range at entry. Raises ValueError where the plan and the entry do not fit."""
    entry = Entry(side, entry_price, instrument.price_increment, leverage, atr)
    first_stop(entry, plan)
    ladder = plan.take_profits
    steps = rungs(entry, ladder, quantity, instrument) if ladder is not None else []
    outcome = Outcome(resume or Position(start(entry, plan), quantity))
    if resume is None:
        _note_move(outcome, -1, TrailingState())
    for seen in prices:
        if outcome.position.is_over:
            break
        _advance(entry, plan, steps, outcome, seen if isinstance(seen, Seen) else Seen(seen))
    return outcome


def _advance(entry: Entry, plan: ProtectionPlan, steps: list[Rung], outcome: Outcome, seen: Seen) -> None:
    position = outcome.position
    index, before = position.seen, position.state
    verdict = advance(entry, plan, before, seen)
    outcome.position = replace(position, state=verdict.state, seen=index + 1)
    if isinstance(verdict, Hold):
        for rung in steps:
            if rung.level > before.levels_taken and entry.has_reached(seen.price, rung.price):
                _take(entry, plan, outcome, rung, index, seen)
        verdict = judged(entry, outcome.position.state, seen.price)
    if outcome.position.quantity == 0:
        outcome.exit = Exit(index, seen.price, ExitReason.TAKE_PROFIT)
    elif isinstance(verdict, Close):
        outcome.position = replace(outcome.position, state=verdict.state)
        outcome.exit = Exit(index, seen.price, verdict.reason)
    else:
        _note_move(outcome, index, before)


def _take(entry: Entry, plan: ProtectionPlan, outcome: Outcome, rung: Rung, index: int, seen: Seen) -> None:
    position = outcome.position
    outcome.levels.append(LevelTaken(index, rung.level, rung.price, rung.quantity))
    state = take_level(entry, plan, position.state, rung.level, seen.atr)
    outcome.position = replace(position, state=state, quantity=position.quantity - rung.quantity)


def _note_move(outcome: Outcome, index: int, before: TrailingState) -> None:
    after = outcome.position.state
    if after.stop_price is not None and after.stop_price != before.stop_price:
        outcome.moves.append(StopMove(index, after.stop_price, after.stop_reason))
