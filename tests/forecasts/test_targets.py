"""What a model learns: what came after, net of what it costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from signals_app.forecasts.splits import walk_forward
from signals_app.forecasts.targets import UNKNOWN, VOLATILITY_SHARE, Direction, target
from tests.forecasts.made_candles import bars_from, noise

COST = 0.0014


@pytest.mark.parametrize(("horizon", "ahead"), [("15m", 1), ("1h", 4), ("4h", 16), ("12h", 48)])
def test_the_return_is_that_of_the_close_so_many_candles_later(horizon: str, ahead: int) -> None:
    bars = noise(300)
    found = target(bars, horizon)
    assert found.bars == ahead
    assert found.returns[0, 100] == pytest.approx(np.log(bars.close[0, 100 + ahead] / bars.close[0, 100]))


def test_what_nobody_knows_yet_is_no_outcome() -> None:
    found = target(noise(300), "4h")
    assert np.isnan(found.returns[:, -16:]).all()
    assert (found.directions[:, -16:] == UNKNOWN).all()
    assert (found.directions[:, -17] != UNKNOWN).all()


def test_a_missing_candle_makes_its_outcomes_unknown() -> None:
    bars = noise(300)
    bars.close[0, 200] = np.nan
    found = target(bars, "1h")
    assert found.directions[0, 196] == found.directions[0, 200] == UNKNOWN
    assert found.directions[1, 196] != UNKNOWN


@pytest.mark.parametrize(
    ("move", "direction"),
    [
        (COST * 1.1, Direction.LONG),
        (COST * 0.9, Direction.NEUTRAL),
        (-COST * 0.9, Direction.NEUTRAL),
        (-COST * 1.1, Direction.SHORT),
    ],
)
def test_a_move_that_does_not_pay_its_costs_is_no_direction(move: float, direction: Direction) -> None:
    returns = np.full((1, 200), 1e-6)
    returns[0, 150] = move
    assert target(bars_from(returns, 1), "15m", COST).directions[0, 149] == direction


def test_nor_is_one_that_is_small_for_this_market() -> None:
    returns = np.where(np.arange(200) % 2, 0.01, -0.01)[None, :]
    returns[0, 150] = VOLATILITY_SHARE * 0.01 * 0.9
    assert target(bars_from(returns, 1), "15m", COST).directions[0, 149] == Direction.NEUTRAL


def test_the_outcome_looks_ahead_and_its_threshold_does_not() -> None:
    bars = noise(300)
    changed = replace(bars, close=bars.close.copy())
    changed.close[:, 250:] *= np.linspace(1, 3, 50)
    here, there = target(bars, "1h"), target(changed, "1h")
    assert np.array_equal(here.directions[:, :246], there.directions[:, :246])
    assert not np.array_equal(here.directions[:, 246:250], there.directions[:, 246:250])


@pytest.mark.parametrize("ahead", [1, 4, 16, 48])
@pytest.mark.parametrize("folds", [1, 3, 5])
def test_no_outcome_of_what_is_learned_from_reaches_into_what_is_judged(ahead: int, folds: int) -> None:
    times, embargo = 1000, 48
    found = list(walk_forward(times, folds, ahead, embargo))
    for fold in found:
        last_outcome = fold.trained - 1 + ahead
        assert last_outcome + embargo < fold.begin
    assert [fold.begin for fold in found[1:]] == [fold.end for fold in found[:-1]]
    assert (found[0].begin, found[-1].end) == (400, times)


@pytest.mark.parametrize(("times", "folds"), [(120, 1), (1000, 0), (160, 97)])
def test_too_few_candles_make_no_fold(times: int, folds: int) -> None:
    with pytest.raises(ValueError, match="too few"):
        list(walk_forward(times, folds, 16, 48))
