"""The forecasts of one contract, newest first, and one forecast with what became of it. Reads only."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from exchanges.models import ExchangeAccount
from ops.trail.queries import story_of
from ops.trail.story import lines
from positions.lists.filters import Asked, Filter
from signals_app.forecast_models import Forecast, ForecastDirection, ForecastSource
from signals_app.forecast_pages.latest import forecasts
from signals_app.forecast_pages.words import forecast_row
from signals_app.models import SignalLogEntry

COLUMN = "made_at"


def filters() -> list[Filter]:
    accounts = ExchangeAccount.objects.filter(forecast_feed__isnull=False).order_by("name")
    return [
        Filter("account", "Account", [(name, name) for name in accounts.values_list("name", flat=True)]),
        Filter("source", "Said by", [(one.value, one.value) for one in ForecastSource]),
        Filter("direction", "Direction", [(one.value, one.value) for one in ForecastDirection]),
        Filter("sent", "Sent", [("yes", "became a signal"), ("no", "was not sent")]),
        Filter("since", "From", is_date=True),
        Filter("until", "To", is_date=True),
    ]


def narrowed(asked: Asked, instrument_id: int) -> QuerySet[Forecast]:
    rows = forecasts().filter(instrument=instrument_id, **asked.during(COLUMN))
    if asked.value("account"):
        rows = rows.filter(run__account__name=asked.value("account"))
    if asked.value("source"):
        rows = rows.filter(source=asked.value("source"))
    if asked.value("direction"):
        rows = rows.filter(direction=asked.value("direction"))
    if asked.value("sent"):
        rows = rows.filter(signal__isnull=asked.value("sent") == "no")
    return rows


def rows_of(found: list[Forecast]) -> list[dict[str, Any]]:
    """With the positions that their signals opened. Two questions, however many there are."""
    opened: dict[int, list[int]] = {}
    logs = [one.signal_id for one in found if one.signal_id]
    entries = SignalLogEntry.objects.filter(log__in=logs, position__isnull=False).order_by("position")
    for log_id, position_id in entries.values_list("log", "position").distinct():
        opened.setdefault(log_id, []).append(position_id)
    return [forecast_row(one) | {"positions": opened.get(one.signal_id or 0, [])} for one in found]


def page_of(one: Forecast) -> dict[str, Any]:
    (row,) = rows_of([one])
    story = list(lines(story_of("signal", str(one.signal_id)).sentences)) if one.signal_id else []
    return {"row": row, "story": story}
