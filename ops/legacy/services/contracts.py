"""The contracts that legacy rows name. What no exchange has listed to us yet gets a row that is not traded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from exchanges.models import Instrument
from ops.legacy.mapping.words import unified

FINEST = Decimal("0.00000001")


def contracts(named: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Instrument]:
    """By (venue, the venue's name). Once its exchange lists one, it has its steps and is traded."""
    wanted = set(named)
    found = _known(wanted)
    now = timezone.now()
    made = [_unlisted(venue, symbol, now) for venue, symbol in sorted(wanted - found.keys())]
    Instrument.objects.bulk_create(made)
    return found | {(one.venue, one.exchange_symbol): one for one in made}


def _known(wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Instrument]:
    rows = Instrument.objects.filter(exchange_symbol__in={symbol for _, symbol in wanted})
    return {key: one for one in rows if (key := (one.venue, one.exchange_symbol)) in wanted}


def _unlisted(venue: str, symbol: str, now: datetime) -> Instrument:
    return Instrument(
        venue=venue,
        symbol=unified(symbol),
        exchange_symbol=symbol,
        price_increment=FINEST,
        size_increment=FINEST,
        min_quantity=FINEST,
        min_notional=Decimal(0),
        active=False,
        refreshed_at=now,
    )
