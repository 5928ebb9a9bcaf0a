"""Remembers which contracts' prices are watched without a gap, so that a gap is noticed after any kind of downtime."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Coalesce, Greatest

from exchanges.marks import young_prices
from exchanges.models import Instrument
from exchanges.types import PositionSide, Reference
from trailing.gaps import TOLERATED
from trailing.models import PriceWatch, TrailingStop


def saw_prices(judged: Collection[tuple[Instrument, Reference]], now: datetime) -> None:
    """Called by whoever judges positions. Watched means: judged, while the price stream tells."""
    for reference in Reference:
        held = [instrument for instrument, by in judged if by is reference]
        if told := set(_with_fresh_prices(held, reference, now)):
            _saw(told, reference, now)


def _saw(told: set[int], reference: Reference, now: datetime) -> None:
    watches = PriceWatch.objects.filter(instrument__in=told, reference=reference)
    watches.filter(until__gte=now - TOLERATED).update(until=Greatest("until", now))
    for watch in watches.filter(until__lt=now):
        _begin_anew(watch, now)
    PriceWatch.objects.bulk_create(
        [PriceWatch(instrument_id=key, reference=reference, since=now, until=now) for key in told],
        ignore_conflicts=True,
    )


def _with_fresh_prices(held: Collection[Instrument], reference: Reference, now: datetime) -> Iterator[int]:
    """Both sides of the book are told together."""
    kind = reference.kind(PositionSide.LONG)
    by_venue: dict[str, dict[str, int]] = defaultdict(dict)
    for instrument in held:
        by_venue[instrument.venue][instrument.exchange_symbol] = instrument.pk
    for venue, keys in by_venue.items():
        yield from (keys[symbol] for symbol in young_prices(venue, keys, kind, now))


@transaction.atomic
def _begin_anew(watch: PriceWatch, now: datetime) -> None:
    """What the watch that ended knew stays known."""
    rows = TrailingStop.objects.filter(
        position__instrument=watch.instrument_id, position__plan__body__reference=watch.reference
    )
    rows = rows.alias(known=Coalesce("known_until", "position__opened_at"))
    rows.filter(known__gte=watch.since - TOLERATED, known__lt=watch.until).update(known_until=watch.until)
    PriceWatch.objects.filter(pk=watch.pk).update(since=now, until=now)
