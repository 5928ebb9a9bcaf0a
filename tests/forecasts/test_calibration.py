"""What is called 60 % comes true six times in ten, and who was ahead stays ahead."""

from __future__ import annotations

import numpy as np
import pytest

from signals_app.forecasts.calibration import LEAST, Calibration, calibration_of, fitted, softmax
from signals_app.forecasts.scores import calibration_error, reliability

ROWS = 4000


def drawn(raw: np.ndarray, seed: int = 1) -> np.ndarray:
    """What came true, as often as `raw` says."""
    chances = softmax(raw).cumsum(axis=1)
    return (np.random.default_rng(seed).random((len(raw), 1)) > chances[:, :2]).sum(axis=1)


def honest() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(ROWS, 3))


@pytest.mark.parametrize("boast", [0.3, 1.0, 5.0])
def test_whoever_boasts_or_is_shy_is_set_right(boast: float) -> None:
    raw = honest()
    truth = drawn(raw)
    found = fitted(boast * raw, truth)
    assert found.scale == pytest.approx(1 / boast, rel=0.15)
    assert calibration_error(reliability(found.probabilities(boast * raw), truth)) < 0.02


def test_a_class_that_comes_more_often_than_it_was_said_is_shifted() -> None:
    raw = honest()
    truth = drawn(raw + np.array([1.0, 0.0, 0.0]))
    found = fitted(raw, truth)
    assert found.probabilities(raw).mean(axis=0)[0] == pytest.approx((truth == 0).mean(), abs=0.01)


def test_whoever_is_always_wrong_is_silenced_and_not_turned_round() -> None:
    raw = honest()
    found = fitted(raw, drawn(-raw))
    assert found.scale == 0
    assert np.ptp(found.probabilities(raw), axis=0) == pytest.approx(0)


def test_nothing_to_learn_from_changes_nothing_much() -> None:
    found = fitted(honest()[:1], np.array([0]))
    assert np.isfinite(found.packed()).all()


@pytest.mark.parametrize("raw", [[1e6, -1e6, 0], [-1e308, 0, 1e308], [0, 0, 0]])
def test_nothing_is_certain(raw: list[float]) -> None:
    found = Calibration(1.0, np.zeros(3)).probabilities(np.array([raw], dtype=float) / 1e3)
    assert (found > LEAST / 2).all()
    assert (found < 1).all()
    assert found.sum() == pytest.approx(1)


def test_it_is_kept_as_numbers() -> None:
    known = Calibration(0.7, np.array([0.1, -0.2, 0.1]))
    again = calibration_of(known.packed())
    assert again.scale == known.scale
    assert np.array_equal(again.shifts, known.shifts)
