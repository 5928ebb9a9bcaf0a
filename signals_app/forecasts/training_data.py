"""Where the candles of a training come from. Reads only."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np

from exchanges.models import ExchangeAccount
from exchanges.types import Timeframe
from signals_app.forecasts.bars import Bars
from signals_app.forecasts.candle_files import BadFile, bars_of_files
from signals_app.forecasts.stored import stored_bars

KINDS = ("*.csv", "*.csv.gz")


class NoCandles(ValueError):
    """There is nothing to train with, and why."""


@dataclass(frozen=True, slots=True)
class Source:
    """words: where they are from, as the card says it."""

    bars: Bars
    words: str


def stored(account: ExchangeAccount, timeframe: Timeframe, of_paper: bool, days: int) -> Source:
    """Raises NoCandles."""
    found = stored_bars(account, timeframe, of_paper, timedelta(days=days) // timeframe.length)
    if found is None:
        raise NoCandles(
            f"no candles of {timeframe} are stored for {account.name}: a forecast feed keeps them"
        )
    return Source(_since_the_first(found), f"stored candles of {account.name}")


def _since_the_first(bars: Bars) -> Bars:
    """Without the times before there was any."""
    known = np.isfinite(bars.close).any(axis=0)
    return bars.last(len(bars.times) - int(known.argmax()))


def of_files(places: Sequence[str], timeframe: Timeframe) -> Source:
    """places: files, folders of them, or patterns. Raises NoCandles."""
    paths = sorted({path for place in places for path in _paths(place)})
    if not paths:
        raise NoCandles(f"there is no file of candles at {', '.join(places)}")
    try:
        return Source(bars_of_files(paths, timeframe), f"files {', '.join(path.name for path in paths)}")
    except BadFile as error:
        raise NoCandles(str(error)) from error


def _paths(place: str) -> list[Path]:
    folder = Path(place)
    if folder.is_dir():
        return [path for kind in KINDS for path in folder.glob(kind)]
    return [Path(found) for found in glob.glob(place)]
