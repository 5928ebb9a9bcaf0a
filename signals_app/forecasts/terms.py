"""The words and limits that forecasts are said in. Needs no numpy: pages and workers read them too."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

HISTORY = 200  # candles that the newest feature needs
HORIZONS: Mapping[str, int] = {"15m": 15, "1h": 60, "4h": 240, "12h": 720}  # minutes
ROUND_TRIP_COST = 0.0014  # two taker fees of 0.05 % and two slips of 0.02 %
LABELS = ((0.75, "excellent"), (0.60, "good"), (0.45, "moderate"), (0.30, "poor"))
SMALL_DRIFT, LARGE_DRIFT = 0.1, 0.25  # below nothing moved, above the population is another


class Direction(IntEnum):
    """The numbers are the order of a model's three answers. A model that mixed them up would trade backwards: they
    are written down here, in each model's card, and compared when one is opened."""

    LONG = 0
    SHORT = 1
    NEUTRAL = 2


CLASSES = tuple(one.name for one in Direction)


def label_of(quality: float) -> str:
    return next((label for least, label in LABELS if quality >= least), "too poor")
