"""Any plan and any way of the price: what must hold after every step."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from decimal import Decimal
from itertools import accumulate

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from exchanges.types import PositionSide
from tests.trailing.strategies import (
    CHANGES,
    DISTANCE_STOP,
    ENTRIES,
    MIRRORED_POLICIES,
    MIRRORED_TRAILS,
    NOTHING,
    PERCENT_STOP,
    PLANS,
    TICKS,
    bodies,
    decimals,
)
from tests.trailing.tables import SPEC
from trailing.distances import activation_price
from trailing.engine import PHASES, Close, Entry, StopReason, TrailingPhase, TrailingState
from trailing.ladder import rungs
from trailing.plan import ProtectionPlan, read_plan
from trailing.protection import Seen, advance, start, stop_loss, take_level
from trailing.replay import Outcome, Position, replay
from trailing.thresholds import band

ZERO = Decimal(0)


def kept(state: TrailingState) -> tuple:
    """All of a state but the best price, which inside a band is kept only where it may matter later."""
    return state.phase, state.stop_price, state.stop_reason, state.levels_taken


class ProtectionMachine(RuleBasedStateMachine):
    """`state` is advanced on every price, `watched` only when its band is left."""

    @initialize(entry=ENTRIES, plan=PLANS)
    def fill(self, entry: Entry, plan: ProtectionPlan) -> None:
        self.entry, self.plan = entry, plan
        self.state = self.watched = start(entry, plan)
        self.levels = rungs(entry, plan.take_profits, Decimal(8), SPEC) if plan.take_profits else []
        self.price, self.age, self.atr = entry.price, ZERO, entry.atr
        self.closes = 0

    @rule(percent=decimals("-60", "60"))
    def jump(self, percent: Decimal) -> None:
        self.meet(self.entry.offset(self.entry.price, percent))

    @rule(percent=decimals("-1", "1", places=4))
    def drift(self, percent: Decimal) -> None:
        self.meet(self.entry.offset(self.price, percent))

    @rule(percent=decimals("0", "1", places=4))
    def rise(self, percent: Decimal) -> None:
        self.meet(self.entry.offset(self.price, percent))

    @rule()
    def touch_the_stop(self) -> None:
        self.meet(self.state.stop_price)

    @rule()
    def touch_the_activation(self) -> None:
        if self.plan.trailing is not None:
            self.meet(activation_price(self.entry, self.plan.trailing))

    @rule(ticks=st.integers(-2, 2))
    def come_near_the_band(self, ticks: int) -> None:
        for bound in self.band_bounds():
            self.meet(bound + ticks * self.entry.price_increment)

    def band_bounds(self) -> list[Decimal]:
        around = band(self.entry, self.plan, self.watched, self.age, self.atr)
        return [bound for bound in (around.lower, around.upper) if bound is not None and bound.is_finite()]

    @rule(hours=decimals("0", "4", places=3))
    def grow_older(self, hours: Decimal) -> None:
        self.age += hours

    @rule(atr=decimals("0.1", "3"))
    def learn_volatility(self, atr: Decimal) -> None:
        self.atr = atr

    @rule()
    def fill_the_next_level(self) -> None:
        if self.state.phase is TrailingPhase.TRIGGERED or not self.levels:
            return
        level = self.levels.pop(0)
        self.meet(level.price)
        if self.state.phase is not TrailingPhase.TRIGGERED:
            self.state, self.watched = (
                take_level(self.entry, self.plan, state, level.level, self.atr)
                for state in (self.state, self.watched)
            )

    @rule()
    def restart(self) -> None:
        """Plan and state come back from what was stored as text."""
        self.plan = read_plan(json.loads(json.dumps(self.plan.as_json())))
        row = json.loads(json.dumps(asdict(self.state), default=str))
        self.state = TrailingState(
            TrailingPhase(row["phase"]),
            row["high_water_mark"] and Decimal(row["high_water_mark"]),
            Decimal(row["stop_price"]),
            StopReason(row["stop_reason"]),
            row["levels_taken"],
        )

    def meet(self, price: Decimal) -> None:
        if price <= 0:
            return
        self.price, before = price, self.state
        seen = Seen(price, self.age, self.atr)
        left = band(self.entry, self.plan, self.watched, self.age, self.atr).is_left_by(price)
        verdict = advance(self.entry, self.plan, before, seen)
        self.state = verdict.state
        if left:
            self.watched = advance(self.entry, self.plan, self.watched, seen).state
        self.closes += isinstance(verdict, Close)
        assert self.state.phase is before.phase or self.state.phase in PHASES[before.phase]
        assert not self.entry.is_better(before.stop_price, self.state.stop_price), "a stop never loosens"
        if before.phase is TrailingPhase.TRIGGERED:
            assert self.state == before

    @invariant()
    def the_band_is_exact(self) -> None:
        assert kept(self.watched) == kept(self.state)

    @invariant()
    def the_stop_is_on_a_tick_and_at_least_the_stop_loss(self) -> None:
        stop = self.state.stop_price
        assert stop > 0
        assert stop % self.entry.price_increment == 0
        assert not self.entry.is_better(stop_loss(self.entry, self.plan.stop_loss), stop)

    @invariant()
    def it_ends_at_most_once(self) -> None:
        assert self.closes == (self.state.phase is TrailingPhase.TRIGGERED)


TestProtection = ProtectionMachine.TestCase
TestProtection.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)


def walked(entry: Entry, changes: list[Decimal]) -> list[Decimal]:
    """Prices on the grid, an hour and a half apart in all."""
    ways = accumulate(changes, lambda price, change: price * (1 + change / 100), initial=entry.price)
    return [max(entry.away_from_market(price), entry.price_increment) for price in ways]


def aged(prices: list[Decimal], atr: Decimal | None = None) -> list[Seen]:
    return [Seen(price, Decimal(index) / 4, atr) for index, price in enumerate(prices)]


def replayed(
    plan: ProtectionPlan, entry: Entry, prices: list[Seen], resume: Position | None = None
) -> Outcome:
    instrument = replace(SPEC, price_increment=entry.price_increment, min_notional=ZERO)
    return replay(
        plan,
        entry.side,
        entry.price,
        instrument,
        prices,
        quantity=Decimal("4.3"),
        leverage=entry.leverage,
        atr=entry.atr,
        resume=resume,
    )


@given(plan=PLANS, entry=ENTRIES, changes=CHANGES, cut=st.integers(0, 40))
@settings(deadline=None)
def test_a_restart_at_any_price_changes_nothing(plan, entry, changes, cut) -> None:
    prices = aged(walked(entry, changes), entry.atr)
    whole, first = replayed(plan, entry, prices), replayed(plan, entry, prices[:cut])
    then = replayed(plan, entry, prices[cut:], resume=first.position)
    assert first.moves + then.moves == whole.moves
    assert first.levels + then.levels == whole.levels
    assert (first.exit or then.exit, then.position) == (whole.exit, whole.position)


@given(plan=PLANS, entry=ENTRIES, changes=CHANGES)
@settings(deadline=None)
def test_each_level_is_sold_once_and_never_more_than_is_held(plan, entry, changes) -> None:
    outcome = replayed(plan, entry, aged(walked(entry, changes), entry.atr))
    levels = [taken.level for taken in outcome.levels]
    assert levels == sorted(set(levels))
    sold = sum((taken.quantity for taken in outcome.levels), ZERO)
    assert outcome.position.quantity == Decimal("4.3") - sold
    assert outcome.position.quantity == 0 or outcome.position.quantity >= SPEC.min_quantity


@given(
    body=bodies(PERCENT_STOP | DISTANCE_STOP, MIRRORED_TRAILS, MIRRORED_POLICIES, NOTHING),
    ticks=st.integers(10_000, 40_000),
    tick=TICKS,
    changes=CHANGES,
)
@settings(deadline=None)
def test_a_short_is_a_long_in_the_mirror(body, ticks: int, tick: Decimal, changes) -> None:
    """Exact where distances are measured from the entry or in quote currency, not in percent of another price."""
    plan, long = read_plan(body), Entry(PositionSide.LONG, ticks * tick, tick)
    prices = walked(long, changes)
    assume(all(0 < price < 2 * long.price for price in prices))
    one = replayed(plan, long, aged(prices))
    other = replayed(
        plan, replace(long, side=PositionSide.SHORT), aged([2 * long.price - price for price in prices])
    )
    flipped = [replace(move, stop_price=2 * long.price - move.stop_price) for move in other.moves]
    assert flipped == one.moves
    assert [(t.index, t.level, t.quantity) for t in other.levels] == [
        (t.index, t.level, t.quantity) for t in one.levels
    ]
    assert (other.exit and (other.exit.index, other.exit.reason)) == (
        one.exit and (one.exit.index, one.exit.reason)
    )


@given(body=bodies(), entry=ENTRIES, changes=CHANGES, scale=st.sampled_from(["0.01", "0.5", "10", "1000"]))
@settings(deadline=None)
def test_prices_in_another_unit_change_nothing(body, entry: Entry, changes, scale: str) -> None:
    times = Decimal(scale)
    plan, scaled = read_plan(body), read_plan(in_another_unit(body, times))
    larger = replace(
        entry,
        price=entry.price * times,
        price_increment=entry.price_increment * times,
        atr=entry.atr and entry.atr * times,
    )
    prices = aged(walked(entry, changes), entry.atr)
    one = replayed(plan, entry, prices)
    other = replayed(
        scaled,
        larger,
        [replace(seen, price=seen.price * times, atr=seen.atr and seen.atr * times) for seen in prices],
    )
    assert [replace(move, stop_price=move.stop_price * times) for move in one.moves] == other.moves
    assert [replace(taken, price=taken.price * times) for taken in one.levels] == other.levels
    assert (one.exit and replace(one.exit, price=one.exit.price * times)) == other.exit


def in_another_unit(body: dict, times: Decimal) -> dict:
    return body | {
        name: body[name] | {"distance": body[name]["distance"] * times}
        for name in ("stop_loss", "trailing")
        if body[name] is not None and body[name]["type"] == "distance"
    }
