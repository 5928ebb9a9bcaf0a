"""Candles that are over, as the exchange told them, and for which times it has told any.

The candles of an answer and the times it speaks of are one commit, so whoever is killed anywhere goes on from there.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from exchanges.models import ExchangeAccount, Instrument
from exchanges.registry import is_on_paper
from exchanges.types import Candle, Timeframe
from signals_app.forecast_models import CandleSpan, ForecastFeed, StoredCandle
from signals_app.forecasts.candle_questions import answers
from signals_app.forecasts.candle_rules import possible
from signals_app.forecasts.spans import (
    Page,
    Span,
    closed_until,
    joined,
    kept_since,
    newest_needed,
    next_older,
    proven,
)
from signals_app.forecasts.stored import instruments_of, known_spans

logger = logging.getLogger(__name__)

MOST_PER_PAGE = 1000  # both venues give as many; one of Binance's costs 5 of 2400 a minute
FIGURES = ("open", "high", "low", "close", "volume")
Of = dict[str, Any]


def refresh_candles(feed: ForecastFeed, now: datetime) -> int:
    """Brings what forecasts of now need; returns how many contracts still lack some of it. Raises ExchangeError when
    the exchange cannot be asked; what it told before that is kept."""
    timeframe, known = Timeframe(feed.timeframe), known_spans(feed, is_on_paper())
    wanted = instruments_of(feed)
    pages = {one: newest_needed(known.get(one.pk, []), timeframe, now) for one in wanted}
    _ask(feed, {one: page for one, page in pages.items() if page is not None}, now)
    known = known_spans(feed, is_on_paper())
    return sum(newest_needed(known.get(one.pk, []), timeframe, now) is not None for one in wanted)


def back_fill(feed: ForecastFeed, now: datetime) -> bool:
    """One page of older candles; False when there is nothing left to ask for. Whose turn it is, is left to chance: a
    contract that is never answered holds up no other."""
    timeframe, known = Timeframe(feed.timeframe), known_spans(feed, is_on_paper())
    pages = {
        one: page
        for one in instruments_of(feed)
        if (page := next_older(known.get(one.pk, []), feed.days_kept, timeframe, now, MOST_PER_PAGE))
    }
    if pages:
        one = random.choice(list(pages))  # noqa: S311
        _ask(feed, {one: pages[one]}, now)
    return bool(pages)


def _ask(feed: ForecastFeed, pages: Mapping[Instrument, Page], now: datetime) -> None:
    timeframe, account = Timeframe(feed.timeframe), feed.account
    for instrument, told in answers(account, timeframe, pages):
        span = proven(pages[instrument], told, timeframe, now)
        keep_candles(account, instrument, timeframe, is_on_paper(), told, now=now, span=span)


def keep_candles(
    account: ExchangeAccount,
    instrument: Instrument,
    timeframe: Timeframe,
    of_paper: bool,
    candles: Sequence[Candle],
    *,
    now: datetime,
    span: Span | None = None,
) -> int:
    """The newest word on a candle counts. `span`: the times for which these are all there are; without it those from
    the first of them to the last. Returns how many were kept."""
    good, refused = possible(candles, timeframe, closed_until(timeframe, now))
    for sentence in refused:
        logger.warning("%s of %s: %s", instrument.exchange_symbol, account.name, sentence)
    if span is None and good:
        span = good[0].at, good[-1].at + timeframe.length
    of: Of = {
        "account_id": account.pk,
        "instrument_id": instrument.pk,
        "timeframe": timeframe,
        "of_paper": of_paper,
    }
    with transaction.atomic():
        _write(of, good)
        if span is not None:
            _remember(of, span)
    return len(good)


def _write(of: Of, candles: Sequence[Candle]) -> None:
    rows = [
        StoredCandle(**of, opened_at=one.at, **{name: getattr(one, name) for name in FIGURES})
        for one in candles
    ]
    StoredCandle.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["account", "timeframe", "of_paper", "instrument", "opened_at"],
        update_fields=FIGURES,
    )


def _remember(of: Of, span: Span) -> None:
    """Joined with those it touches: usually with one, which it makes longer."""
    touching = CandleSpan.objects.select_for_update().filter(**of, since__lte=span[1], until__gte=span[0])
    found = {pk: (since, until) for pk, since, until in touching.values_list("pk", "since", "until")}
    since, until = joined([*found.values(), span])[0]
    if not found:
        CandleSpan.objects.create(**of, since=since, until=until)
    elif list(found.values()) != [(since, until)]:
        first, *others = found
        CandleSpan.objects.filter(pk__in=others).delete()
        CandleSpan.objects.filter(pk=first).update(since=since, until=until)


def remove_old_candles(feed: ForecastFeed, now: datetime) -> int:
    """Of every length that was ever kept for this account. Returns how many there were."""
    spans = CandleSpan.objects.filter(account=feed.account_id)
    return sum(_shorten(span, kept_since(feed.days_kept, Timeframe(span.timeframe), now)) for span in spans)


@transaction.atomic
def _shorten(span: CandleSpan, since: datetime) -> int:
    if span.since >= since:
        return 0
    of = {name: getattr(span, name) for name in ("account_id", "instrument_id", "timeframe", "of_paper")}
    removed, _ = StoredCandle.objects.filter(**of, opened_at__lt=since).delete()
    if span.until <= since:
        CandleSpan.objects.filter(pk=span.pk).delete()
    else:
        CandleSpan.objects.filter(pk=span.pk).update(since=since)
    return removed
