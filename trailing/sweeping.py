"""The net under the hints: every open position gets its stop, and is judged by the price of now. Nothing here asks an
exchange: it must not wait while stops are missing."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from exchanges.marks import Price, young_prices
from exchanges.models import Instrument
from exchanges.types import PositionSide, PriceKind, Reference
from positions.cover import standing_stops
from positions.lifecycle import OrderPurpose, OrderStatus
from positions.models import Order
from positions.services.covering import close_uncovered
from positions.services.price_watch import saw_prices
from positions.services.sweeping import for_each
from trailing.models import TrailingStop
from trailing.plan import PlanRefused
from trailing.rows import band_of, kind_of, open_rows, plan_of
from trailing.services import advance, keep_stop

logger = logging.getLogger(__name__)

AT_ONCE = 500
ON_THE_WAY = (OrderStatus.INITIALIZED, OrderStatus.SUBMITTED)
Line = tuple[str, str, PriceKind]  # venue, exchange symbol, which of its prices


def sweep(now: datetime) -> int:
    """Where no stop can even be reckoned, being without one still ends the position."""
    began = timezone.now()
    close_uncovered(now)
    needy = in_need().order_by("pk").values_list("pk", flat=True)
    for_each(needy, keep_stop, "the stop of position %s could not be looked after")
    return sum(_judge(chunk, now + (timezone.now() - began)) for chunk in _chunks())


# stops


def in_need() -> QuerySet[TrailingStop]:
    """Bought at another price than it is armed at, a level to follow, a nearer stop than the one that a person
    loosened, or no stop that fits and is as good as the row's, and none on its way."""
    stops = Order.objects.filter(position=OuterRef("pk"), purpose=OrderPurpose.PROTECT)
    is_bare = ~Exists(stops.filter(status__in=ON_THE_WAY)) & ~Exists(_fitting_stops())
    armed_elsewhere = Q(entry_price=None) | ~Q(entry_price=F("position__average_entry_price"))
    held = open_rows().filter(position__average_entry_price__isnull=False, position__quantity__gt=0)
    is_nearer = Q(loosened_from__isnull=False) & Exists(_nearer_stops())
    return held.filter(armed_elsewhere | Q(levels_taken__gt=0) | Q(is_bare) | is_nearer)


def _nearer_stops() -> QuerySet[Order]:
    """Than the outer row's. One that is nearer by the contract's step alone is known when the row is looked after."""
    wished, long = OuterRef("stop_price"), Q(position__position_side=PositionSide.LONG)
    is_nearer = long & Q(trigger_price__gt=wished) | ~long & Q(trigger_price__lt=wished)
    return standing_stops().filter(is_nearer, position=OuterRef("pk")).order_by()


def _fitting_stops() -> QuerySet[Order, Any]:
    """Of the position of an outer row. The orders of one generation are one stop."""
    wished, long = OuterRef("stop_price"), Q(position__position_side=PositionSide.LONG)
    is_as_good = long & Q(trigger_price__gte=wished) | ~long & Q(trigger_price__lte=wished)
    standing = standing_stops().filter(is_as_good, position=OuterRef("pk")).order_by()
    together = standing.values("generation").annotate(left=Sum(F("quantity") - F("filled_quantity")))
    return together.filter(left=OuterRef("position__quantity"))


# prices


def line_of(row: TrailingStop) -> Line:
    instrument = row.position.instrument
    return instrument.venue, instrument.exchange_symbol, kind_of(row.position)


def _chunks() -> Iterator[list[TrailingStop]]:
    """Whole contracts: what is said of a contract's prices holds for all its positions."""
    keys = open_rows().order_by("position__instrument", "pk").values_list("position__instrument", "pk")
    wanted: list[int] = []
    for _, contract in groupby(list(keys), key=itemgetter(0)):
        wanted += [pk for _, pk in contract]
        if len(wanted) >= AT_ONCE:
            yield list(open_rows().filter(pk__in=wanted))
            wanted = []
    if wanted:
        yield list(open_rows().filter(pk__in=wanted))


def _judge(chunk: list[TrailingStop], now: datetime) -> int:
    rows = list(readable(chunk))
    prices = known_prices({line_of(row) for row in rows}, now)
    saw_prices(judge_each(rows, prices, now), now)
    return len(chunk)


def readable(rows: Iterable[TrailingStop]) -> Iterator[TrailingStop]:
    """One whose plan cannot be read keeps the stop it has; without one it is closed."""
    for row in rows:
        try:
            plan_of(row.position)
        except PlanRefused as refusal:
            logger.error("position %s could not be evaluated: its plan cannot be read: %s", row.pk, refusal)
        else:
            yield row


def judge_each(
    rows: Iterable[TrailingStop], prices: Mapping[Line, Price], now: datetime
) -> set[tuple[Instrument, Reference]]:
    """Returns by what was judged. A row that cannot be does not keep the others from it."""
    judged_by = set()
    for row in rows:
        try:
            _judge_one(row, prices, now)
            judged_by.add((row.position.instrument, plan_of(row.position).reference))
        except Exception:
            logger.exception("position %s could not be evaluated; the next sweep tries again", row.pk)
    return judged_by


def known_prices(lines: Iterable[Line], now: datetime) -> Mapping[Line, Price]:
    """Young ones only."""
    asked: dict[tuple[str, PriceKind], set[str]] = defaultdict(set)
    for venue, symbol, kind in lines:
        asked[venue, kind].add(symbol)
    return {
        (venue, symbol, kind): price
        for (venue, kind), symbols in asked.items()
        for symbol, price in young_prices(venue, sorted(symbols), kind, now).items()
    }


def _judge_one(row: TrailingStop, prices: Mapping[Line, Price], now: datetime) -> None:
    price = prices.get(line_of(row))
    if price is not None and _matters(row, price, now):
        advance(row.pk, price.price, price.at)


def _matters(row: TrailingStop, price: Price, now: datetime) -> bool:
    """Also when it came back from beyond the stop."""
    is_news = row.entry_price is None or row.crossed_at is not None
    return is_news or band_of(row, now).is_left_by(price.price)
