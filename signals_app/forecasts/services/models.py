"""Keeps what was trained, and says which model is asked. One at a time for each timeframe and kind of candles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from signals_app.forecast_models import ForecastModel, ModelState
from signals_app.forecasts.bars import Bars
from signals_app.forecasts.card import Circumstances, card_of
from signals_app.forecasts.drift import reference
from signals_app.forecasts.forest import Unreadable
from signals_app.forecasts.known_models import hash_of, model_in_use, opened_model
from signals_app.forecasts.training import EMBARGO, Trained
from signals_app.forecasts.verdicts import Verdict, better, worth

CHOOSING = "SELECT pg_advisory_xact_lock(hashtextextended('forecast model in use', 0))"


@dataclass(frozen=True, slots=True)
class _Rival:
    """The model in use when the two were compared; None: there was none."""

    pk: int | None
    is_beaten: bool
    sentence: str


def keep_model(
    trained: Trained,
    bars: Bars,
    timeframe: str,
    of_paper: bool,
    now: datetime,
    told: Circumstances | None = None,
) -> ForecastModel:
    """Put in use only where it is worth using and beats the one in use. Nothing is asked and reckoned while the
    transaction is open."""
    verdict = worth(trained.scores, trained.wishes.cost)
    rival = _rival(trained, bars, timeframe, of_paper) if verdict.holds else _Rival(None, False, "")
    content = trained.model.to_bytes()
    row = ForecastModel(
        timeframe=timeframe,
        of_paper=of_paper,
        features_version=trained.model.version,
        content=content,
        sha256=hash_of(content),
        reference=reference(trained.seen.features).to_bytes(),
        card=card_of(trained, bars, timeframe, of_paper=of_paper, told=told or Circumstances()),
        is_worth_using=verdict.holds,
        verdict=f"{verdict.sentence} {rival.sentence}".strip(),
        trained_until=datetime.fromtimestamp(int(bars.times[-1] + bars.step_ms) / 1000, UTC),
        trained_at=now,
    )
    return _kept(row, rival, now)


@transaction.atomic
def _kept(row: ForecastModel, rival: _Rival, now: datetime) -> ForecastModel:
    if rival.is_beaten:
        _alone()
        known = model_in_use(row.timeframe, row.of_paper)
        if (known.pk if known else None) == rival.pk:
            _take_its_place(row, now)
        else:
            row.verdict += " Another was put in use meanwhile, and stays."
    row.save()
    return row


def _rival(trained: Trained, bars: Bars, timeframe: str, of_paper: bool) -> _Rival:
    known = model_in_use(timeframe, of_paper)
    if known is None:
        return _Rival(None, True, "No other was in use.")
    try:
        found = _compared(trained, bars, known)
    except Unreadable as error:
        return _Rival(known.pk, True, f"Model {known.pk}, in use until then, cannot be asked: {error}.")
    told = "It takes the place of" if found.holds else "It does not take the place of"
    return _Rival(known.pk, found.holds, f"{told} model {known.pk}: {found.sentence}.")


def _compared(trained: Trained, bars: Bars, known: ForecastModel) -> Verdict:
    """New to both is what opened after the older one's last candle, as far away as a fold is from its training."""
    begin = known.trained_until + timedelta(milliseconds=EMBARGO * bars.step_ms)
    since = int((bars.times < begin.timestamp() * 1000).sum())
    return better(opened_model(known), trained.unseen, since)


@transaction.atomic
def put_in_use(model: ForecastModel, now: datetime) -> None:
    """By an owner's word, whatever its verdict. Raises Unreadable, OtherOrder for one that could not be asked."""
    opened_model(model)
    _alone()
    model.refresh_from_db(fields=["state"])
    if model.state != ModelState.IN_USE:
        _take_its_place(model, now)
        model.save(update_fields=["state", "put_in_use_at", "retired_at"])


def _take_its_place(model: ForecastModel, now: datetime) -> None:
    """Of the one in use, if there is one; the row is saved by whoever asks."""
    others = ForecastModel.objects.filter(
        timeframe=model.timeframe, of_paper=model.of_paper, state=ModelState.IN_USE
    )
    for other in others.defer("content", "reference"):
        _retire(other, now)
    model.state, model.put_in_use_at, model.retired_at = ModelState.IN_USE, now, None


@transaction.atomic
def take_out_of_use(model: ForecastModel, now: datetime) -> bool:
    """From then on the simple rules answer. Whether it was in use."""
    _alone()
    model.refresh_from_db(fields=["state"])
    if model.state != ModelState.IN_USE:
        return False
    _retire(model, now)
    return True


def _retire(model: ForecastModel, now: datetime) -> None:
    model.state, model.retired_at = ModelState.RETIRED, now
    model.save(update_fields=["state", "retired_at"])


def _alone() -> None:
    """Two that choose at the same time do it one after the other."""
    with connection.cursor() as cursor:
        cursor.execute(CHOOSING)
