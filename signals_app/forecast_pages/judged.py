"""What came of forecasts in a span of time, and what positions earned by who gave their signal. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from exchanges.models import ExchangeAccount
from positions.lists.filters import Asked, Filter
from positions.lists.signal_list import plain_symbol
from positions.models import Position
from positions.reports.figures import Statistics, Trade, grouped, statistics
from positions.reports.reading import closed_positions, trades_of
from signals_app.forecast_models import Forecast
from signals_app.forecast_pages.latest import forecasts
from signals_app.forecasts.hindsight import Case, Record, records
from signals_app.forecasts.origins import origin_of, rank
from signals_app.forecasts.said import came_of, said_of
from signals_app.models import EntryStatus, SignalLogEntry

USUAL_DAYS = 30
MOST = 4000  # forecasts that a page reckons with; of more, every second, third, ... candle


def filters(now: datetime) -> list[Filter]:
    accounts = ExchangeAccount.objects.order_by("name").values_list("name", flat=True)
    first_day = now.date() - timedelta(days=USUAL_DAYS - 1)
    return [
        Filter("account", "Account", [(name, name) for name in accounts]),
        Filter("symbol", "Symbol"),
        Filter("since", "From", is_date=True, default=first_day.isoformat()),
        Filter("until", "To", is_date=True),
    ]


@dataclass(frozen=True, slots=True)
class Judged:
    """step: each how many-th candle was taken; known: forecasts of the span of which a horizon is over."""

    cases: list[Case]
    known: int
    step: int

    @property
    def records(self) -> list[Record]:
        return records(self.cases)


def judged(asked: Asked) -> Judged:
    rows = _narrowed(asked)
    known = rows.count()
    step = -(-known // MOST) or 1
    if step > 1:
        runs = sorted(rows.order_by().values_list("run_id", flat=True).distinct())
        rows = rows.filter(run__in=runs[::step])
    return Judged(list(_cases(rows)), known, step)


def _narrowed(asked: Asked) -> QuerySet[Forecast]:
    rows = forecasts().exclude(outcomes={}).filter(**asked.during("made_at"))
    if asked.value("account"):
        rows = rows.filter(run__account__name=asked.value("account"))
    if asked.value("symbol"):
        rows = rows.filter(instrument__exchange_symbol=plain_symbol(asked.value("symbol")))
    return rows


COLUMNS = ("run__account_id", "instrument_id", "source", "run__candle_at", "horizons", "outcomes")


def _cases(rows: QuerySet[Forecast]) -> Iterator[Case]:
    for account, instrument, source, at, horizons, outcomes in rows.order_by("pk").values_list(*COLUMNS):
        said = said_of(horizons)
        for name, came in came_of(outcomes).items():
            if name in said:
                contract = f"{account}/{instrument}"
                yield Case(contract, source, name, int(at.timestamp()), said[name], came)


def earned(asked: Asked) -> dict[str, Statistics]:
    """By who gave the signal that opened a position, after fees and funding."""
    rows = closed_positions().filter(**asked.during("closed_at"))
    if asked.value("account"):
        rows = rows.filter(account__name=asked.value("account"))
    if asked.value("symbol"):
        rows = rows.filter(instrument__exchange_symbol=plain_symbol(asked.value("symbol")))
    opened_by = _opened_by(rows)
    groups: dict[str, list[Trade]] = grouped(trades_of(rows), lambda one: opened_by[one.position_id])
    return {name: statistics(groups[name]) for name in sorted(groups, key=rank)}


def _opened_by(rows: QuerySet[Position]) -> dict[int, str]:
    opening = SignalLogEntry.objects.filter(position=OuterRef("pk"), status=EntryStatus.OPENED).order_by("pk")
    said = Forecast.objects.filter(signal=OuterRef("log")).values("source")[:1]
    door = opening.values("log__source")[:1]
    source = opening.annotate(said_by=Subquery(said)).values("said_by")[:1]
    told = rows.annotate(door=Subquery(door), said_by=Subquery(source)).values_list("pk", "door", "said_by")
    return {pk: origin_of(door, said_by) for pk, door, said_by in told}
