"""The latest prices, kept in Redis by the market process. A cache: it may be empty, old or away."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache

import redis
from django.conf import settings
from django.utils import timezone

from exchanges import session
from exchanges.errors import ExchangeError
from exchanges.models import KEYS, ExchangeAccount, Instrument
from exchanges.types import PriceKind, PriceTick

logger = logging.getLogger(__name__)

COMPLAIN_EVERY = 60.0
PATIENCE_SECONDS = 3.0  # with a price that somebody waits for
_complained_at = float("-inf")


@dataclass(frozen=True, slots=True)
class Price:
    price: Decimal
    at: datetime  # the exchange's time of it


Wanted = tuple[int, str, PriceKind]  # account, exchange symbol


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, decode_responses=True
    )


def _key(venue: str, kind: PriceKind = PriceKind.MARK) -> str:
    return f"{settings.REDIS_PREFIX}:{kind}s:{venue}"


def publish_prices(venue: str, ticks: Iterable[tuple[str, PriceTick]]) -> None:
    """Keep (exchange symbol, tick) pairs; a Redis that is away is told of once a minute."""
    by_kind: dict[PriceKind, dict[str, str]] = defaultdict(dict)
    for symbol, tick in ticks:
        by_kind[tick.kind][symbol] = f"{tick.price} {int(tick.at.timestamp() * 1000)}"
    try:
        for kind, fields in by_kind.items():
            _redis().hset(_key(venue, kind), mapping=fields)  # type: ignore[arg-type]
    except redis.RedisError as error:
        _complain(error)


def latest_mark(venue: str, exchange_symbol: str, now: datetime) -> Decimal | None:
    """None when there is none, or none young enough to act on."""
    return latest_marks(venue, [exchange_symbol], now).get(exchange_symbol)


def latest_marks(venue: str, exchange_symbols: Iterable[str], now: datetime) -> Mapping[str, Decimal]:
    kept = young_prices(venue, exchange_symbols, PriceKind.MARK, now)
    return {symbol: mark.price for symbol, mark in kept.items()}


def young_prices(
    venue: str, exchange_symbols: Iterable[str], kind: PriceKind, now: datetime
) -> Mapping[str, Price]:
    """Those young enough to act on."""
    try:
        found = newest_prices(venue, exchange_symbols, kind)
    except redis.RedisError as error:
        _complain(error)
        return {}
    return {symbol: price for symbol, price in found.items() if _is_young(price, now)}


def newest_prices(venue: str, exchange_symbols: Iterable[str], kind: PriceKind) -> Mapping[str, Price]:
    """Of any age: to tell how old they are, never to act on."""
    symbols = list(exchange_symbols)
    texts = _redis().hmget(_key(venue, kind), symbols) if symbols else []
    found = {symbol: _read(text) for symbol, text in zip(symbols, texts, strict=True)}  # type: ignore[arg-type]
    return {symbol: price for symbol, price in found.items() if price is not None}


def newest_tick(venue: str, kind: PriceKind) -> tuple[int, datetime | None]:
    """How many contracts have a price, and the exchange's time of the youngest."""
    texts: list[str] = _redis().hvals(_key(venue, kind))  # type: ignore[assignment]
    prices = [price for text in texts if (price := _read(text)) is not None]
    return len(prices), max((price.at for price in prices), default=None)


def _read(text: str | None) -> Price | None:
    try:
        price, milliseconds = (text or "").split()
        return Price(Decimal(price), datetime.fromtimestamp(int(milliseconds) / 1000, UTC))
    except (ValueError, InvalidOperation):
        return None


def _is_young(price: Price, now: datetime) -> bool:
    return now - price.at <= settings.MAX_PRICE_AGE


def is_young(price: Price) -> bool:
    """Young enough to act on."""
    return _is_young(price, timezone.now())


def fresh_mark(account_id: int, exchange_symbol: str) -> Decimal | None:
    mark = fresh_price(account_id, exchange_symbol, PriceKind.MARK)
    return mark.price if mark else None


def fresh_price(account_id: int, exchange_symbol: str, kind: PriceKind) -> Price | None:
    wanted = (account_id, exchange_symbol, kind)
    return fresh_prices([wanted]).get(wanted)


def fresh_prices(wanted: Iterable[Wanted]) -> Mapping[Wanted, Price]:
    """From the cache, else asked of the exchanges, side by side and with one patience for all of them; of a venue's
    accounts the first answer is everyone's. Never inside a transaction: it may use the network."""
    each = set(wanted)
    known = ExchangeAccount.objects.defer(*KEYS)  # one that cannot be opened is its own matter
    accounts = known.in_bulk({account_id for account_id, _, _ in each})
    each = {one for one in each if one[0] in accounts}
    found = _cached(each, accounts)
    asked: dict[tuple[str, str, PriceKind], dict[Future[PriceTick], Wanted]] = defaultdict(dict)
    for one in each - found.keys():
        account = accounts[one[0]]
        if (question := _question(account, one)) is not None:
            asked[account.venue, one[1], one[2]][question] = one
    until = time.monotonic() + PATIENCE_SECONDS
    for questions in asked.values():
        if price := _first_answer(questions, until):
            found |= dict.fromkeys(questions.values(), price)
    return found


def _first_answer(questions: Mapping[Future[PriceTick], Wanted], until: float) -> Price | None:
    try:
        for question in as_completed(questions, max(0.0, until - time.monotonic())):
            if price := _answer(questions[question], question):
                return price
    except TimeoutError:
        logger.warning("no %s price of %s in time", *reversed(next(iter(questions.values()))[1:]))
    finally:
        for question in questions:
            question.cancel()
    return None


def _cached(wanted: Iterable[Wanted], accounts: Mapping[int, ExchangeAccount]) -> dict[Wanted, Price]:
    symbols: dict[tuple[str, PriceKind], list[Wanted]] = defaultdict(list)
    for account_id, symbol, kind in wanted:
        symbols[accounts[account_id].venue, kind].append((account_id, symbol, kind))
    now, found = timezone.now(), dict[Wanted, Price]()
    for (venue, kind), those in symbols.items():
        kept = young_prices(venue, {symbol for _, symbol, _ in those}, kind, now)
        found |= {one: kept[one[1]] for one in those if one[1] in kept}
    return found


def _question(account: ExchangeAccount, wanted: Wanted) -> Future[PriceTick] | None:
    _, exchange_symbol, kind = wanted
    instrument = Instrument.objects.filter(venue=account.venue, exchange_symbol=exchange_symbol).first()
    if instrument is None:
        return None
    symbol = instrument.symbol
    try:
        return session.start(account, lambda client: client.price(symbol, kind))
    except Exception:
        logger.exception("no %s price of %s can be asked for", kind, exchange_symbol)
        return None


def _answer(wanted: Wanted, question: Future[PriceTick]) -> Price | None:
    """Without a price nothing is opened; what one contract lacks must not stop the others."""
    try:
        tick = question.result(0)
    except ExchangeError as error:
        logger.warning("no %s price of %s: %s", wanted[2], wanted[1], error)
        return None
    except Exception:
        logger.exception("no %s price of %s for account %s", wanted[2], wanted[1], wanted[0])
        return None
    price = Price(tick.price, tick.at)
    return price if is_young(price) else None


def ask_price(account: ExchangeAccount, symbol: str, kind: PriceKind) -> Price | None:
    """By the ccxt symbol. None: what the exchange knows is too old to act on. Raises ExchangeError."""
    tick = session.call(account, lambda client: client.price(symbol, kind))
    price = Price(tick.price, tick.at)
    return price if is_young(price) else None


def _complain(error: Exception) -> None:
    global _complained_at
    if time.monotonic() - _complained_at > COMPLAIN_EVERY:
        _complained_at = time.monotonic()
        logger.warning("prices are not in Redis now (%s); the exchange is asked instead", error)
