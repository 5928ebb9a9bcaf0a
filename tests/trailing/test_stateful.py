"""Any parameters and any way of the price: what must hold after every step."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from exchanges.types import PositionSide
from trailing.engine import PHASES, Close, TrailingParams, TrailingPhase
from trailing.protection import advance, fixed_stop, start
from trailing.thresholds import band


def decimals(low: str, high: str, places: int = 2) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places)


class TrailingMachine(RuleBasedStateMachine):
    @initialize(
        side=st.sampled_from(PositionSide),
        entry=decimals("1", "100000"),
        activation=decimals("0", "20"),
        callback=decimals("0.01", "20"),
        loss=decimals("0.01", "50"),
        tick=st.sampled_from([Decimal(text) for text in ("0.0001", "0.01", "0.05", "0.25")]),
    )
    def fill(
        self,
        side: PositionSide,
        entry: Decimal,
        activation: Decimal,
        callback: Decimal,
        loss: Decimal,
        tick: Decimal,
    ) -> None:
        self.params = TrailingParams(side, entry, activation, callback, loss, tick)
        self.state = start(self.params)
        self.best_seen: Decimal | None = None
        self.closes = 0
        self.price = entry

    @rule(percent=decimals("-60", "60"))
    def jump(self, percent: Decimal) -> None:
        self.tick_at(self.params.offset(self.params.entry_price, percent))

    @rule(percent=decimals("-1", "1", places=4))
    def drift(self, percent: Decimal) -> None:
        self.tick_at(self.params.offset(self.price, percent))

    @rule()
    def touch_the_stop(self) -> None:
        if self.state.stop_price:
            self.tick_at(self.state.stop_price)

    @rule()
    def touch_the_activation(self) -> None:
        self.tick_at(self.params.activation_price)

    def tick_at(self, price: Decimal) -> None:
        if price <= 0:
            return
        self.price = price
        params, before = self.params, self.state
        crossed = before.stop_price is not None and not params.is_better(price, before.stop_price)
        left = band(params, before).is_left_by(price)
        verdict = advance(params, before, price)
        after = self.state = verdict.state

        assert after.phase is before.phase or after.phase in PHASES[before.phase]
        if before.phase is TrailingPhase.TRIGGERED:
            assert after == before
            assert not isinstance(verdict, Close)
            return
        assert isinstance(verdict, Close) is crossed
        if crossed:
            self.closes += 1
            assert left, "a crossing always leaves the band"
            assert verdict.was_trailing is (before.phase is TrailingPhase.ACTIVE)
            assert (after.stop_price, after.high_water_mark) == (before.stop_price, before.high_water_mark)
            return
        assert not params.is_better(before.stop_price, after.stop_price), "a stop never loosens"
        if before.phase is TrailingPhase.WAITING and after.phase is TrailingPhase.ACTIVE:
            assert left, "an activation always leaves the band"
        reached = not params.is_better(params.activation_price, price)
        if before.phase is TrailingPhase.ACTIVE or reached:
            better = self.best_seen is None or params.is_better(price, self.best_seen)
            self.best_seen = price if better else self.best_seen

    @invariant()
    def the_best_price_is_the_best_seen_since_activation(self) -> None:
        assert self.state.high_water_mark == self.best_seen
        assert (self.best_seen is None) or self.state.phase in (
            TrailingPhase.ACTIVE,
            TrailingPhase.TRIGGERED,
        )

    @invariant()
    def the_stop_is_on_a_tick_and_not_beyond_the_fixed_one(self) -> None:
        stop = self.state.stop_price
        assert stop % self.params.price_increment == 0
        assert not self.params.is_better(fixed_stop(self.params), stop)

    @invariant()
    def a_position_is_closed_at_most_once(self) -> None:
        assert self.closes == (self.state.phase is TrailingPhase.TRIGGERED)


TestTrailing = TrailingMachine.TestCase
TestTrailing.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
