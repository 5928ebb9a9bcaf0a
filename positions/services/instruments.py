"""Contracts and their steps, as the exchange lists them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.utils import timezone

from exchanges import session
from exchanges.errors import ExchangeError
from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import InstrumentSpec

logger = logging.getLogger(__name__)

COLUMNS = (
    "symbol", "price_increment", "size_increment", "min_quantity", "max_quantity",
    "min_notional", "contract_size", "active",
)  # fmt: skip


def refresh_instruments() -> int:
    """Returns how many contracts were written."""
    venues = ExchangeAccount.objects.order_by("venue").values_list("venue", flat=True).distinct()
    return sum(_refresh(venue) for venue in venues)


def _refresh(venue: str) -> int:
    """One account that can be asked is enough."""
    for account in ExchangeAccount.objects.filter(venue=venue).order_by("pk"):
        try:
            return _save(venue, session.call(account, lambda client: client.instruments()))
        except ExchangeError as error:
            logger.warning("instruments of %s could not be loaded by %s: %s", venue, account.name, error)
    return 0


def _save(venue: str, specs: Sequence[InstrumentSpec]) -> int:
    now = timezone.now()
    rows = [
        Instrument(
            venue=venue,
            exchange_symbol=spec.exchange_symbol,
            refreshed_at=now,
            **{column: getattr(spec, column) for column in COLUMNS},
        )
        for spec in specs
    ]
    Instrument.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["venue", "exchange_symbol"],
        update_fields=[*COLUMNS, "refreshed_at"],
    )
    return len(rows)


def spec_of(instrument: Instrument) -> InstrumentSpec:
    return InstrumentSpec(
        symbol=instrument.symbol,
        exchange_symbol=instrument.exchange_symbol,
        price_increment=instrument.price_increment,
        size_increment=instrument.size_increment,
        min_quantity=instrument.min_quantity,
        max_quantity=instrument.max_quantity,
        min_notional=instrument.min_notional,
        contract_size=instrument.contract_size,
        active=instrument.active,
    )
