"""Words about a model are those that its figures allow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from signals_app.forecasts.calibration import Calibration
from signals_app.forecasts.model import Model
from signals_app.forecasts.scores import Scores
from signals_app.forecasts.training import OutOfSample
from signals_app.forecasts.verdicts import LEAST_CANDLES, better, worth
from tests.forecasts.test_training import a_tree

GOOD = Scores(
    answers=5000, log_loss=1.0, log_loss_of_shares=1.1, skill=0.09, skill_sureness=6.0, side_skill=0.05,
    side_sureness=5.0, return_skill=0.02, return_sureness=3.0, brier=0.6, accuracy=0.5,
    accuracy_of_most_frequent=0.4, calls=900, hit_rate=0.6, per_call=0.001, per_call_sureness=4.0,
    baselines={"always long": -0.001, "always short": -0.002}, calibration_error=0.01, reliability=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"skill_sureness": 2.9}, "at no horizon did it foresee more than the usual shares"),
        ({"skill": -0.01}, "at no horizon did it foresee more than the usual shares"),
        ({"side_sureness": 2.9}, "it foresees how far prices will move (4h) and not which way"),
        ({"per_call": -0.0003}, "at 4h 900 calls earned -0.030% each after costs."),
        ({"per_call_sureness": 1.9}, "not enough to pay 0.14% a trade"),
        ({"baselines": {"always long": 0.002}}, "'always long' 0.200%"),
        ({"calls": 0, "per_call": None, "per_call_sureness": 0.0}, "at 4h it never called a side"),
    ],
)
def test_one_thing_that_is_missing_is_enough(changed: dict[str, object], sentence: str) -> None:
    found = worth({"4h": replace(GOOD, **changed)}, 0.0014)
    assert not found.holds
    assert found.sentence.startswith("Not worth using: ")
    assert sentence in found.sentence


def test_one_good_horizon_is_enough() -> None:
    found = worth({"1h": replace(GOOD, skill=-0.1), "4h": GOOD}, 0.0014)
    assert found.holds
    assert "at 4h its 900 calls earned 0.100% each after costs" in found.sentence


def test_different_skills_at_different_horizons_are_not_added_up() -> None:
    blind, poor = replace(GOOD, side_sureness=0.0), replace(GOOD, per_call=-0.01)
    assert not worth({"1h": blind, "4h": poor}, 0.0014).holds


TIMES = 600


def unseen(lean: float) -> OutOfSample:
    """Somebody who gives about so much to what came true."""
    rng = np.random.default_rng(1)
    truth = rng.choice(3, TIMES)
    leans = lean * rng.random((TIMES, 1))
    said = (1 - leans) / 3 + leans * np.eye(3)[truth]
    return OutOfSample(np.arange(TIMES), said, truth, rng.normal(size=(TIMES, 1)).astype(np.float32))


def guessing(horizon: str = "4h") -> Model:
    """It says a third of each, whatever it is asked."""
    trees = a_tree(0, 0.0, (0.0, 0.0), 0)
    return Model("v1", {f"{horizon}/direction": trees, f"{horizon}/return": replace(trees, baseline=np.zeros(1))},
                 {horizon: Calibration(1.0, np.zeros(3))})  # fmt: skip


@pytest.mark.parametrize(
    ("lean", "holds", "word"), [(0.2, True, "lower"), (-0.2, False, "higher"), (0.0, False, "needed")]
)
def test_the_newer_is_better_only_where_it_was_nearer_the_truth(lean: float, holds: bool, word: str) -> None:
    found = better(guessing(), {"4h": unseen(lean)}, 0)
    assert found.holds is holds
    assert word in found.sentence


@pytest.mark.parametrize(
    ("since", "holds"), [(TIMES - LEAST_CANDLES, True), (TIMES - LEAST_CANDLES + 1, False)]
)
def test_a_few_candles_decide_nothing(since: int, holds: bool) -> None:
    assert better(guessing(), {"4h": unseen(0.5)}, since).holds is holds


def test_what_only_one_of_them_answers_is_not_compared() -> None:
    found = better(guessing("1h"), {"4h": unseen(0.5)}, 0)
    assert not found.holds
    assert "only 0 candles are new to both" in found.sentence


def test_only_what_is_new_to_both_counts() -> None:
    known = unseen(0.2)
    known.probabilities[:300] = np.roll(known.probabilities[:300], 1, axis=1)
    assert better(guessing(), {"4h": known}, 300).holds
