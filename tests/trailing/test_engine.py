from __future__ import annotations

from decimal import Decimal as D

import pytest

from exchanges.types import PositionSide
from tests.trailing.tables import LONG, SHORT, params
from trailing.engine import PHASES, IllegalPhase, TrailingPhase, TrailingState


def test_activation_is_percent_of_the_entry_into_profit() -> None:
    assert (LONG.activation_price, SHORT.activation_price) == (D("101.5"), D("98.5"))


@pytest.mark.parametrize(
    ("side", "stop", "rounded"),
    [
        (PositionSide.LONG, "99.19", "99.1"),
        (PositionSide.LONG, "99.10", "99.1"),
        (PositionSide.SHORT, "100.81", "100.9"),
        (PositionSide.SHORT, "100.80", "100.8"),
    ],
)
def test_a_stop_is_rounded_to_the_tick_away_from_the_market(
    side: PositionSide, stop: str, rounded: str
) -> None:
    assert params(side=side).away_from_market(D(stop)) == D(rounded)


@pytest.mark.parametrize("tick", ["0.5", "0.25", "5", "0.00001"])
def test_any_tick_will_do(tick: str) -> None:
    stop = params(price_increment=D(tick)).away_from_market(D("99.19"))
    assert stop % D(tick) == 0
    assert D("99.19") - D(tick) < stop <= D("99.19")


def test_better_means_further_into_profit() -> None:
    assert LONG.is_better(D(101), D(100))
    assert SHORT.is_better(D(99), D(100))
    assert not LONG.is_better(D(100), D(100))
    assert not SHORT.is_better(D(100), D(100))


@pytest.mark.parametrize(
    "values",
    [
        {"entry_price": D(0)},
        {"entry_price": D(-1)},
        {"entry_price": D("NaN")},
        {"entry_price": D("Infinity")},
        {"callback_rate": D(0)},
        {"callback_rate": D(100)},
        {"callback_rate": D("NaN")},
        {"stop_loss_percent": D(0)},
        {"stop_loss_percent": D(100)},
        {"stop_loss_percent": D("-0.1")},
        {"activation_percent": D("-0.1")},
        {"activation_percent": D("NaN")},
        {"activation_percent": D("Infinity")},
        {"price_increment": D(0)},
    ],
    ids=lambda values: " ".join(f"{name}={value}" for name, value in values.items()),
)
def test_parameters_that_make_no_sense_are_refused(values: dict[str, D]) -> None:
    with pytest.raises(ValueError, match="must"):
        params(**values)


def test_trailing_may_start_at_the_entry_itself() -> None:
    assert params(activation_percent=D(0)).activation_price == D(100)


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
