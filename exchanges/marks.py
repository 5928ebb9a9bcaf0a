"""The latest prices, kept in Redis by the market process. A cache: it may be empty, old or away."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache

import redis
from django.conf import settings
from django.utils import timezone

from exchanges import session
from exchanges.errors import ExchangeError
from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import PriceKind, PriceTick

logger = logging.getLogger(__name__)

COMPLAIN_EVERY = 60.0
_complained_at = float("-inf")


@dataclass(frozen=True, slots=True)
class Price:
    price: Decimal
    at: datetime  # the exchange's time of it


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


def _read(text: str | None) -> Price | None:
    try:
        price, milliseconds = (text or "").split()
        return Price(Decimal(price), datetime.fromtimestamp(int(milliseconds) / 1000, UTC))
    except (ValueError, InvalidOperation):
        return None


def _is_young(price: Price, now: datetime) -> bool:
    return now - price.at <= settings.MAX_PRICE_AGE


def fresh_mark(account_id: int, exchange_symbol: str) -> Decimal | None:
    mark = fresh_price(account_id, exchange_symbol, PriceKind.MARK)
    return mark.price if mark else None


def fresh_price(account_id: int, exchange_symbol: str, kind: PriceKind) -> Price | None:
    """From the cache, else asked of the exchange. Never inside a transaction: it may use the network."""
    account = ExchangeAccount.objects.get(pk=account_id)
    kept = young_prices(account.venue, [exchange_symbol], kind, timezone.now())
    return kept.get(exchange_symbol) or _asked(account, exchange_symbol, kind)


def _asked(account: ExchangeAccount, exchange_symbol: str, kind: PriceKind) -> Price | None:
    instrument = Instrument.objects.filter(venue=account.venue, exchange_symbol=exchange_symbol).first()
    if instrument is None:
        return None
    try:
        return ask_price(account, instrument.symbol, kind)
    except ExchangeError as error:
        logger.warning("no %s price of %s: %s", kind, exchange_symbol, error)
        return None


def ask_price(account: ExchangeAccount, symbol: str, kind: PriceKind) -> Price | None:
    """By the ccxt symbol. None: what the exchange knows is too old to act on. Raises ExchangeError."""
    tick = session.call(account, lambda client: client.price(symbol, kind))
    price = Price(tick.price, tick.at)
    return price if _is_young(price, timezone.now()) else None


def _complain(error: Exception) -> None:
    global _complained_at
    if time.monotonic() - _complained_at > COMPLAIN_EVERY:
        _complained_at = time.monotonic()
        logger.warning("prices are not in Redis now (%s); the exchange is asked instead", error)
