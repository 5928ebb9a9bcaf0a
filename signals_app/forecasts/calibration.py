"""What a model calls 60 % should come true six times in ten."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals_app.forecasts.bars import Floats

LEAST = 1e-4  # nothing is certain: a probability stays this far from 0 and 1
MAX_STEPS, TOLERANCE, RIDGE = 100, 1e-9, 1e-3


def softmax(raw: Floats) -> Floats:
    """Rows of raw answers as probabilities, each strictly between 0 and 1."""
    shares = np.clip(_shares(raw), LEAST, 1)
    known: Floats = shares / shares.sum(axis=1, keepdims=True)
    return known


def _shares(raw: Floats) -> Floats:
    grown = np.exp(raw - raw.max(axis=1, keepdims=True))
    known: Floats = grown / grown.sum(axis=1, keepdims=True)
    return known


@dataclass(frozen=True, slots=True)
class Calibration:
    """One temperature for all answers and a shift for each (temperature and bias scaling, Guo 2017): it can flatten
    and shift a model, and cannot turn its order round, for the scale stays positive."""

    scale: float
    shifts: Floats

    def probabilities(self, raw: Floats) -> Floats:
        return softmax(self.scale * (raw - raw.mean(axis=1, keepdims=True)) + self.shifts)

    def packed(self) -> Floats:
        return np.concatenate([[self.scale], self.shifts])


def calibration_of(values: Floats) -> Calibration:
    return Calibration(float(values[0]), values[1:])


def fitted(raw: Floats, truth: npt.NDArray[np.int64]) -> Calibration:
    """The scale and shifts with the least log loss on answers the model had not learned from. Newton's steps on a
    convex loss, halved while they go too far; the scale is drawn to 1 where there is little to learn from."""
    centred = raw - raw.mean(axis=1, keepdims=True)
    classes = raw.shape[1]
    known = np.eye(classes)[truth]
    weights = np.concatenate([[1.0], np.zeros(classes)])
    for _ in range(MAX_STEPS):
        step = _shortened(centred, known, weights, _step(centred, known, weights))
        weights = weights - step
        if np.abs(step).max() < TOLERANCE:
            break
    return Calibration(max(float(weights[0]), 0.0), weights[1:] - weights[1:].mean())


def _shortened(centred: Floats, known: Floats, weights: Floats, step: Floats) -> Floats:
    """A model that boasts is far from where a whole step leads to anything better."""
    least = _loss(centred, known, weights)
    while np.abs(step).max() >= TOLERANCE and _loss(centred, known, weights - step) > least:
        step = step / 2
    return step


def _loss(centred: Floats, known: Floats, weights: Floats) -> float:
    said = (_shares(weights[0] * centred + weights[1:]) * known).sum(axis=1)
    away = np.concatenate([[weights[0] - 1], weights[1:]])
    return float(-np.log(np.maximum(said, 1e-300)).mean() + RIDGE * (away @ away) / 2)


def _step(centred: Floats, known: Floats, weights: Floats) -> Floats:
    rows, classes = centred.shape
    shares = _shares(weights[0] * centred + weights[1:])
    design = np.concatenate(
        [centred[:, :, None], np.broadcast_to(np.eye(classes), (rows, classes, classes))], axis=2
    )
    away = np.concatenate([[weights[0] - 1], weights[1:]])
    slope = np.einsum("rc,rcp->p", shares - known, design) / rows + RIDGE * away
    weighted = design * shares[:, :, None]
    middle = weighted.sum(axis=1)
    curve = np.einsum("rcp,rcq->pq", weighted, design) / rows - middle.T @ middle / rows
    return np.linalg.solve(curve + RIDGE * np.eye(len(weights)), slope)
