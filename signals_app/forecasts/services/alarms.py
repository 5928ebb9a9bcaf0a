"""What the owner hears about forecasts: once when it changes, not once for each candle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ops.system_log import log_system_event
from positions.services import events
from signals_app.forecast_models import ForecastRun, ForecastSource
from signals_app.forecasts.reckoned import NO_MODEL


def tell(run: ForecastRun) -> None:
    """Of a run that is just being written, in its own commit."""
    if run.identical:
        groups = "; ".join(", ".join(group) for group in run.identical)
        events.record(
            "forecasts_identical", "high", account_id=run.account_id, symbols=groups, candle=run.candle_at
        )
    _tell_source(run, before(run))


def before(run: ForecastRun) -> ForecastRun | None:
    """The run of the same kind that was finished last."""
    same = ForecastRun.objects.filter(account=run.account_id, timeframe=run.timeframe, of_paper=run.of_paper)
    return same.filter(candle_at__lt=run.candle_at).exclude(finished_at=None).first()


def _tell_source(run: ForecastRun, last: ForecastRun | None) -> None:
    then = (last.source, last.fallback_reason) if last else (ForecastSource.FALLBACK.value, NO_MODEL)
    now = (run.source, run.fallback_reason)
    if then == now:
        return
    if run.source == ForecastSource.MODEL:
        log_system_event("INFO", __name__, "a model makes the forecasts", account=run.account_id)
    elif run.source:
        events.record("forecasts_by_rules", "medium", account_id=run.account_id, reason=run.fallback_reason)
    else:
        events.record("no_forecasts", "medium", account_id=run.account_id, reason=run.fallback_reason)


def tell_measured(run: ForecastRun, last: Mapping[str, Any]) -> None:
    """last: what was measured before. Only what was well then and is not now."""
    for name, event_type in (("drift", "forecast_drift"), ("calibration", "forecast_calibration")):
        now, then = run.measured.get(name, {}), last.get(name, {})
        if now.get("sentence") and not then.get("sentence"):
            events.record(event_type, "medium", account_id=run.account_id, reason=now["sentence"])
