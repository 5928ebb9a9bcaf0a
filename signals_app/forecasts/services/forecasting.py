"""Forecasts of all contracts of an account, once for each candle. Numbers are reckoned elsewhere, and only where there
are any: whoever imports this has no numpy in memory yet."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from exchanges.registry import is_on_paper
from exchanges.types import Timeframe
from signals_app.forecast_models import (
    Forecast,
    ForecastFeed,
    ForecastModel,
    ForecastRun,
    StoredCandle,
)
from signals_app.forecasts.reckoned import NOT_FINITE, Reckoned
from signals_app.forecasts.services import alarms, sending
from signals_app.forecasts.stored import complete_contracts, instruments_of
from signals_app.forecasts.waiting import goes_on_waiting
from trailing.volatility import last_close

logger = logging.getLogger(__name__)

# whoever claimed a candle and is not done by then was killed: it is another's
TAKEN_OVER_AFTER = timedelta(seconds=60)
NOT_INSTALLED = "a library of forecasts is not installed ({}): pip install 'tradingbot[ml]'"


def make_due(now: datetime) -> None:
    """Of all feeds; one that fails keeps no other waiting. What is to be sent is sent, also of a run before."""
    for feed in ForecastFeed.objects.filter(enabled=True).select_related("account").order_by("pk"):
        try:
            make_forecasts(feed, now)
        except Exception:
            logger.exception("forecasts of account %s could not be made", feed.account_id)
    sending.send_waiting(now)


def make_forecasts(feed: ForecastFeed, now: datetime) -> ForecastRun | None:
    """None: they are made, or somebody is at it, or candles are still waited for."""
    timeframe = Timeframe(feed.timeframe)
    candle_at = last_close(timeframe, now) - timeframe.length
    if _is_taken(feed, candle_at, now) or _waits(feed, candle_at, now):
        return None
    run = _claimed(feed, candle_at, now)
    if run is None:
        return None
    began = time.monotonic()
    found = _reckoned(feed, run)
    if not found.rows and run.contracts:  # the second look failed: what the first one said stays as it is
        _leave_as_it_was(run, now)
        return None
    took = timedelta(seconds=time.monotonic() - began)
    return run if _written(run, found, now + took, took) else None


def _runs(feed: ForecastFeed) -> QuerySet[ForecastRun]:
    return ForecastRun.objects.filter(
        account=feed.account_id, timeframe=feed.timeframe, of_paper=is_on_paper()
    )


def _is_taken(feed: ForecastFeed, candle_at: datetime, now: datetime) -> bool:
    run = _runs(feed).filter(candle_at=candle_at).first()
    if run is None:
        return False
    if run.finished_at is None:
        return run.started_at > now - TAKEN_OVER_AFTER
    return not _have_come(feed, run)


def _have_come(feed: ForecastFeed, run: ForecastRun) -> bool:
    """Candles that a contract was left out for: a new feed's past comes one contract after the other."""
    lacked = {symbol for symbol, why in run.left_out.items() if why != NOT_FINITE}
    return bool(lacked) and not lacked.isdisjoint(complete_contracts(feed, run.candle_at))


def _waits(feed: ForecastFeed, candle_at: datetime, now: datetime) -> bool:
    """A new feed is given time until its past has come."""
    since_end = now - max(candle_at + Timeframe(feed.timeframe).length, feed.created_at)
    wanted = {one.pk for one in instruments_of(feed)}
    newest = StoredCandle.objects.filter(
        account=feed.account_id,
        timeframe=feed.timeframe,
        of_paper=is_on_paper(),
        instrument__in=wanted,
        opened_at=candle_at,
    )
    return goes_on_waiting(len(wanted), newest.count(), since_end, settings.FORECAST_WAIT)


def _claimed(feed: ForecastFeed, candle_at: datetime, now: datetime) -> ForecastRun | None:
    """None: another was first, and is at it still."""
    of = {"timeframe": feed.timeframe, "of_paper": is_on_paper(), "candle_at": candle_at}
    run = ForecastRun(account_id=feed.account_id, started_at=now, **of)
    ForecastRun.objects.bulk_create([run], ignore_conflicts=True)
    ours = _runs(feed).filter(candle_at=candle_at, started_at=now, finished_at=None)
    if (found := ours.first()) is not None:
        return found
    killed = Q(finished_at=None, started_at__lte=now - TAKEN_OVER_AFTER)
    lacking = Q(finished_at__isnull=False) & ~Q(left_out={})
    left = _runs(feed).filter(killed | lacking, candle_at=candle_at)
    return ours.first() if left.update(started_at=now, finished_at=None) else None


def _reckoned(feed: ForecastFeed, run: ForecastRun) -> Reckoned:
    """Nothing is open meanwhile. What keeps all of it from being reckoned is the run's to say."""
    try:
        from signals_app.forecasts.reckoning import reckon
    except ImportError as error:
        return Reckoned("", NOT_INSTALLED.format(error.name or error))
    try:
        return reckon(feed, run)
    except Exception as error:
        logger.exception("forecasts of account %s could not be reckoned", feed.account_id)
        return Reckoned("", f"nothing could be reckoned ({type(error).__name__})")


@transaction.atomic
def _written(run: ForecastRun, found: Reckoned, now: datetime, took: timedelta) -> bool:
    """False when it took so long that another took it over: his answers count, and these are forgotten. What was said
    of a contract before stays."""
    before = run.source, run.fallback_reason, run.identical
    said = set(Forecast.objects.filter(run=run).values_list("instrument", flat=True))
    new = [row for row in found.rows if row.instrument_id not in said]
    run.finished_at, run.milliseconds = now, took // timedelta(milliseconds=1)
    run.source, run.fallback_reason, run.contracts = found.source, found.reason, len(said) + len(new)
    run.left_out, run.identical, run.model_id = found.left_out, found.identical, _still_there(found.model_id)
    names = ("finished_at", "milliseconds", "source", "fallback_reason", "contracts", "left_out", "identical",
             "model_id")  # fmt: skip
    ours = ForecastRun.objects.filter(pk=run.pk, started_at=run.started_at, finished_at=None)
    if not ours.update(**{name: getattr(run, name) for name in names}):
        return False
    for row in new:
        row.run, row.made_at = run, now
    Forecast.objects.bulk_create(new)
    if before != (run.source, run.fallback_reason, run.identical):
        alarms.tell(run)
    return True


def _leave_as_it_was(run: ForecastRun, now: datetime) -> None:
    ours = ForecastRun.objects.filter(pk=run.pk, started_at=run.started_at, finished_at=None)
    ours.update(finished_at=now, left_out={})  # and is not tried again for this candle


def _still_there(model_id: int | None) -> int | None:
    """A model that was deleted after it was asked: its answers stay, its name goes."""
    if model_id is None:
        return None
    known = ForecastModel.objects.filter(pk=model_id).select_for_update(no_key=True)
    found: int | None = known.values_list("pk", flat=True).first()
    return found
