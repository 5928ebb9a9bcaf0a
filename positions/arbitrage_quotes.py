"""What both accounts of a pair say now: kept prices where they are young, else asked side by side. Never inside a
transaction: it uses the network."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any, TypeVar

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.errors import ExchangeError
from exchanges.marks import young_prices
from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import FundingRate, PriceKind, PriceTick
from positions.arbitrage import Market, Markets, Quote
from positions.arbitrage_models import ArbitragePair

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 1.5
FUNDING_KNOWN_FOR = 60.0
Place = tuple[int, str]  # account, ccxt symbol
Told = TypeVar("Told")

_fundings: dict[Place, tuple[FundingRate, float]] = {}


def markets_of(pairs: Iterable[ArbitragePair], now: datetime) -> dict[int, Markets]:
    """By pair. Whoever does not answer in time holds up nobody else."""
    each = list(pairs)
    accounts = {a.pk: a for pair in each for a in (pair.first_account, pair.second_account)}
    kept = {pair.pk: kept_quotes(pair, now) for pair in each}
    wanted = {
        place: accounts[place[0]]
        for pair in each
        for place, quote in zip(places_of(pair), kept[pair.pk], strict=True)
        if quote is None
    }
    until = time.monotonic() + PATIENCE_SECONDS
    asked = {place: _start(accounts[place[0]], _best_prices(place[1])) for place in wanted}
    fundings = _fundings_of({p: accounts[p[0]] for pair in each for p in places_of(pair)}, until)
    told = {place: _quote(_answer(place, question, until)) for place, question in asked.items()}
    return {pair.pk: _markets(pair, kept[pair.pk], told, fundings) for pair in each}


def places_of(pair: ArbitragePair) -> tuple[Place, Place]:
    return (pair.first_account_id, pair.symbol), (pair.second_account_id, pair.symbol)


def kept_quotes(pair: ArbitragePair, now: datetime) -> tuple[Quote | None, Quote | None]:
    """What streams told, young enough for this pair."""
    age = timedelta(milliseconds=pair.max_quote_age_ms)
    first, second = (
        _kept(account, pair.symbol, age, now) for account in (pair.first_account, pair.second_account)
    )
    return first, second


def _kept(account: ExchangeAccount, symbol: str, age: timedelta, now: datetime) -> Quote | None:
    listed = Instrument.objects.filter(venue=account.venue, symbol=symbol).values_list(
        "exchange_symbol", flat=True
    )
    if (name := listed.first()) is None:
        return None
    bid, ask = (
        young_prices(account.venue, [name], kind, now).get(name) for kind in (PriceKind.BID, PriceKind.ASK)
    )
    if bid is None or ask is None or now - min(bid.at, ask.at) > age:
        return None
    return Quote(bid.price, ask.price, min(bid.at, ask.at))


def _best_prices(symbol: str) -> Callable[[ExchangeClient], Coroutine[Any, Any, tuple[PriceTick, PriceTick]]]:
    return lambda client: client.best_prices(symbol)


def _funding_rate(symbol: str) -> Callable[[ExchangeClient], Coroutine[Any, Any, FundingRate]]:
    return lambda client: client.funding_rate(symbol)


def _fundings_of(places: Mapping[Place, ExchangeAccount], until: float) -> dict[Place, FundingRate]:
    young = time.monotonic() - FUNDING_KNOWN_FOR
    missing = [place for place in places if place not in _fundings or _fundings[place][1] < young]
    asked = {place: _start(places[place], _funding_rate(place[1])) for place in missing}
    for place, question in asked.items():
        _fundings.pop(place, None)
        if (rate := _answer(place, question, until)) is not None:
            _fundings[place] = rate, time.monotonic()
    return {place: _fundings[place][0] for place in places if place in _fundings}


def _start(
    account: ExchangeAccount, question: Callable[[ExchangeClient], Coroutine[Any, Any, Told]]
) -> Future[Told] | None:
    try:
        return session.start(account, question)
    except ExchangeError as error:
        logger.info("%s cannot be asked for its prices: %s", account.name, error)
    except Exception:
        logger.exception("%s cannot be asked for its prices", account.name)
    return None


def _answer(place: Place, question: Future[Told] | None, until: float) -> Told | None:
    """What one side does not say decides nothing, and is told by whoever decides."""
    if question is None:
        return None
    try:
        return session.answer_of(question, max(0.0, until - time.monotonic()))
    except ExchangeError as error:
        logger.info("account %s says nothing of %s: %s", *place, error)
    except Exception:
        logger.exception("account %s says nothing of %s", *place)
    return None


def _quote(ticks: tuple[PriceTick, PriceTick] | None) -> Quote | None:
    if ticks is None:
        return None
    bid, ask = ticks
    return Quote(bid.price, ask.price, min(bid.at, ask.at))


def _markets(
    pair: ArbitragePair,
    kept: tuple[Quote | None, Quote | None],
    told: Mapping[Place, Quote | None],
    fundings: Mapping[Place, FundingRate],
) -> Markets:
    first, second = (quote or told.get(place) for place, quote in zip(places_of(pair), kept, strict=True))
    one, other = places_of(pair)
    return (
        Market(one, pair.first_account.name, pair.first_fee_percent, first, fundings.get(one)),
        Market(other, pair.second_account.name, pair.second_fee_percent, second, fundings.get(other)),
    )
