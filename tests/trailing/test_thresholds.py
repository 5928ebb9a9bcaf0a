from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from tests.trailing.tables import ENHANCED, LONG, PLAN, SHORT, plan_of, walk
from trailing.engine import Entry, StopReason, TrailingPhase, TrailingState
from trailing.protection import Seen, advance, start
from trailing.thresholds import ANY_PRICE, NO_PRICE, Band, band

ACTIVE = TrailingPhase.ACTIVE


def test_before_trailing_the_band_is_stop_to_activation() -> None:
    assert band(LONG, PLAN, start(LONG, PLAN), D(0)) == Band(D(98), D("101.5"))
    assert band(SHORT, PLAN, start(SHORT, PLAN), D(0)) == Band(D("98.5"), D(102))


def test_while_trailing_the_band_ends_where_the_stop_moves_next() -> None:
    long = TrailingState(ACTIVE, D(102), D("101.4"), StopReason.TRAILING)
    assert band(LONG, PLAN, long, D(0)) == Band(D("101.4"), D("102.010050251256"))  # 101.5 / 0.995
    short = TrailingState(ACTIVE, D(98), D("98.5"), StopReason.TRAILING)
    assert band(SHORT, PLAN, short, D(0)) == Band(D("97.910447761195"), D("98.5"))  # 98.4 / 1.005


def test_the_least_improvement_widens_the_band() -> None:
    plan = plan_of(updates={"min_improvement_percent": "0.5"})
    state = TrailingState(ACTIVE, D(102), D("101.4"), StopReason.TRAILING)
    assert band(LONG, plan, state, D(0)).upper == D("102.512562814070")  # 102 / 0.995; 101.907 is no tick
    breakeven = replace(state, stop_reason=StopReason.BREAKEVEN)
    assert band(LONG, plan, breakeven, D(0)).upper == D("102.010050251256"), "the first one does not wait"


def test_a_loosened_stop_waits_for_more_than_was_taken_back() -> None:
    loosened = TrailingState(ACTIVE, D(102), D(99), StopReason.BY_HAND, 0, D("101.4"))
    assert band(LONG, PLAN, loosened, D(0)) == Band(D(99), D("102.010050251256"))
    before = advance(LONG, PLAN, loosened, Seen(D("102.01"))).state
    assert (before.stop_price, before.loosened_from) == (D(99), D("101.4"))
    after = advance(LONG, PLAN, loosened, Seen(D("102.02"))).state
    assert (after.stop_price, after.loosened_from, after.stop_reason) == (
        D("101.5"),
        None,
        StopReason.TRAILING,
    )


# best price so far of a long, what the Enhanced plan without trailing waits for
@pytest.mark.parametrize(
    ("best", "waits_for"),
    [("100", "101"), ("101", "102"), ("102.5", "103"), ("103", "104"), ("104", None)],
)
def test_each_profit_step_is_waited_for_once(best: str, waits_for: str | None) -> None:
    plan = plan_of(**ENHANCED | {"trailing": None})
    assert band(LONG, plan, walk(LONG, best, plan=plan).state, D(0)).upper == (waits_for and D(waits_for))


@pytest.mark.parametrize(
    ("hours", "upper"), [("1", "101.5"), ("4", "100.2"), ("12", "99.5"), ("21", "95"), ("31", "0")]
)
def test_an_old_position_waits_for_what_its_age_allows(hours: str, upper: str) -> None:
    plan = plan_of(age={})
    assert band(LONG, plan, start(LONG, plan), D(hours)).upper == D(upper)


@pytest.mark.parametrize("entry", [LONG, SHORT])
@pytest.mark.parametrize("price", ["0.1", "100", "100000"])
def test_in_an_emergency_any_price_will_do(entry, price: str) -> None:
    plan = plan_of(age={})
    assert band(entry, plan, start(entry, plan), D(31)).is_left_by(D(price))


def test_a_position_that_trails_is_not_asked_for_its_age() -> None:
    plan = plan_of(age={})
    assert band(LONG, plan, walk(LONG, "102", plan=plan).state, D(31)).upper > D(102)


@pytest.mark.parametrize(
    "state",
    [
        TrailingState(),
        TrailingState(TrailingPhase.WAITING, None, D(97)),
        TrailingState(ACTIVE, None, D(98)),
        TrailingState(ACTIVE, D(110), D(98), StopReason.TRAILING),
    ],
    ids=["no stop", "a stop looser than the plan's", "no best price", "a stop that lags behind"],
)
def test_a_state_that_lags_behind_its_plan_cares_for_any_price(state: TrailingState) -> None:
    assert band(LONG, PLAN, state, D(0)) == ANY_PRICE
    assert ANY_PRICE.is_left_by(D("0.00000001"))


def test_calmer_volatility_makes_any_price_matter() -> None:
    plan = plan_of(trailing={"type": "atr", "multiple": 1})
    state = walk(LONG, "110", plan=plan).state
    assert band(LONG, plan, state, D(0), None) != ANY_PRICE
    assert band(LONG, plan, state, D(0), D(1)) == ANY_PRICE


@pytest.mark.parametrize("entry", [LONG, SHORT])
def test_a_best_price_behind_a_nearer_lock_still_counts_when_volatility_calms(entry: Entry) -> None:
    locks = [{"trigger_percent": 2, "lock_percent": 1}]
    plan = plan_of(trailing={"type": "atr", "multiple": "1.5"}, profit_locks=locks)
    watched = told = start(entry, plan)
    for profit, atr in ((2, "1.4"), (3, "1.4"), ("1.9", "1.4"), ("1.9", "0.3")):
        seen = Seen(entry.offset(D(100), D(profit)), D(0), D(atr))
        told = advance(entry, plan, told, seen).state
        if band(entry, plan, watched, D(0), D(atr)).is_left_by(seen.price):
            watched = advance(entry, plan, watched, seen).state
    assert watched == told
    assert (told.phase, told.high_water_mark) == (TrailingPhase.TRIGGERED, entry.offset(D(100), D(3)))


@pytest.mark.parametrize(("price", "matters"), [("103.5149", False), ("103.515", True)])
def test_such_a_best_price_is_noted_in_steps_of_the_least_improvement(price: str, matters: bool) -> None:
    plan = plan_of(trailing={"type": "atr"}, updates={"min_improvement_percent": "0.5"})
    state = TrailingState(ACTIVE, D(103), D("101.8"), StopReason.BY_HAND)
    assert band(LONG, plan, state, D(0), D("1.3")).is_left_by(D(price)) is matters
    noted = advance(LONG, plan, state, Seen(D(price), D(0), D("1.3"))).state.high_water_mark
    assert noted == (D(price) if matters else D(103))


def test_after_the_end_no_price_matters() -> None:
    over = walk(LONG, "97").state
    assert band(LONG, PLAN, over, D(0)) == NO_PRICE
    assert not NO_PRICE.is_left_by(D(1))


@pytest.mark.parametrize(
    ("price", "leaves"), [("98", True), ("98.01", False), ("101.49", False), ("101.5", True), ("90", True)]
)
def test_the_bounds_themselves_are_outside(price: str, leaves: bool) -> None:
    assert Band(D(98), D("101.5")).is_left_by(D(price)) is leaves
