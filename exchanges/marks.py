"""The latest mark prices, kept in Redis by the market process. A cache: it may be empty, old or away."""

from __future__ import annotations

import logging
import time
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
from exchanges.types import PriceTick

logger = logging.getLogger(__name__)

COMPLAIN_EVERY = 60.0
_complained_at = float("-inf")


@dataclass(frozen=True, slots=True)
class Mark:
    price: Decimal
    at: datetime  # the exchange's time of it


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, decode_responses=True
    )


def _key(venue: str) -> str:
    return f"{settings.REDIS_PREFIX}:marks:{venue}"


def publish_marks(venue: str, ticks: Iterable[tuple[str, PriceTick]]) -> None:
    """Keep (exchange symbol, tick) pairs; a Redis that is away is told of once a minute."""
    fields = {symbol: f"{tick.mark_price} {int(tick.at.timestamp() * 1000)}" for symbol, tick in ticks}
    if not fields:
        return
    try:
        _redis().hset(_key(venue), mapping=fields)  # type: ignore[arg-type]
    except redis.RedisError as error:
        _complain(error)


def latest_mark(venue: str, exchange_symbol: str, now: datetime) -> Decimal | None:
    """None when there is none, or none young enough to act on."""
    return latest_marks(venue, [exchange_symbol], now).get(exchange_symbol)


def latest_marks(venue: str, exchange_symbols: Iterable[str], now: datetime) -> Mapping[str, Decimal]:
    return {symbol: mark.price for symbol, mark in _kept(venue, exchange_symbols, now).items()}


def _kept(venue: str, exchange_symbols: Iterable[str], now: datetime) -> Mapping[str, Mark]:
    try:
        found = newest_marks(venue, exchange_symbols)
    except redis.RedisError as error:
        _complain(error)
        return {}
    return {symbol: mark for symbol, mark in found.items() if _is_young(mark, now)}


def newest_marks(venue: str, exchange_symbols: Iterable[str]) -> Mapping[str, Mark]:
    """Of any age: to tell how old they are, never to act on."""
    symbols = list(exchange_symbols)
    texts = _redis().hmget(_key(venue), symbols) if symbols else []
    found = {symbol: _read(text) for symbol, text in zip(symbols, texts, strict=True)}  # type: ignore[arg-type]
    return {symbol: mark for symbol, mark in found.items() if mark is not None}


def _read(text: str | None) -> Mark | None:
    try:
        price, milliseconds = (text or "").split()
        return Mark(Decimal(price), datetime.fromtimestamp(int(milliseconds) / 1000, UTC))
    except (ValueError, InvalidOperation):
        return None


def _is_young(mark: Mark, now: datetime) -> bool:
    return now - mark.at <= settings.MAX_PRICE_AGE


def fresh_mark(account_id: int, exchange_symbol: str) -> Decimal | None:
    """From the cache, else asked of the exchange. Never inside a transaction: it may use the network."""
    mark = fresh_mark_and_time(account_id, exchange_symbol)
    return mark.price if mark else None


def fresh_mark_and_time(account_id: int, exchange_symbol: str) -> Mark | None:
    account = ExchangeAccount.objects.get(pk=account_id)
    kept = _kept(account.venue, [exchange_symbol], timezone.now())
    return kept.get(exchange_symbol) or _asked(account, exchange_symbol)


def _asked(account: ExchangeAccount, exchange_symbol: str) -> Mark | None:
    instrument = Instrument.objects.filter(venue=account.venue, exchange_symbol=exchange_symbol).first()
    if instrument is None:
        return None
    try:
        tick = session.call(account, lambda client: client.mark_price(instrument.symbol))
    except ExchangeError as error:
        logger.warning("no mark price of %s: %s", exchange_symbol, error)
        return None
    mark = Mark(tick.mark_price, tick.at)
    return mark if _is_young(mark, timezone.now()) else None


def _complain(error: Exception) -> None:
    global _complained_at
    if time.monotonic() - _complained_at > COMPLAIN_EVERY:
        _complained_at = time.monotonic()
        logger.warning("mark prices are not in Redis now (%s); the exchange is asked instead", error)
