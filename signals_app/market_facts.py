"""What market filters judge by, asked of the exchange and kept for a few seconds. Never inside a transaction."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
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

Figures = Mapping[str, Decimal | None]
_kept: dict[tuple[int, str, Fact], tuple[float, Figures]] = {}


def facts_for(account_id: int, exchange_symbol: str, needed: Iterable[Fact]) -> MarketFacts:
    """What could not be learned is not known, for a few seconds too: it never passes for anything else."""
    told: dict[str, Decimal | None] = {}
    missing = []
    for fact in sorted(needed):
        kept = _young((account_id, exchange_symbol, fact))
        told |= kept or {}
        missing += [] if kept is not None else [fact]
    for fact, figures in _asked(account_id, exchange_symbol, missing).items():
        _keep((account_id, exchange_symbol, fact), figures)
        told |= figures
    return MarketFacts(**told)


def forget() -> None:
    _kept.clear()


def _young(key: tuple[int, str, Fact]) -> Figures | None:
    at, figures = _kept.get(key, (float("-inf"), {}))
    return figures if time.monotonic() - at <= KEPT_SECONDS else None


def _keep(key: tuple[int, str, Fact], figures: Figures) -> None:
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[key] = (time.monotonic(), figures)


def _asked(account_id: int, exchange_symbol: str, missing: list[Fact]) -> Mapping[Fact, Figures]:
    nothing: dict[Fact, Figures] = {fact: {} for fact in missing}
    if not missing:
        return nothing
    try:
        account = ExchangeAccount.objects.get(pk=account_id)
        instrument = Instrument.objects.get(venue=account.venue, exchange_symbol=exchange_symbol)
        return session.call(
            account, lambda client: _ask_all(client, instrument, missing), timeout=PATIENCE_SECONDS
        )
    except Exception as error:
        logger.warning("nothing is known of the market of %s: %s", exchange_symbol, error)
        return nothing


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
            return {"spread_percent": spread_percent(bid.price, ask.price)}
