"""Made candles as the newest past of a paper exchange."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from signals_app.forecasts.bars import Bars
from signals_app.forecasts.batch import newest, only, opinions
from signals_app.forecasts.choosing import choose
from signals_app.forecasts.features.table import HISTORY
from signals_app.forecasts.model import Model
from signals_app.forecasts.terms import Direction

DIGITS = 2


def ending_now(bars: Bars, now: datetime) -> Bars:
    """The newest of them is the one that ended last."""
    length = bars.step_ms
    newest_ms = int(now.astimezone(UTC).timestamp() * 1000) // length * length - length
    count = len(bars.times)
    return replace(bars, times=newest_ms - length * np.arange(count - 1, -1, -1, dtype=np.int64))


def rows_of(bars: Bars, symbol: str) -> list[list[object]]:
    """As the hook of the paper exchange wants them, a row for each candle."""
    place = bars.symbols.index(symbol)
    told = [getattr(bars, name)[place] for name in ("open", "high", "low", "close", "volume")]
    return [
        [int(at), *(round(float(figure), DIGITS) for figure in figures)]
        for at, *figures in zip(bars.times, *told, strict=True)
    ]


def until_it_sees(model: Model, bars: Bars, symbol: str, side: Direction, profile: str) -> Bars:
    """The first past at whose end the model calls this side of this contract, and would be heard; also while the pasts
    of those after it have not come yet."""
    for end in range(HISTORY + 60, len(bars.times)):
        seen = bars.until(end)
        known = [_first(seen.last(HISTORY), count) for count in range(1, len(bars.symbols) + 1)]
        if all(_chosen(model, one, symbol, profile) is side for one in known):
            return seen
    raise AssertionError(f"the model never calls {side.name}")


def _first(bars: Bars, count: int) -> Bars:
    return only(bars, np.arange(len(bars.symbols)) < count)


def _chosen(model: Model, bars: Bars, symbol: str, profile: str) -> Direction | None:
    made = newest(bars)
    opinion = opinions(bars, made, model.answers(made.rows))[bars.symbols.index(symbol)]
    return choose(opinion.views, opinion.usual_move, profile).direction
