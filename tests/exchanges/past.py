"""The made-up past of a paper exchange: five hours of prices at each start. What one seed makes is made once."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

from exchanges.paper.candles import CANDLE_MS, Candle
from exchanges.paper.prices import PriceProcess
from exchanges.paper.venue import PaperVenue, now_ms

_make = PaperVenue._make_history
_made: dict[int, Past] = {}


class Past:
    """The candles, as of one minute, and where the making of them left dice and walks."""

    def __init__(self, venue: PaperVenue) -> None:
        self._minute = now_ms() // CANDLE_MS
        _make(venue)
        self._rows = {symbol: minutes.rows() for symbol, minutes in venue.engine.minutes.items()}
        self._process = _state(venue.process)

    def give(self, venue: PaperVenue) -> None:
        self._go_on_to(now_ms() // CANDLE_MS)
        for symbol, rows in self._rows.items():
            venue.engine.minutes[symbol]._rows.extend(rows)
        vars(venue.process).update(deepcopy(self._process))

    def _go_on_to(self, minute: int) -> None:
        """The past ends in the minute before now."""
        later, self._minute = (minute - self._minute) * CANDLE_MS, minute
        if later:
            self._rows = {symbol: [_moved(row, later) for row in rows] for symbol, rows in self._rows.items()}


def _moved(row: Candle, later: int) -> Candle:
    return replace(row, open_ms=row.open_ms + later)


def _state(process: PriceProcess) -> dict[str, Any]:
    return deepcopy({"_random": process._random, "_walks": process._walks})


def remember_pasts() -> None:
    """For each seed and regime, from here on."""
    PaperVenue._make_history = _as_before  # type: ignore[method-assign]


def _as_before(venue: PaperVenue) -> None:
    key = hash((venue.process._random.getstate(), venue.process._fixed, *venue.process.prices().items()))
    if key in _made:
        _made[key].give(venue)
    else:
        _made[key] = Past(venue)
