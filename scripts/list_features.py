"""`python -m scripts.list_features` writes docs/forecast-features.md anew from the code that reckons them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np

from signals_app.forecasts.bars import Bars
from signals_app.forecasts.features.table import FAMILIES, columns
from signals_app.forecasts.terms import HISTORY

PAGE = Path(__file__).parents[1] / "docs/forecast-features.md"
QUARTER_MS = 900_000
INTRODUCTION = """\
{columns} numbers of each contract at the end of each candle, in {families} families, in the order in which a model is
given them. Window: how many candles one looks at, the newest included; none looks at a later one, and none depends on
the unit of price or volume. Words like 1h are times, whatever a candle lasts; windows are those of candles of 15
minutes.
Written by `python -m scripts.list_features`; a test compares it with the code."""


def page() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    found = [(family, column) for family, column in columns(_still_market())]
    yield "# Features of forecasts"
    yield ""
    yield INTRODUCTION.format(columns=len(found), families=len(FAMILIES))
    for family, rows in groupby(found, lambda one: one[0]):
        yield ""
        yield f"## {family.replace('_', ' ')}"
        yield ""
        yield "| name | window | formula |"
        yield "| --- | ---: | --- |"
        for _, column in rows:
            formula = column.formula.replace("|", "\\|")
            yield f"| `{column.name}` | {column.window} | {formula} |"


def _still_market() -> Bars:
    """Names, windows and formulas do not depend on prices."""
    times = QUARTER_MS * np.arange(HISTORY, dtype=np.int64)
    ones = np.ones((1, HISTORY))
    return Bars(("BTCUSDT",), times, ones, ones, ones, ones, ones)


if __name__ == "__main__":
    PAGE.write_text(page())
