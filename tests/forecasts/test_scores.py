"""Who knows nothing scores nothing, in every figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from signals_app.forecasts.scores import Judged, gain, reliability, scores
from signals_app.forecasts.targets import Direction

ROWS, COST = 6000, 0.0014
SHARES = np.array([0.3, 0.3, 0.4])


def judged(seed: int = 1) -> Judged:
    """Of somebody who always says the usual shares."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, ROWS, p=SHARES)
    size = np.where(truth == Direction.NEUTRAL, 0.0005, 0.004) * rng.choice([-1, 1], ROWS)
    returns = np.where(truth == Direction.LONG, 0.004, np.where(truth == Direction.SHORT, -0.004, size))
    shares = np.tile(SHARES, (ROWS, 1))
    momentum = rng.normal(size=ROWS)
    return Judged(shares, np.zeros(ROWS), truth, returns, np.arange(ROWS), shares, momentum)


def leaning(to: np.ndarray, by: float) -> np.ndarray:
    """The usual shares, with so much more for one answer."""
    found = np.tile(SHARES * (1 - by), (ROWS, 1))
    found[np.arange(ROWS), to] += by
    return found


def test_the_usual_shares_have_no_skill_and_make_no_call() -> None:
    found = scores(judged())
    assert (found.skill, found.side_skill, found.return_skill, found.calls) == (0, 0, 0, 0)
    assert (found.hit_rate, found.per_call) == (None, None)
    assert (found.foresees, found.sees_sides, found.pays) == (False, False, False)


def test_who_sees_it_coming_foresees_sees_sides_and_is_paid() -> None:
    known = judged()
    found = scores(replace(known, probabilities=leaning(known.truth, 0.3), expected=known.returns / 2))
    assert (found.foresees, found.sees_sides, found.pays, found.is_worth_using) == (True,) * 4
    assert found.hit_rate == 1
    assert found.per_call == pytest.approx(np.expm1(0.004) - COST, abs=2e-5)
    assert found.return_skill == pytest.approx(0.75)


def test_who_sees_how_far_and_not_which_way_is_not_worth_using() -> None:
    """The easiest skill there is: that a wild market stays wild."""
    known = judged()
    wild = known.truth != Direction.NEUTRAL
    sides = np.where(wild[:, None], [0.45, 0.45, 0.1], [0.15, 0.15, 0.7])
    found = scores(replace(known, probabilities=sides))
    assert found.foresees
    assert found.side_skill == pytest.approx(0)
    assert not found.is_worth_using


def test_who_sees_less_than_it_costs_is_not_paid() -> None:
    known = judged()
    small = replace(known, returns=known.returns / 4, probabilities=leaning(known.truth, 0.3))
    found = scores(small)
    assert found.sees_sides
    assert found.per_call is not None
    assert found.per_call < 0
    assert not found.pays


def test_who_says_the_opposite_is_worse_than_who_knows_nothing() -> None:
    known = judged()
    opposite = np.choose(known.truth, [Direction.SHORT, Direction.LONG, Direction.NEUTRAL])
    found = scores(replace(known, probabilities=leaning(opposite, 0.2)))
    assert found.side_skill < 0
    assert found.hit_rate == 0
    assert not found.is_worth_using


def test_a_rise_of_everything_is_no_merit() -> None:
    """Always long pays in a rise; a model must do better than that."""
    known = judged()
    rise = replace(known, returns=np.full(ROWS, 0.004), truth=np.zeros(ROWS, dtype=int))
    found = scores(replace(rise, probabilities=leaning(rise.truth, 0.2)))
    assert found.baselines["always long"] == pytest.approx(found.per_call)
    assert not found.pays


def test_luck_in_one_moment_is_no_sureness() -> None:
    values = np.zeros(2400)
    values[100:150] = 1.0
    assert gain(values, np.arange(2400)).sureness < 1.1
    steady = 1 + np.random.default_rng(1).normal(size=2400)
    assert gain(steady, np.arange(2400)).sureness > 10


def test_many_contracts_at_one_moment_are_one_witness() -> None:
    rng = np.random.default_rng(1)
    moments = rng.normal(0.05, 1, 240)
    alone = gain(moments, np.arange(240))
    crowd = gain(np.repeat(moments, 50), np.repeat(np.arange(240), 50))
    assert crowd.sureness == pytest.approx(alone.sureness, rel=0.01)


def test_bins_hold_every_answer_once() -> None:
    known = judged()
    bins = reliability(known.probabilities, known.truth)
    assert sum(one.count for one in bins) == 3 * ROWS
    assert all(abs(one.said - one.came_true) < 0.02 for one in bins)
