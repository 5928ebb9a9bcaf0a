"""Candles that are kept, as rows are read: nothing here asks an exchange."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField, Count, FloatField, Max, QuerySet
from django.db.models.functions import Cast, Extract

from exchanges.models import ExchangeAccount, Instrument
from exchanges.registry import is_on_paper
from exchanges.types import Timeframe
from signals_app.forecast_models import CandleSpan, ForecastFeed, StoredCandle
from signals_app.forecasts.candle_rules import EPOCH
from signals_app.forecasts.spans import Span
from signals_app.forecasts.terms import HISTORY
from signals_app.models import Ticker

if TYPE_CHECKING:
    from signals_app.forecasts.bars import Bars
PER_FETCH = 20_000
MILLISECOND = timedelta(milliseconds=1)
Of = dict[str, Any]
FIGURES = ("open", "high", "low", "close", "volume")


def instruments_of(feed: ForecastFeed) -> list[Instrument]:
    """Contracts of enabled tickers that its venue lists."""
    tickers = Ticker.objects.filter(enabled=True).values("symbol")
    listed = Instrument.objects.filter(venue=feed.account.venue, active=True, exchange_symbol__in=tickers)
    return list(listed.order_by("exchange_symbol"))


def known_spans(feed: ForecastFeed, of_paper: bool) -> Mapping[int, list[Span]]:
    """By contract: for which times the exchange has answered."""
    found: defaultdict[int, list[Span]] = defaultdict(list)
    spans = CandleSpan.objects.filter(account=feed.account_id, timeframe=feed.timeframe, of_paper=of_paper)
    for instrument, since, until in spans.values_list("instrument", "since", "until"):
        found[instrument].append((since, until))
    return found


def newest_candle(account: ExchangeAccount, timeframe: Timeframe, of_paper: bool) -> datetime | None:
    """When the newest candle of any contract opened; None where the exchange has told none for long."""
    of: Of = {"account": account, "timeframe": timeframe, "of_paper": of_paper}
    spans = CandleSpan.objects.filter(**of)
    until = spans.aggregate(found=Max("until"))["found"]
    if until is None:
        return None
    # by contract and time, as the index goes
    young = StoredCandle.objects.filter(
        **of,
        instrument__in=set(spans.values_list("instrument", flat=True)),
        opened_at__gte=until - HISTORY * timeframe.length,
    )
    found: datetime | None = young.aggregate(found=Max("opened_at"))["found"]
    return found


def complete_contracts(feed: ForecastFeed, candle_at: datetime) -> set[str]:
    """Symbols that have all candles which features look back on."""
    timeframe = Timeframe(feed.timeframe)
    first = candle_at - (HISTORY - 1) * timeframe.length
    told = StoredCandle.objects.filter(
        account=feed.account_id,
        timeframe=timeframe,
        of_paper=is_on_paper(),
        instrument__in=instruments_of(feed),
        opened_at__range=(first, candle_at),
    )
    known = told.values("instrument__exchange_symbol").annotate(known=Count("pk"))
    return set(known.filter(known__gte=HISTORY).values_list("instrument__exchange_symbol", flat=True))


def stored_bars(
    account: ExchangeAccount,
    timeframe: Timeframe,
    of_paper: bool,
    count: int = HISTORY,
    until: datetime | None = None,
    instruments: Collection[Instrument] | None = None,
) -> Bars | None:
    """The last `count` times up to the candle that opened at `until`, or at the newest of all, of every contract that
    has a candle in them. Needs numpy."""
    until = until or newest_candle(account, timeframe, of_paper)
    if until is None:
        return None
    first = until - (count - 1) * timeframe.length
    of: Of = {"account": account, "timeframe": timeframe, "of_paper": of_paper}
    if instruments is None:
        known = CandleSpan.objects.filter(**of, since__lte=until, until__gt=first)
        instruments = Instrument.objects.filter(pk__in=known.values("instrument"))
    symbols = {one.pk: one.exchange_symbol for one in instruments}
    rows = StoredCandle.objects.filter(**of, instrument__in=symbols.keys(), opened_at__range=(first, until))
    return _bars(rows, symbols, first, count, timeframe)


def _bars(
    rows: QuerySet[StoredCandle],
    symbols: Mapping[int, str],
    first: datetime,
    count: int,
    timeframe: Timeframe,
) -> Bars | None:
    import numpy as np

    from signals_app.forecasts.bars import bars_of_table

    figures = [Cast(name, FloatField()) for name in FIGURES]
    told = rows.values_list("instrument", _milliseconds("opened_at"), *figures)
    kind = np.dtype([("contract", "i8"), ("at", "i8"), *((name, "f8") for name in FIGURES)])
    table = np.fromiter(told.iterator(PER_FETCH), dtype=kind)
    step_ms = timeframe.length // MILLISECOND
    times = np.arange(count, dtype=np.int64) * step_ms + (first - EPOCH) // MILLISECOND
    found = bars_of_table(table, symbols, times)
    return found if found.symbols else None


def _milliseconds(name: str) -> Cast:
    return Cast(Extract(name, "epoch") * 1000, BigIntegerField())
