"""What a family of features gives: named columns that say how they are reckoned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from signals_app.forecasts.bars import Bars, Floats


class Column(NamedTuple):
    """window: how many candles it looks at, the newest included. values: (contracts, times), the value of each
    candle once it is over. None depends on the unit of price or volume."""

    name: str
    window: int
    formula: str
    values: Floats


Columns = Iterator[Column]
Family = Callable[[Bars], Columns]
