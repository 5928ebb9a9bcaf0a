"""What was trained as a row that is not saved yet, and how it does against the model in use. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from signals_app.forecast_models import ForecastModel
from signals_app.forecasts.bars import Bars
from signals_app.forecasts.card import Circumstances, card_of
from signals_app.forecasts.drift import reference
from signals_app.forecasts.forest import Unreadable
from signals_app.forecasts.known_models import hash_of, model_in_use, opened_model
from signals_app.forecasts.training import EMBARGO, Trained
from signals_app.forecasts.verdicts import Verdict, better, worth


@dataclass(frozen=True, slots=True)
class Candidate:
    """rival: the key of the model in use when the two were compared; None: there was none."""

    row: ForecastModel
    rival: int | None
    is_better: bool


def candidate(
    trained: Trained, bars: Bars, timeframe: str, of_paper: bool, now: datetime, told: Circumstances
) -> Candidate:
    content = trained.model.to_bytes()
    verdict = worth(trained.scores, trained.wishes.cost)
    row = ForecastModel(
        timeframe=timeframe,
        of_paper=of_paper,
        features_version=trained.model.version,
        content=content,
        sha256=hash_of(content),
        reference=reference(trained.seen.features).to_bytes(),
        card=card_of(trained, bars, timeframe, of_paper=of_paper, told=told),
        is_worth_using=verdict.holds,
        verdict=verdict.sentence,
        trained_until=datetime.fromtimestamp(int(bars.times[-1] + bars.step_ms) / 1000, UTC),
        trained_at=now,
    )
    return _compared(row, trained, bars) if verdict.holds else Candidate(row, None, False)


def _compared(row: ForecastModel, trained: Trained, bars: Bars) -> Candidate:
    known = model_in_use(row.timeframe, row.of_paper)
    if known is None:
        row.verdict += " No other was in use."
        return Candidate(row, None, True)
    try:
        found = _against(known, trained, bars)
    except Unreadable as error:
        row.verdict += f" Model {known.pk}, in use until then, cannot be asked: {error}."
        return Candidate(row, known.pk, True)
    told = "It takes the place of" if found.holds else "It does not take the place of"
    row.verdict += f" {told} model {known.pk}: {found.sentence}."
    return Candidate(row, known.pk, found.holds)


def _against(known: ForecastModel, trained: Trained, bars: Bars) -> Verdict:
    """New to both is what opened after the older one's last candle, as far away as a fold is from its training."""
    begin = known.trained_until + timedelta(milliseconds=EMBARGO * bars.step_ms)
    since = int((bars.times < begin.timestamp() * 1000).sum())
    return better(opened_model(known), trained.unseen, since)
