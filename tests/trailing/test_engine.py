from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from tests.trailing.tables import LONG, SHORT
from trailing.engine import PHASES, Entry, ExitReason, IllegalPhase, StopReason, TrailingPhase, TrailingState


@pytest.mark.parametrize(
    ("entry", "stop", "away", "towards"),
    [
        (LONG, "99.19", "99.1", "99.2"),
        (LONG, "99.10", "99.1", "99.1"),
        (SHORT, "100.81", "100.9", "100.8"),
        (SHORT, "100.80", "100.8", "100.8"),
    ],
)
def test_a_price_is_rounded_to_the_tick_away_from_the_market_or_towards_it(
    entry: Entry, stop: str, away: str, towards: str
) -> None:
    assert (entry.away_from_market(D(stop)), entry.towards_market(D(stop))) == (D(away), D(towards))


@pytest.mark.parametrize("tick", ["0.5", "0.25", "5", "0.00001"])
def test_any_tick_will_do(tick: str) -> None:
    stop = replace(LONG, price_increment=D(tick)).away_from_market(D("99.19"))
    assert stop % D(tick) == 0
    assert D("99.19") - D(tick) < stop <= D("99.19")


@pytest.mark.parametrize(
    ("entry", "stop", "following"),
    [(LONG, "99.1", "99.2"), (LONG, "99.19", "99.2"), (SHORT, "100.9", "100.8"), (SHORT, "100.81", "100.8")],
)
def test_the_next_tick_is_the_nearest_one_further_into_profit(
    entry: Entry, stop: str, following: str
) -> None:
    assert entry.next_tick(D(stop)) == D(following)


def test_better_means_further_into_profit() -> None:
    assert LONG.is_better(D(101), D(100))
    assert SHORT.is_better(D(99), D(100))
    assert not LONG.is_better(D(100), D(100))
    assert not SHORT.is_better(D(100), D(100))
    assert (LONG.better(D(1), D(2)), LONG.worse(D(1), D(2))) == (D(2), D(1))
    assert (SHORT.better(D(1), D(2)), SHORT.worse(D(1), D(2))) == (D(1), D(2))


def test_a_target_is_reached_by_the_price_itself() -> None:
    for entry in (LONG, SHORT):
        assert entry.has_reached(D(100), D(100))
        assert entry.has_reached(entry.offset(D(100), D(1)), D(100))
        assert not entry.has_reached(entry.offset(D(100), D(-1)), D(100))


@pytest.mark.parametrize(
    "values",
    [
        {"price": D(0)},
        {"price": D(-1)},
        {"price": D("NaN")},
        {"price": D("Infinity")},
        {"price_increment": D(0)},
        {"leverage": 0},
        {"atr": D(0)},
        {"atr": D("NaN")},
    ],
    ids=lambda values: " ".join(f"{name}={value}" for name, value in values.items()),
)
def test_an_entry_that_makes_no_sense_is_refused(values: dict) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        replace(LONG, **values)


@pytest.mark.parametrize("before", TrailingPhase)
@pytest.mark.parametrize("after", TrailingPhase)
def test_phases_follow_each_other_as_the_table_says(before: TrailingPhase, after: TrailingPhase) -> None:
    state = TrailingState(before, D(110), D(109))
    if after in PHASES[before]:
        assert state.moved_to(after) == TrailingState(after, D(110), D(109))
    else:
        with pytest.raises(IllegalPhase, match=f"{after} cannot follow {before}"):
            state.moved_to(after)


def test_no_phase_is_ever_left_backwards() -> None:
    order = list(TrailingPhase)
    assert all(order.index(later) > order.index(phase) for phase in order for later in PHASES[phase])


def test_every_stop_reason_is_an_exit_reason() -> None:
    assert {reason.value for reason in StopReason} < {reason.value for reason in ExitReason}
