"""A trained model as it is asked: features in, probabilities and returns of each horizon out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from signals_app.forecasts.bars import Floats
from signals_app.forecasts.calibration import Calibration, calibration_of
from signals_app.forecasts.forest import Forest, Unreadable, packed, unpacked
from signals_app.forecasts.targets import CLASSES, HORIZONS

DIRECTION, RETURN, CALIBRATION = "direction", "return", "calibration"


class OtherOrder(Unreadable):
    """Features or classes are not those the model was trained with: its answers would mean something else."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one horizon: probabilities (rows, LONG SHORT NEUTRAL), each strictly between 0 and 1; returns (rows,),
    logarithmic."""

    probabilities: Floats
    returns: Floats


@dataclass(frozen=True, slots=True)
class Model:
    """forests: by "<horizon>/direction" and "<horizon>/return"."""

    version: str
    forests: Mapping[str, Forest]
    calibrations: Mapping[str, Calibration]

    @property
    def horizons(self) -> tuple[str, ...]:
        return tuple(name for name in HORIZONS if f"{name}/{DIRECTION}" in self.forests)

    def answers(self, rows: Floats) -> dict[str, Answer]:
        return {name: self.answer(name, rows) for name in self.horizons}

    def answer(self, horizon: str, rows: Floats) -> Answer:
        raw = self.forests[f"{horizon}/{DIRECTION}"].raw(rows)
        returns = self.forests[f"{horizon}/{RETURN}"].raw(rows)[:, 0]
        return Answer(self.calibrations[horizon].probabilities(raw), returns)

    def to_bytes(self) -> bytes:
        shifts = {f"{CALIBRATION} {name}": one.packed() for name, one in self.calibrations.items()}
        told = {"version": np.array(self.version), "classes": np.array(CLASSES)}
        return packed(self.forests, **shifts, **told)


def opened(content: bytes, version: str) -> Model:
    """version: of the features it will be asked with. Raises Unreadable, OtherOrder."""
    forests, more = unpacked(content)
    try:
        trained, classes = str(more["version"]), tuple(more["classes"].tolist())
        model = Model(trained, forests, _calibrations(more))
        complete = all(
            f"{name}/{RETURN}" in forests and name in model.calibrations for name in model.horizons
        )
    except (KeyError, IndexError) as error:
        raise Unreadable(f"this is no model: {error} is missing") from error
    if not (model.horizons and complete):
        raise Unreadable("this is no model: a horizon is not complete")
    _same("features", trained, version)
    _same("classes", classes, CLASSES)
    return model


def _calibrations(more: Mapping[str, Floats]) -> dict[str, Calibration]:
    before = f"{CALIBRATION} "
    return {
        name.removeprefix(before): calibration_of(values)
        for name, values in more.items()
        if name.startswith(before)
    }


def _same(what: str, trained: Sequence[str], asked: Sequence[str]) -> None:
    if trained != asked:
        raise OtherOrder(f"trained with {what} {trained}, asked with {asked}: train it again")
