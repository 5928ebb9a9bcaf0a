"""All families, in their order: that order is a model's input, so its hash names the version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals_app.forecasts.bars import Bars
from signals_app.forecasts.features import (
    averages,
    distributions,
    oscillators,
    prices,
    risks,
    surroundings,
    trends,
    volatility,
    volumes,
)
from signals_app.forecasts.features.columns import Column, Family
from signals_app.forecasts.terms import HISTORY as HISTORY

REVISION = 1  # counts changes of a formula that keep its name and words
_MODULES = (prices, averages, oscillators, volatility, volumes, trends, distributions, risks, surroundings)
FAMILIES: Mapping[str, Family] = {
    name: family for module in _MODULES for name, family in module.FAMILIES.items()
}


@dataclass(frozen=True, slots=True)
class Features:
    """values: (contracts, times, names), of four bytes each: a year of a hundred contracts has to fit into memory."""

    names: tuple[str, ...]
    values: npt.NDArray[np.float32]

    def are_known(self) -> npt.NDArray[np.bool_]:
        """Of which (contracts, times) every feature is a finite number."""
        return np.asarray(np.isfinite(self.values).all(axis=2))


def columns(bars: Bars) -> Iterator[tuple[str, Column]]:
    """Family and column, in the order of the table."""
    with np.errstate(divide="ignore", invalid="ignore"):
        for family, give in FAMILIES.items():
            for column in give(bars):
                yield family, column


def features(bars: Bars) -> Features:
    found = [(column.name, column.values.astype(np.float32)) for _, column in columns(bars)]
    return Features(tuple(name for name, _ in found), np.stack([values for _, values in found], axis=2))


def version(bars: Bars) -> str:
    """16 hexadecimal digits over names, windows, formulas and their order, for candles of this length."""
    told = [f"{family} {one.name} {one.window} {one.formula}" for family, one in columns(bars)]
    return hashlib.sha256("\n".join([f"{REVISION} {bars.step_ms}", *told]).encode()).hexdigest()[:16]
