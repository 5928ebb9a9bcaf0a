"""What is asked of the network about a signal, before its transaction begins."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import QuerySet

from exchanges.marks import fresh_price
from exchanges.types import PriceKind
from positions.models import Position
from positions.services.closing import REQUESTABLE
from signals_app.market_facts import facts_for
from signals_app.market_filters import Fact, MarketFacts
from signals_app.parsing import Signal
from signals_app.routing import Ignored, OppositeSignal, Route, Routed
from trailing.rows import kind_of

logger = logging.getLogger(__name__)

PROTECTING = (OppositeSignal.PROTECT, OppositeSignal.PROTECT_REVERSE)


@dataclass(frozen=True, slots=True)
class Outlook:
    """By account: what could be learned of the signal's contract."""

    prices: Mapping[tuple[int, PriceKind], Decimal | None] = field(default_factory=dict)
    markets: Mapping[int, MarketFacts] = field(default_factory=dict)

    def price(self, account_id: int, kind: PriceKind = PriceKind.MARK) -> Decimal | None:
        return self.prices.get((account_id, kind))

    def market(self, account_id: int) -> MarketFacts:
        return self.markets.get(account_id, MarketFacts())


def outlook_for(signal: Signal, routed: Routed) -> Outlook:
    entries = _entries(routed)
    wanted = {(one.account_id, kind) for one in entries for kind in (PriceKind.MARK, *_kinds(signal, one))}
    prices = {(account_id, kind): _price(account_id, signal, kind) for account_id, kind in wanted}
    return Outlook(prices, _markets(signal, entries))


def _markets(signal: Signal, entries: list[Route]) -> Mapping[int, MarketFacts]:
    needed: dict[int, frozenset[Fact]] = {}
    for one in entries:
        needed[one.account_id] = needed.get(one.account_id, frozenset()) | one.filters.needs
    return {
        account_id: facts_for(account_id, signal.symbol, facts)
        for account_id, facts in needed.items()
        if facts
    }


def live_legs(account_id: int, exchange_symbol: str) -> QuerySet[Position]:
    """Whichever strategy opened them; one that is being closed is none any more."""
    held = Position.objects.filter(account_id=account_id, status__in=REQUESTABLE)
    return held.filter(instrument__exchange_symbol=exchange_symbol).select_related("instrument", "plan")


def _entries(routed: Routed) -> list[Route]:
    if isinstance(routed, Ignored):
        return []
    return [one for one in routed if isinstance(one, Route) and one.direction.is_entry]


def _kinds(signal: Signal, routed: Route) -> list[PriceKind]:
    """The price that decides about what it would protect. What one strategy lacks must not stop the others."""
    if routed.opposite not in PROTECTING:
        return []
    against = live_legs(routed.account_id, signal.symbol).filter(strategy_id=routed.strategy_id)
    try:
        return [kind_of(position) for position in against]
    except Exception:
        logger.exception("strategy %s: what it holds cannot be judged", routed.strategy_id)
        return []


def _price(account_id: int, signal: Signal, kind: PriceKind) -> Decimal | None:
    """Without a price nothing is opened, but the signal is kept and closes what it closes."""
    try:
        found = fresh_price(account_id, signal.symbol, kind)
    except Exception:
        logger.exception("no %s price of %s for account %s", kind, signal.symbol, account_id)
        return None
    return found.price if found else None
