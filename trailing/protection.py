"""All candidates for the stop, and the one that counts: the most protective, never loosened. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce

from positions.risk import liquidated_at_percent
from trailing.aging import exit_target
from trailing.distances import activation_price, behind
from trailing.engine import HUNDRED, Close, Entry, ExitReason, Hold, StopReason, TrailingPhase, TrailingState
from trailing.ladder import targets
from trailing.plan import ProtectionPlan
from trailing.rules import (
    AfterLevel,
    AtrStop,
    BehindEntryAtr,
    BehindEntryPercent,
    BehindLevelAtr,
    BehindLevelPercent,
    Bounded,
    DistanceStop,
    Ladder,
    MarginStop,
    PercentStop,
    StopLoss,
    ToBreakeven,
    ToPreviousLevel,
)

# finer than any price
FINEST = Decimal(1).scaleb(-12)


@dataclass(frozen=True, slots=True)
class Seen:
    """One price of the plan's reference, how old the position was then, and the average true range if known."""

    price: Decimal
    age_hours: Decimal = Decimal(0)
    atr: Decimal | None = None

    def __post_init__(self) -> None:
        if not (self.price.is_finite() and self.price > 0):
            raise ValueError("a price is a positive number")


@dataclass(frozen=True, slots=True)
class Candidate:
    reason: StopReason
    price: Decimal


def first_stop(entry: Entry, plan: ProtectionPlan) -> Decimal:
    """Raises ValueError where the plan and the entry do not fit."""
    if plan.trailing is not None and activation_price(entry, plan.trailing) < entry.price_increment:
        raise ValueError(
            f"{plan.trailing.activation_percent} % of profit is more than a {entry.side} can make"
        )
    if not _is_above_zero(entry, stop := _wished_stop(entry, plan.stop_loss)):
        raise ValueError(f"a stop {abs(entry.price - stop):f} away from {entry.price:f} is not above zero")
    return entry.away_from_market(stop)


def start(entry: Entry, plan: ProtectionPlan) -> TrailingState:
    """The state right after the entry filled: only the stop loss stands."""
    stop = stop_loss(entry, plan.stop_loss)
    return replace(TrailingState().moved_to(TrailingPhase.WAITING), stop_price=stop)


def stop_loss(entry: Entry, rule: StopLoss) -> Decimal:
    """A distance that fitted the price expected may leave nothing above zero at the average that was paid: then the
    widest stop that the margin bears."""
    stop = _wished_stop(entry, rule)
    return entry.away_from_market(stop) if _is_above_zero(entry, stop) else widest_stop(entry)


def stop_when_armed(entry: Entry, known: TrailingState, armed: Decimal | None) -> Decimal | None:
    """What is measured from another average than before. A stop that stands is not loosened by it, and one that a
    person loosened stays, unless the position would now be liquidated before it."""
    if known.stop_price is None or armed is None:
        return known.stop_price or armed
    return entry.better(known.stop_price, armed if known.loosened_from is None else widest_stop(entry))


def is_too_wide(entry: Entry, rule: StopLoss) -> bool:
    return not _is_above_zero(entry, _wished_stop(entry, rule))


def _is_above_zero(entry: Entry, stop: Decimal) -> bool:
    return entry.away_from_market(stop) > 0


def _wished_stop(entry: Entry, rule: StopLoss) -> Decimal:
    match rule:
        case DistanceStop(distance=distance):
            return entry.moved(entry.price, -distance)
        case AtrStop(multiple=multiple) if entry.atr is not None:
            return entry.moved(entry.price, -multiple * entry.atr)
        case MarginStop(percent=percent):
            return entry.offset(entry.price, -percent / entry.leverage)
        case PercentStop(percent=percent) | AtrStop(percent=percent):
            return entry.offset(entry.price, -percent)


def widest_stop(entry: Entry) -> Decimal:
    """The first price before the estimated liquidation. At the price of one tick it is the entry itself: such a
    position leaves at once."""
    percent = max(liquidated_at_percent(entry.leverage), Decimal(0))
    return entry.next_tick(entry.offset(entry.price, -percent))


def advance(entry: Entry, plan: ProtectionPlan, state: TrailingState, seen: Seen) -> Hold | Close:
    """One price. A stop that is crossed fires before this price could move it."""
    if state.phase is TrailingPhase.TRIGGERED:
        return Hold(state)
    verdict = judged(entry, state, seen.price)
    if isinstance(verdict, Close):
        return verdict
    if has_aged_out(entry, plan, state, seen):
        return Close(state.moved_to(TrailingPhase.TRIGGERED), ExitReason.AGE)
    moved = protected(entry, plan, _marked(entry, plan, state, seen.price), seen.atr)
    return judged(entry, moved if _is_worth_noting(entry, plan, state, moved) else state, seen.price)


def _is_worth_noting(entry: Entry, plan: ProtectionPlan, state: TrailingState, moved: TrailingState) -> bool:
    if replace(moved, high_water_mark=state.high_water_mark) != state or moved.high_water_mark is None:
        return True
    next_best = next_noted_best(entry, plan, state)
    return next_best is None or entry.has_reached(moved.high_water_mark, next_best)


def next_noted_best(entry: Entry, plan: ProtectionPlan, state: TrailingState) -> Decimal | None:
    """Where volatility sets the distance, a best price that moves nothing now may do so when volatility changes: from
    here on it is kept. None: any may be kept, none need be."""
    best = state.high_water_mark
    if best is None or state.phase is not TrailingPhase.ACTIVE or not isinstance(plan.trailing, Bounded):
        return None
    least = entry.offset(best, plan.updates.min_improvement_percent)
    return entry.better(least, entry.moved(best, FINEST))


def seen_best(
    entry: Entry, plan: ProtectionPlan, state: TrailingState, best: Decimal, atr: Decimal | None
) -> TrailingState:
    """After a time nobody watched: its best price counts. Whether to leave is for the price of now to say."""
    if state.phase is TrailingPhase.TRIGGERED:
        return state
    return protected(entry, plan, _marked(entry, plan, state, best), atr)


def judged(entry: Entry, state: TrailingState, price: Decimal) -> Hold | Close:
    """Also of a stop that has just moved: calmer volatility or a late fill can lift it beyond the market."""
    if state.stop_price is None or not is_crossed(entry, state.stop_price, price):
        return Hold(state)
    return Close(state.moved_to(TrailingPhase.TRIGGERED), ExitReason(state.stop_reason))


def is_crossed(entry: Entry, stop_price: Decimal, price: Decimal) -> bool:
    return not entry.is_better(price, stop_price)


def has_aged_out(entry: Entry, plan: ProtectionPlan, state: TrailingState, seen: Seen) -> bool:
    if plan.age is None or (state.phase is TrailingPhase.ACTIVE and not plan.age.while_trailing):
        return False
    target = exit_target(entry, plan.age, seen.age_hours)
    return target is not None and entry.has_reached(seen.price, target)


def take_level(
    entry: Entry, plan: ProtectionPlan, state: TrailingState, level: int, atr: Decimal | None
) -> TrailingState:
    """This take-profit level filled, and so did those before it."""
    return protected(entry, plan, replace(state, levels_taken=max(level, state.levels_taken)), atr)


def _marked(entry: Entry, plan: ProtectionPlan, state: TrailingState, price: Decimal) -> TrailingState:
    best = state.high_water_mark
    is_best = best is None or entry.is_better(price, best)
    marked = replace(state, high_water_mark=price) if is_best else state
    if plan.trailing is None or state.phase is TrailingPhase.ACTIVE:
        return marked
    starts = entry.has_reached(price, activation_price(entry, plan.trailing))
    return marked.moved_to(TrailingPhase.ACTIVE) if starts else marked


def protected(entry: Entry, plan: ProtectionPlan, state: TrailingState, atr: Decimal | None) -> TrailingState:
    """Also right after a level filled, and when volatility is known better."""
    for candidate in candidates(entry, plan, state, atr):
        if _is_worth_moving(entry, plan, state, candidate):
            state = replace(
                state, stop_price=candidate.price, stop_reason=candidate.reason, loosened_from=None
            )
    return state


def candidates(
    entry: Entry, plan: ProtectionPlan, state: TrailingState, atr: Decimal | None
) -> Iterator[Candidate]:
    """The trailing stop comes last: it moves in steps only from where the others leave it."""
    yield Candidate(StopReason.STOP_LOSS, stop_loss(entry, plan.stop_loss))
    for reason, price in _wished(entry, plan, state, atr):
        stop = entry.away_from_market(price)
        if stop > 0:
            yield Candidate(reason, stop)


def _wished(
    entry: Entry, plan: ProtectionPlan, state: TrailingState, atr: Decimal | None
) -> Iterator[tuple[StopReason, Decimal]]:
    best = state.high_water_mark
    for trigger, lock, reason in profit_steps(plan):
        if best is not None and entry.has_reached(best, entry.offset(entry.price, trigger)):
            yield reason, entry.offset(entry.price, lock)
    if state.levels_taken and plan.take_profits is not None:
        yield from _after_level(entry, plan.take_profits, state.levels_taken, atr)
    if best is not None and state.phase is TrailingPhase.ACTIVE and plan.trailing is not None:
        yield StopReason.TRAILING, behind(entry, plan.trailing, best, atr).stop_of(entry, best)


def profit_steps(plan: ProtectionPlan) -> Iterator[tuple[Decimal, Decimal, StopReason]]:
    """(profit that triggers, profit that is kept, why), in percent of the entry price."""
    if plan.breakeven is not None:
        yield plan.breakeven.trigger_percent, plan.breakeven.offset_percent, StopReason.BREAKEVEN
    for lock in plan.profit_locks:
        yield lock.trigger_percent, lock.lock_percent, StopReason.PROFIT_LOCK


def _after_level(
    entry: Entry, ladder: Ladder, taken: int, atr: Decimal | None
) -> Iterator[tuple[StopReason, Decimal]]:
    """Behind the level just taken, or not at all: on its price the rest would leave at once. More may have been bought
    since it was sold, and its price be no profit now. A price that jumped over levels took them too, each with its
    policy."""
    reached = {target.level: target.price for target in targets(entry, ladder).reachable}
    if taken not in reached:
        return
    before, is_mixed = entry.price, any(level.stop_after for level in ladder.levels)
    for level, price in reached.items():
        counts = level == taken or (level < taken and is_mixed)
        policy = ladder.policies[level - 1]
        for wished in _behind_level(entry, policy, price, before, atr) if counts else ():
            if entry.is_better(price, entry.away_from_market(wished)):
                yield StopReason.AFTER_LEVEL, wished
        before = price


def _behind_level(
    entry: Entry, policy: AfterLevel, last: Decimal, before: Decimal, atr: Decimal | None
) -> Iterator[Decimal]:
    atr = atr if atr is not None else entry.atr
    match policy:
        case ToBreakeven(offset_percent=percent):
            yield entry.offset(entry.price, percent)
        case ToPreviousLevel():
            yield before
        case BehindLevelPercent(percent=percent):
            yield entry.offset(last, -percent)
        case BehindLevelAtr(multiple=multiple) if atr is not None:
            yield entry.moved(last, -multiple * atr)
        case BehindEntryPercent(percent=percent):
            yield entry.offset(entry.price, -percent)
        case BehindEntryAtr(multiple=multiple) if atr is not None:
            yield entry.moved(entry.price, -multiple * atr)


def _is_worth_moving(entry: Entry, plan: ProtectionPlan, state: TrailingState, candidate: Candidate) -> bool:
    if state.stop_price is None:
        return True
    to_beat = stop_to_beat(entry, state, state.stop_price)
    if candidate.reason is StopReason.TRAILING:
        return entry.has_reached(candidate.price, next_trailing_stop(entry, plan, state, to_beat))
    return entry.is_better(candidate.price, to_beat)


def stop_to_beat(entry: Entry, state: TrailingState, standing: Decimal) -> Decimal:
    """A person who loosened the stop knew what the rules had wished for by then: only more than that counts."""
    return standing if state.loosened_from is None else entry.better(standing, state.loosened_from)


def wished_by_now(
    entry: Entry, plan: ProtectionPlan, state: TrailingState, price: Decimal, atr: Decimal | None
) -> Decimal:
    """The most protective stop that stands, was taken back by hand, or that any rule asks for at this price."""
    marked = _marked(entry, plan, state, price)
    asked = [candidate.price for candidate in candidates(entry, plan, marked, atr)]
    known = [one for one in (state.stop_price, state.loosened_from) if one is not None]
    return reduce(entry.better, known + asked)


def next_trailing_stop(
    entry: Entry, plan: ProtectionPlan, state: TrailingState, standing: Decimal
) -> Decimal:
    """The nearest one worth a request: any improvement of another stop, of a trailing stop the plan's least one."""
    next_tick = entry.next_tick(standing)
    if state.stop_reason is not StopReason.TRAILING and state.loosened_from is None:
        return next_tick
    least = standing * (1 + entry.side.sign * plan.updates.min_improvement_percent / HUNDRED)
    return entry.better(next_tick, entry.towards_market(least))
