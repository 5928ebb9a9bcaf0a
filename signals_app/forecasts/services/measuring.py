"""Once an hour, of each feed: whether what its model says can still be relied on. Kept on its newest run."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from exchanges.registry import is_on_paper
from exchanges.types import Timeframe
from signals_app.forecast_models import Forecast, ForecastFeed, ForecastModel, ForecastRun, ForecastSource
from signals_app.forecasts.services import alarms
from signals_app.forecasts.stored import stored_bars
from signals_app.forecasts.terms import HISTORY

if TYPE_CHECKING:
    from signals_app.forecasts.hindsight import Case
    from signals_app.forecasts.reliance import Moved

logger = logging.getLogger(__name__)

LOOKED_AT = timedelta(days=14)
MOST_ROWS, LEAST_CANDLES = 40_000, 96  # of features, however many contracts there are


def measure_forecasts(now: datetime) -> None:
    for feed in ForecastFeed.objects.filter(enabled=True).select_related("account").order_by("pk"):
        try:
            measure(feed, now)
        except Exception:
            logger.exception("forecasts of account %s could not be measured", feed.account_id)


def measure(feed: ForecastFeed, now: datetime) -> ForecastRun | None:
    """None: no model made its newest forecasts, so there is nothing to rely on."""
    runs = ForecastRun.objects.filter(
        account=feed.account_id, timeframe=feed.timeframe, of_paper=is_on_paper()
    )
    run = runs.exclude(finished_at=None).select_related("model").defer("model__content").first()
    if run is None or run.model is None:
        return None
    moved = _moved(feed, run.model)
    run.drift = _most(moved) if moved else {}
    run.measured = {
        "at": now.isoformat(),
        "drift": _drift(moved) if moved else {},
        "calibration": _calibration(run, now),
    }
    _keep(run)
    return run


@transaction.atomic
def _keep(run: ForecastRun) -> None:
    before = ForecastRun.objects.filter(
        account=run.account_id, timeframe=run.timeframe, of_paper=run.of_paper, model=run.model_id
    ).exclude(measured={})
    last = before.order_by("-candle_at").values_list("measured", flat=True).first()
    run.save(update_fields=["drift", "measured"])
    alarms.tell_measured(run, last or {})


def _moved(feed: ForecastFeed, model: ForecastModel) -> Moved | None:
    from signals_app.forecasts.drift import reference_of
    from signals_app.forecasts.known_models import features_version
    from signals_app.forecasts.reliance import moved

    if not model.reference or model.features_version != features_version(feed.timeframe):
        return None
    timeframe = Timeframe(feed.timeframe)
    newest = stored_bars(feed.account, timeframe, model.of_paper)
    if newest is None:
        return None
    most = min(LOOKED_AT // timeframe.length, max(MOST_ROWS // len(newest.symbols), LEAST_CANDLES))
    bars = stored_bars(feed.account, timeframe, model.of_paper, count=HISTORY + most)
    return moved(bars, reference_of(bytes(model.reference)), most) if bars else None


def _most(found: Moved) -> dict[str, float]:
    from signals_app.forecasts.drift import moved_most

    return {name: round(value, 4) for name, value in moved_most(found.index, found.names).items()}


def _drift(found: Moved) -> dict[str, Any]:
    typical = None if found.typical is None else round(found.typical, 4)
    return {"rows": found.rows, "typical": typical, "sentence": found.sentence}


def _calibration(run: ForecastRun, now: datetime) -> dict[str, Any]:
    from signals_app.forecasts.reliance import promises

    found = promises(_cases(run, now))
    told = {
        one.horizon: {"answers": one.answers, "said": round(one.said, 4), "came": round(one.came, 4)}
        for one in found
    }
    return {"horizons": told, "sentence": "; ".join(filter(None, (one.sentence for one in found)))}


def _cases(run: ForecastRun, now: datetime) -> list[Case]:
    """Everything that this model said for this account and that is over, of the last fortnight."""
    from signals_app.forecasts.hindsight import Case
    from signals_app.forecasts.said import came_of, said_of

    rows = Forecast.objects.filter(
        run__account=run.account_id,
        run__model=run.model_id,
        source=ForecastSource.MODEL,
        made_at__gt=now - LOOKED_AT,
    ).exclude(outcomes={})
    told = rows.values_list("instrument", "run__candle_at", "horizons", "outcomes")
    return [
        Case(str(contract), ForecastSource.MODEL, horizon, int(at.timestamp()), said_of(said)[horizon], came)
        for contract, at, said, outcomes in told.iterator()
        for horizon, came in came_of(outcomes).items()
        if horizon in said
    ]
