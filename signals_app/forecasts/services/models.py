"""Keeps what was trained, and says which model is asked: one at a time for each timeframe and kind of candles."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection, transaction

from signals_app.forecast_models import ForecastModel, ModelState
from signals_app.forecasts.known_models import model_in_use, opened_model

if TYPE_CHECKING:
    from signals_app.forecasts.bars import Bars
    from signals_app.forecasts.candidates import Candidate
    from signals_app.forecasts.card import Circumstances
    from signals_app.forecasts.training import Trained

CHOOSING = "SELECT pg_advisory_xact_lock(hashtextextended('forecast model in use', 0))"


def keep_model(
    trained: Trained,
    bars: Bars,
    timeframe: str,
    of_paper: bool,
    now: datetime,
    told: Circumstances | None = None,
) -> ForecastModel:
    """Put in use only where it is worth using and beats the one in use. Nothing is asked or reckoned while the
    transaction is open."""
    from signals_app.forecasts.candidates import candidate
    from signals_app.forecasts.card import Circumstances

    return keep_candidate(candidate(trained, bars, timeframe, of_paper, now, told or Circumstances()), now)


@transaction.atomic
def keep_candidate(made: Candidate, now: datetime) -> ForecastModel:
    """Whoever else was put in use since the comparison stays."""
    row = made.row
    if made.is_better:
        _alone()
        known = model_in_use(row.timeframe, row.of_paper)
        if (known.pk if known else None) == made.rival:
            _take_its_place(row, now)
        else:
            row.verdict += " Another was put in use meanwhile, and stays."
    row.save()
    return row


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
    known = model_in_use(model.timeframe, model.of_paper)
    if known is not None:
        _retire(known, now)
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
