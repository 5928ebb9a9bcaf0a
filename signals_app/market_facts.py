"""What market filters judge by, asked of the exchange and kept for a few seconds. Never inside a transaction."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import ChainMap
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from decimal import Decimal

from django.utils import timezone

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import Timeframe
from signals_app.market_filters import (
    CANDLES_NEEDED,
    Fact,
    MarketFacts,
    hour_volume,
    move_percent,
    spread_percent,
)

logger = logging.getLogger(__name__)

KEPT_SECONDS = 5.0
PATIENCE_SECONDS = 3.0
MOST_KEPT = 2000

Market = tuple[int, str]  # account, exchange symbol
Figures = Mapping[str, Decimal | None]
Asked = Future[Mapping[Fact, Figures]]
NOTHING: Figures = {}
_kept: dict[tuple[int, str, Fact], tuple[float, Figures]] = {}


def facts_for_all(wanted: Mapping[Market, frozenset[Fact]]) -> Mapping[Market, MarketFacts]:
    """Of each market what is needed, asked side by side and with one patience for all. What could not be learned is not
    known, for a few seconds too: it never passes for anything else."""
    kept = {market: _kept_of(market, needed) for market, needed in wanted.items()}
    missing = {market: sorted(needed - kept[market].keys()) for market, needed in wanted.items()}
    asked = {market: _asked(market, facts) for market, facts in missing.items() if facts}
    until = time.monotonic() + PATIENCE_SECONDS
    for market, question in asked.items():
        figures = _answer(market, question, until) or dict.fromkeys(missing[market], NOTHING)
        for fact, told in figures.items():
            _keep((*market, fact), told)
        kept[market] |= figures
    return {
        market: MarketFacts(**dict(ChainMap(*map(dict, known.values())))) for market, known in kept.items()
    }


def _kept_of(market: Market, needed: Iterable[Fact]) -> dict[Fact, Figures]:
    young = {fact: _young((*market, fact)) for fact in needed}
    return {fact: figures for fact, figures in young.items() if figures is not None}


def forget() -> None:
    _kept.clear()


def _young(key: tuple[int, str, Fact]) -> Figures | None:
    at, figures = _kept.get(key, (float("-inf"), {}))
    return figures if time.monotonic() - at <= KEPT_SECONDS else None


def _keep(key: tuple[int, str, Fact], figures: Figures) -> None:
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[key] = (time.monotonic(), figures)


def _asked(market: Market, missing: list[Fact]) -> Asked | None:
    account_id, exchange_symbol = market
    try:
        account = ExchangeAccount.objects.get(pk=account_id)
        instrument = Instrument.objects.get(venue=account.venue, exchange_symbol=exchange_symbol)
        return session.start(account, lambda client: _ask_all(client, instrument, missing))
    except Exception as error:
        logger.warning("nothing can be asked of the market of %s: %s", exchange_symbol, error)
        return None


def _answer(market: Market, asked: Asked | None, until: float) -> Mapping[Fact, Figures] | None:
    if asked is None:
        return None
    try:
        return session.answer_of(asked, max(0.0, until - time.monotonic()))
    except Exception as error:
        logger.warning("nothing is known of the market of %s: %s", market[1], error)
        return None


async def _ask_all(
    client: ExchangeClient, instrument: Instrument, wanted: list[Fact]
) -> Mapping[Fact, Figures]:
    """Side by side; one that fails leaves the others known."""
    answers = await asyncio.gather(
        *(_ask(client, instrument, fact) for fact in wanted), return_exceptions=True
    )
    return {fact: _figures(instrument, fact, answer) for fact, answer in zip(wanted, answers, strict=True)}


def _figures(instrument: Instrument, fact: Fact, answer: Figures | BaseException) -> Figures:
    if isinstance(answer, BaseException):
        logger.warning("%s of %s is not known: %s", fact, instrument.exchange_symbol, answer)
        return {}
    return answer


async def _ask(client: ExchangeClient, instrument: Instrument, fact: Fact) -> Figures:
    symbol, size = instrument.symbol, instrument.contract_size
    match fact:
        case Fact.OPEN_INTEREST:
            held, (bid, ask) = await asyncio.gather(client.open_interest(symbol), client.best_prices(symbol))
            return {"open_interest": held * size * (bid.price + ask.price) / 2}
        case Fact.CANDLES:
            rows = await client.candles(symbol, Timeframe.MINUTE, None, CANDLES_NEEDED)
            now = timezone.now()
            return {"move_percent": move_percent(rows, now), "hour_volume": hour_volume(rows, size, now)}
        case Fact.BOOK:
            bid, ask = await client.best_prices(symbol)
            spread = spread_percent(bid.price, ask.price)
            if spread is None:
                return {}
            return {"spread_percent": spread, "bid": bid.price, "ask": ask.price}
