"""Clients of the engines that live in this process, by address: inprocess:anything."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from exchanges.client import ExchangeClient
from exchanges.paper.inprocess import ENGINES, FRONTS, InProcessClient
from exchanges.paper.inprocess_bybit import InProcessBybitClient
from exchanges.paper.venue_rules import BINANCE, BYBIT, VENUES

CLIENTS: dict[str, type[InProcessClient]] = {BINANCE.name: InProcessClient, BYBIT.name: InProcessBybitClient}


def client_at(url: str, account: str, venue: str) -> ExchangeClient:
    engine = ENGINES[url]
    engine.open_account(account, Decimal(10_000), VENUES[venue])
    client = CLIENTS[venue](engine, account, lambda: datetime.now(UTC))
    return FRONTS[url](client) if url in FRONTS else client
