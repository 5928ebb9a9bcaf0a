"""Average true ranges: asked for once per contract and timeframe when a candle ends, kept in a row each, given to the
positions that measure by them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import Value
from django.db.models.functions import Coalesce

from exchanges import session
from exchanges.errors import ExchangeError
from exchanges.types import Candle
from positions.models import RiskEvent
from positions.services import events
from positions.services.sweeping import for_each
from trailing.models import TrailingStop, TrueRange
from trailing.rows import open_rows, plan_of, true_range_of
from trailing.true_ranges import Market, Need, needs
from trailing.volatility import average_true_range, candles_needed, last_close

logger = logging.getLogger(__name__)

UNKNOWN = "true_range_unknown"
Key = tuple[int, str, int]  # instrument, timeframe, period


def refresh_true_ranges(now: datetime) -> None:
    """An exchange that does not answer is asked for nothing more this time."""
    kept, silent = _kept(), set[int]()
    for market, need in needs().items():
        missing = [period for period in need.periods if not _is_current(kept, market, period, now)]
        if not missing or need.account.pk in silent:
            continue
        try:
            _keep(market, missing, _finished(market, need, max(missing), now), now)
        except ExchangeError as error:
            silent.add(need.account.pk)
            logger.warning("no candles of %s from %s: %s", market.symbol, need.account.name, error)
    _give_to_positions(_kept())


def _kept() -> Mapping[Key, TrueRange]:
    return {(one.instrument_id, one.timeframe, one.period): one for one in TrueRange.objects.all()}


def _is_current(kept: Mapping[Key, TrueRange], market: Market, period: int, now: datetime) -> bool:
    found = kept.get((market.instrument_id, market.timeframe, period))
    return found is not None and found.ended_at >= last_close(market.timeframe, now)


def _finished(market: Market, need: Need, period: int, now: datetime) -> list[Candle]:
    asked = market.symbol, market.timeframe, None, candles_needed(period)
    rows = session.call(need.account, lambda client: client.candles(*asked))
    closed = last_close(market.timeframe, now)
    return [row for row in rows if row.at + market.timeframe.length <= closed]


def _keep(market: Market, periods: Sequence[int], finished: Sequence[Candle], now: datetime) -> None:
    """A venue that has not told the newest candle yet is asked again soon."""
    length = market.timeframe.length
    ended_at = finished[-1].at + length if finished else last_close(market.timeframe, now)
    for period in periods:
        TrueRange.objects.update_or_create(
            instrument_id=market.instrument_id,
            timeframe=market.timeframe,
            period=period,
            defaults={
                "value": average_true_range(finished[-candles_needed(period) :], period),
                "ended_at": ended_at,
            },
        )


def _give_to_positions(kept: Mapping[Key, TrueRange]) -> None:
    rows = open_rows().filter(entry_price__isnull=False)
    for_each(rows, lambda row: _give(row, kept), "%s was not given its true range")


def _give(row: TrailingStop, kept: Mapping[Key, TrueRange]) -> None:
    plan = plan_of(row.position)
    if not plan.needs_atr:
        return
    found = kept.get((row.position.instrument_id, plan.atr_timeframe, plan.atr_period))
    if found is None or found.value is None:
        _warn_once(row)
    elif row.atr_at is None or row.atr_at < found.ended_at:
        _take_over(row, found.value, found.ended_at)


def _take_over(row: TrailingStop, value: Decimal, ended_at: datetime) -> None:
    """Where none was known at entry, the first one after it counts as such."""
    at_entry = Coalesce("entry_atr", Value(value), output_field=TrailingStop._meta.get_field("entry_atr"))
    TrailingStop.objects.filter(pk=row.pk).update(atr=value, atr_at=ended_at, entry_atr=at_entry)


def _warn_once(row: TrailingStop) -> None:
    told = RiskEvent.objects.filter(event_type=UNKNOWN, position_id=str(row.pk))
    if true_range_of(row) is not None or told.exists():
        return
    plan, position = plan_of(row.position), row.position
    events.record(
        UNKNOWN, "medium", account_id=position.account_id, position_id=position.pk,
        symbol=position.instrument.exchange_symbol, timeframe=plan.atr_timeframe, period=plan.atr_period,
        until_then="the plan's percent values count",
    )  # fmt: skip
