"""All contracts at the end of one candle: which of them can be forecast, and what was answered of each. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from signals_app.forecasts.bars import Bars, Floats
from signals_app.forecasts.choosing import MAIN, View
from signals_app.forecasts.features.table import HISTORY, features
from signals_app.forecasts.model import Answer
from signals_app.forecasts.targets import bars_ahead, least_move

GRIDS = ("open", "high", "low", "close", "volume")
USUAL = "deviation_20"


class NoAnswer(ValueError):
    """What was answered is none."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was answered of one contract, whatever filter is used on it afterwards. least: from which move on each
    horizon is a direction; usual_move: deviation of the main horizon's log return."""

    views: Mapping[str, View]
    least: Mapping[str, float]
    usual_move: float

    @property
    def numbers(self) -> list[float]:
        """All of them, to tell two opinions apart."""
        return [number for view in self.views.values() for number in (*view.probabilities, view.expected)]


@dataclass(frozen=True, slots=True)
class Newest:
    """Features of the newest candle. rows: (contracts, names)."""

    names: tuple[str, ...]
    rows: Floats

    def are_known(self) -> npt.NDArray[np.bool_]:
        return np.asarray(np.isfinite(self.rows).all(axis=1))


def newest(bars: Bars) -> Newest:
    made = features(bars)
    return Newest(made.names, made.values[:, -1, :].astype(np.float64))


def only(bars: Bars, chosen: npt.NDArray[np.bool_]) -> Bars:
    """The same times of fewer contracts."""
    symbols = tuple(symbol for symbol, is_chosen in zip(bars.symbols, chosen, strict=True) if is_chosen)
    return replace(bars, symbols=symbols, **{name: getattr(bars, name)[chosen] for name in GRIDS})


def incomplete(bars: Bars) -> dict[str, str]:
    """Contracts whose features cannot all be known, each with its reason."""
    known = np.asarray(np.isfinite(np.stack([getattr(bars, name) for name in GRIDS])).all(axis=0))
    found = {}
    for symbol, row in zip(bars.symbols, known, strict=True):
        if not row[-1]:
            found[symbol] = "its newest candle has not come"
        elif (count := int(row[-HISTORY:].sum())) < HISTORY:
            found[symbol] = f"{count} of its last {HISTORY} candles are known"
    return found


def keys(bars: Bars, asked: str) -> list[str]:
    """Of each contract's answer. A contract's own candles are in it, and those of all others, for it is seen beside
    them; so are its name and who is asked."""
    everyone = hashlib.sha256(repr((asked, bars.symbols)).encode() + bars.times.tobytes())
    for name in GRIDS:
        everyone.update(np.ascontiguousarray(getattr(bars, name)).tobytes())
    return [_key(everyone.digest(), symbol, bars, row) for row, symbol in enumerate(bars.symbols)]


def _key(everyone: bytes, symbol: str, bars: Bars, row: int) -> str:
    own = hashlib.sha256(everyone + symbol.encode())
    for name in GRIDS:
        own.update(np.ascontiguousarray(getattr(bars, name)[row]).tobytes())
    return f"{symbol} {own.hexdigest()}"


def opinions(bars: Bars, made: Newest, answers: Mapping[str, Answer]) -> list[Opinion]:
    """In the order of the contracts. Raises NoAnswer for numbers that are no probabilities."""
    _check(answers, len(bars.symbols))
    least = {horizon: least_move(bars, horizon)[:, -1] for horizon in answers}
    moves = made.rows[:, made.names.index(USUAL)] * np.sqrt(bars_ahead(bars, MAIN))
    return [_opinion(answers, least, moves, row) for row in range(len(bars.symbols))]


def _check(answers: Mapping[str, Answer], contracts: int) -> None:
    if not answers:
        raise NoAnswer("no horizon was answered")
    for horizon, one in answers.items():
        shares, returns = one.probabilities, one.returns
        if shares.shape != (contracts, 3) or returns.shape != (contracts,):
            raise NoAnswer(f"{horizon}: not one answer for each of {contracts} contracts")
        are_shares = ((shares > 0) & (shares < 1)).all() and np.allclose(shares.sum(axis=1), 1, atol=1e-6)
        if not (are_shares and np.isfinite(returns).all()):
            raise NoAnswer(f"{horizon}: what was answered are no probabilities")


def _opinion(answers: Mapping[str, Answer], least: Mapping[str, Floats], moves: Floats, row: int) -> Opinion:
    views = {horizon: _view(one, row) for horizon, one in answers.items()}
    return Opinion(views, {name: float(values[row]) for name, values in least.items()}, float(moves[row]))


def _view(answer: Answer, row: int) -> View:
    long, short, neutral = (float(share) for share in answer.probabilities[row])
    return View((long, short, neutral), float(answer.returns[row]))


def numbers(found: Sequence[Opinion]) -> Floats:
    return np.asarray([one.numbers for one in found], dtype=np.float64)
