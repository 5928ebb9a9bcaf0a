"""What is kept of each contract, and what is not: for owners to see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min

from exchanges.models import Instrument
from exchanges.types import Timeframe
from signals_app.forecast_models import ForecastFeed, StoredCandle
from signals_app.forecasts.spans import Span, closed_until, joined, kept_since, missing
from signals_app.forecasts.stored import instruments_of, known_spans


@dataclass(frozen=True, slots=True)
class Kept:
    """since and until: when the first candle opened and the last one ended. gaps: candles between those that the
    exchange never had. unasked: those that it was not asked for yet."""

    account: str
    timeframe: str
    of_paper: bool
    symbol: str
    candles: int
    since: datetime | None
    until: datetime | None
    gaps: int
    unasked: int


def kept_for(feed: ForecastFeed, of_paper: bool, now: datetime) -> Iterator[Kept]:
    """Of the contracts it is for now, and of those it was for before."""
    timeframe = Timeframe(feed.timeframe)
    spans, wanted = known_spans(feed, of_paper), instruments_of(feed)
    former = Instrument.objects.filter(pk__in=spans.keys()).exclude(pk__in=[one.pk for one in wanted])
    counted = _counted(feed, of_paper)
    for one in sorted([*wanted, *former], key=lambda one: one.exchange_symbol):
        known = spans.get(one.pk, [])
        candles, first, last = counted.get(one.pk, (0, None, None))
        yield Kept(
            feed.account.name,
            timeframe,
            of_paper,
            one.exchange_symbol,
            candles,
            first,
            last + timeframe.length if last else None,
            gaps=_asked_between(known, first, last, timeframe) - candles,
            unasked=_unasked(known, feed, timeframe, now),
        )


def _counted(feed: ForecastFeed, of_paper: bool) -> Mapping[int, tuple[int, datetime, datetime]]:
    rows = StoredCandle.objects.filter(
        account=feed.account_id, timeframe=feed.timeframe, of_paper=of_paper
    ).values_list("instrument")
    found = rows.annotate(Count("pk"), Min("opened_at"), Max("opened_at"))
    return {instrument: figures for instrument, *figures in found}  # type: ignore[misc]


def _asked_between(
    known: Iterable[Span], first: datetime | None, last: datetime | None, timeframe: Timeframe
) -> int:
    """Candles that would be there, had the exchange had all it was asked for."""
    if first is None or last is None:
        return 0
    end = last + timeframe.length
    within = ((max(since, first), min(until, end)) for since, until in joined(known))
    return sum((until - since) // timeframe.length for since, until in within if until > since)


def _unasked(known: Iterable[Span], feed: ForecastFeed, timeframe: Timeframe, now: datetime) -> int:
    wanted = kept_since(feed.days_kept, timeframe, now), closed_until(timeframe, now)
    return sum((until - since) // timeframe.length for since, until in missing(known, *wanted))
