"""Asks the model in use about a batch, or the simple rules where it cannot be asked. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from django.conf import settings

from signals_app.forecast_models import ForecastModel, ForecastSource
from signals_app.forecasts import batch, rules
from signals_app.forecasts.asking import NotAsked, Recent, deadline, model_of
from signals_app.forecasts.bars import Bars
from signals_app.forecasts.batch import NoAnswer, Opinion
from signals_app.forecasts.drift import are_identical
from signals_app.forecasts.reckoned import NO_MODEL, NOT_FINITE

NOBODY = "no contract can be forecast"
OPINIONS_KEPT = 2000

# an answer is the same for every account that sees the same candles
remembered: Recent[Opinion] = Recent(OPINIONS_KEPT)


@dataclass(frozen=True, slots=True)
class Answered:
    """reason: why no model answered. identical: groups of contracts whose answers are the same."""

    source: ForecastSource
    reason: str
    model_id: int | None
    opinions: dict[str, Opinion]
    left_out: dict[str, str]
    identical: list[list[str]] = field(default_factory=list)


class Batch:
    """Contracts that can be forecast at the newest of these candles. Features are reckoned once, and only where an
    answer is not remembered."""

    def __init__(self, bars: Bars) -> None:
        self.left_out = batch.incomplete(bars)
        self.bars = batch.only(bars, np.array([symbol not in self.left_out for symbol in bars.symbols]))

    @cached_property
    def newest(self) -> batch.Newest:
        """Without contracts of which something is not a number."""
        made = batch.newest(self.bars)
        known = made.are_known()
        lost = [symbol for symbol, is_known in zip(self.bars.symbols, known, strict=True) if not is_known]
        self.left_out |= dict.fromkeys(lost, NOT_FINITE)
        self.bars = batch.only(self.bars, known)
        return batch.Newest(made.names, made.rows[known])


def answered(bars: Bars, row: ForecastModel | None) -> Answered:
    """row: the model in use."""
    asked = Batch(bars)
    if not asked.bars.symbols:
        return Answered(ForecastSource.FALLBACK, NOBODY, None, {}, asked.left_out)
    try:
        found = _by_model(asked, row)
        return _told(asked, ForecastSource.MODEL, "", row, found)
    except NotAsked as why:
        return _told(asked, ForecastSource.FALLBACK, str(why), None, _by_rules(asked))


def _told(
    asked: Batch, source: ForecastSource, reason: str, row: ForecastModel | None, found: Sequence[Opinion]
) -> Answered:
    if not found:
        return Answered(source, NOBODY, None, {}, asked.left_out)
    symbols = asked.bars.symbols
    groups = are_identical(batch.numbers(found))
    same = [[symbols[place] for place in group] for group in groups]
    by_symbol = dict(zip(symbols, found, strict=True))
    return Answered(source, reason, row.pk if row else None, by_symbol, asked.left_out, same)


def _by_model(asked: Batch, row: ForecastModel | None) -> list[Opinion]:
    if row is None:
        raise NotAsked(NO_MODEL)
    model = model_of(row)
    if known := _remembered(asked.bars, row.sha256):
        return known
    made = asked.newest
    if not asked.bars.symbols:
        return []
    about = (row.sha256, int(asked.bars.times[-1]))
    answers = deadline.ask(model, made.rows, settings.FORECAST_MODEL_SECONDS, about)
    try:
        found = batch.opinions(asked.bars, made, answers)
    except NoAnswer as error:
        raise NotAsked(f"model {row.pk} says what cannot be: {error}") from error
    return _kept(asked.bars, row.sha256, found)


def _by_rules(asked: Batch) -> list[Opinion]:
    made = asked.newest
    if not asked.bars.symbols:
        return []
    return batch.opinions(asked.bars, made, rules.answers(made.rows, made.names))


def _remembered(bars: Bars, who: str) -> list[Opinion]:
    """All of them or none: they were reckoned together."""
    known = [remembered.get(key) for key in batch.keys(bars, who)]
    return [one for one in known if one is not None] if None not in known else []


def _kept(bars: Bars, who: str, found: list[Opinion]) -> list[Opinion]:
    for key, one in zip(batch.keys(bars, who), found, strict=True):
        remembered.put(key, one)
    return found
