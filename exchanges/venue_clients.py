"""Who speaks to which venue. Importing this imports ccxt, half a second and 50 MB: only who asks an exchange does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from exchanges.binance_client import BinanceClient
from exchanges.binance_stream import BinanceStream
from exchanges.bybit_client import BybitClient
from exchanges.bybit_stream import BybitStream
from exchanges.ccxt_client import build_exchange
from exchanges.client import ExchangeClient, ExchangeStream
from exchanges.credentials import Credentials
from exchanges.errors import AccountUnusable

_CLIENTS: Mapping[str, Callable[[Credentials], ExchangeClient]] = {
    "binance": BinanceClient,
    "bybit": BybitClient,
}
_STREAMS: Mapping[str, Callable[[Callable[[], Any]], ExchangeStream]] = {
    "binance": BinanceStream,
    "bybit": BybitStream,
}
Maker = TypeVar("Maker")


def client_with(credentials: Credentials) -> ExchangeClient:
    return _of(credentials, _CLIENTS)(credentials)


def stream_with(credentials: Credentials) -> ExchangeStream:
    return _of(credentials, _STREAMS)(lambda: build_exchange(credentials))


def _of(credentials: Credentials, built: Mapping[str, Maker]) -> Maker:
    if credentials.venue not in built:
        raise AccountUnusable(f"Trading on {credentials.venue!r} is not built, only on {', '.join(built)}.")
    return built[credentials.venue]
