"""Average true ranges that are needed, and the one that is known. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from exchanges.models import KEYS_OF_ACCOUNT, ExchangeAccount, Instrument
from exchanges.types import Timeframe
from positions.models import Position
from signals_app.models import Strategy, StrategyAccount, Ticker
from trailing.models import TrueRange
from trailing.plan import PlanRefused, ProtectionPlan, read_plan

FRESH_CANDLES = 2  # one that ended earlier says nothing of an entry now


@dataclass(frozen=True, slots=True)
class Market:
    """Whose candles are needed. The account is only whom to ask: candles are public."""

    instrument_id: int
    symbol: str
    timeframe: Timeframe


@dataclass(frozen=True, slots=True)
class Need:
    account: ExchangeAccount
    periods: frozenset[int]


def needs() -> Mapping[Market, Need]:
    """Of live positions, and of what strategies may open: the stop of an entry cannot wait for candles."""
    found: dict[Market, Need] = {}
    for market, account, period in (*_of_positions(), *_of_strategies()):
        known = found.get(market)
        found[market] = (
            Need(account, known.periods | {period}) if known else Need(account, frozenset({period}))
        )
    return found


Wish = tuple[Market, ExchangeAccount, int]


def _of_positions() -> Iterator[Wish]:
    live = Position.objects.filter(is_live=True).select_related("plan", "instrument", "account")
    live = live.defer(*KEYS_OF_ACCOUNT)
    for position in live.order_by("pk"):
        yield from _wish(position.plan.body, position.account, [position.instrument])


def _of_strategies() -> Iterator[Wish]:
    opening = Q(strategy__enabled=True, strategy__archived=False, strategy__allow_open=True)
    places = StrategyAccount.objects.filter(opening, enabled=True).select_related("strategy", "account")
    listed: dict[str, dict[str, Instrument]] = defaultdict(dict)
    for instrument in Instrument.objects.filter(active=True):
        listed[instrument.venue][instrument.exchange_symbol] = instrument
    for one in places.defer(*KEYS_OF_ACCOUNT).order_by("strategy_id", "account_id"):
        instruments = listed[one.account.venue]
        known = [instruments[name] for name in _tickers(one.strategy) if name in instruments]
        yield from _wish(one.strategy.protection, one.account, known)


def _tickers(strategy: Strategy) -> Iterable[str]:
    tickers = Ticker.objects if strategy.use_all_tickers else strategy.tickers
    return tickers.filter(enabled=True, trade_permission=True).order_by("pk").values_list("symbol", flat=True)


def _wish(body: object, account: ExchangeAccount, instruments: Iterable[Instrument]) -> Iterator[Wish]:
    try:
        plan = read_plan(body)
    except PlanRefused:
        return  # whoever trades by it says so
    if plan.needs_atr:
        for instrument in instruments:
            yield Market(instrument.pk, instrument.symbol, plan.atr_timeframe), account, plan.atr_period


def newest(instrument_id: int, plan: ProtectionPlan) -> TrueRange | None:
    return TrueRange.objects.filter(
        instrument_id=instrument_id, timeframe=plan.atr_timeframe, period=plan.atr_period
    ).first()


def known_at(instrument_id: int, plan: ProtectionPlan, at: datetime) -> Decimal | None:
    """None when the plan needs none, or none is young enough to measure an entry by."""
    found = newest(instrument_id, plan) if plan.needs_atr else None
    oldest = at - FRESH_CANDLES * plan.atr_timeframe.length
    return found.value if found is not None and found.ended_at >= oldest else None
