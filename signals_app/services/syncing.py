"""Tickers as the exchanges list them: new contracts come in switched off, what is there stays as its owner set it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from exchanges.models import Instrument
from positions.services.instruments import refresh_instruments
from signals_app.models import Ticker

NAMES = r"^[A-Z0-9]{2,20}$"


@dataclass(frozen=True, slots=True)
class Synced:
    contracts: int
    added: int


def sync_tickers(*, enabled: bool = False) -> Synced:
    """The exchanges are asked first. No contract: none of them answered."""
    contracts = refresh_instruments()
    listed = Instrument.objects.filter(active=True, exchange_symbol__regex=NAMES)
    known = set(Ticker.objects.values_list("symbol", flat=True))
    names = sorted(set(listed.values_list("exchange_symbol", flat=True)) - known)
    Ticker.objects.bulk_create(
        [Ticker(symbol=name, enabled=enabled) for name in names], ignore_conflicts=True
    )
    return Synced(contracts, len(names))


def switch_tickers(ids: Collection[int], *, on: bool) -> int:
    return Ticker.objects.filter(pk__in=ids).exclude(enabled=on).update(enabled=on)
