"""What is asked of the network about a signal, before its transaction begins."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Q, QuerySet

from exchanges.marks import Price, Wanted, fresh_prices, is_young
from exchanges.types import PriceKind
from positions.models import Position
from positions.services.closing import REQUESTABLE
from signals_app.market_facts import Market, facts_for_all
from signals_app.market_filters import Fact, MarketFacts
from signals_app.parsing import Signal
from signals_app.routing import Ignored, OppositeSignal, Route, Routed
from trailing.rows import kind_of

logger = logging.getLogger(__name__)

PROTECTING = (OppositeSignal.PROTECT, OppositeSignal.PROTECT_REVERSE)


@dataclass(frozen=True, slots=True)
class Outlook:
    """By account: what could be learned of the signal's contract."""

    prices: Mapping[tuple[int, PriceKind], Price] = field(default_factory=dict)
    markets: Mapping[int, MarketFacts] = field(default_factory=dict)

    def price(self, account_id: int, kind: PriceKind = PriceKind.MARK) -> Decimal | None:
        """None also for one that became too old while its signal waited."""
        known = self.prices.get((account_id, kind))
        return known.price if known and is_young(known) else None

    def market(self, account_id: int) -> MarketFacts:
        return self.markets.get(account_id, MarketFacts())


Question = tuple[str, tuple[Route, ...]]  # exchange symbol, who may enter it


def outlooks_for(questions: Collection[Question]) -> Mapping[Question, Outlook]:
    """All that is to be known of the network for these, asked side by side."""
    wanted = {question: _wanted(*question) for question in questions}
    prices = fresh_prices({one for those in wanted.values() for one in those})
    markets = facts_for_all(_facts(questions))
    return {
        question: Outlook(
            {(account, kind): prices[account, symbol, kind] for account, symbol, kind in those
             if (account, symbol, kind) in prices},
            {account: markets[account, question[0]] for one in question[1] for account in one.account_ids
             if (account, question[0]) in markets},
        )
        for question, those in wanted.items()
    }  # fmt: skip


def question_of(signal: Signal, routed: Routed) -> Question:
    return signal.symbol, tuple(_entries(routed))


def _wanted(symbol: str, entries: tuple[Route, ...]) -> set[Wanted]:
    to_open = {(account, symbol, PriceKind.MARK) for one in entries for account in one.account_ids}
    return to_open.union(*(_judging(symbol, one) for one in entries))


def _facts(questions: Collection[Question]) -> dict[Market, frozenset[Fact]]:
    needed: dict[Market, frozenset[Fact]] = {}
    for symbol, entries in questions:
        for one in entries:
            needs = one.filters.needs | one.limits.needs
            for account in one.account_ids if needs else ():
                market = (account, symbol)
                needed[market] = needed.get(market, frozenset()) | needs
    return needed


def live_legs(routed: Route, exchange_symbol: str) -> QuerySet[Position]:
    """On its account whichever strategy opened them, and the strategy's own that stand in for it elsewhere, whatever is
    set today. One that is being closed is none any more, and a leg of a pair is its trade's alone."""
    here = Q(account_id=routed.account_id)
    elsewhere = Q(strategy_id=routed.strategy_id, stands_in_for_id=routed.account_id)
    held = Position.objects.filter(here | elsewhere, status__in=REQUESTABLE, bought_in=None, sold_in=None)
    return held.filter(instrument__exchange_symbol=exchange_symbol).select_related("instrument", "plan")


def _entries(routed: Routed) -> list[Route]:
    if isinstance(routed, Ignored):
        return []
    return [one for one in routed if isinstance(one, Route) and one.direction.is_entry]


def _judging(symbol: str, routed: Route) -> set[Wanted]:
    """The price that decides about what it would protect. What one strategy lacks must not stop the others."""
    if routed.opposite not in PROTECTING:
        return set()
    against = live_legs(routed, symbol).filter(strategy_id=routed.strategy_id)
    try:
        return {(position.account_id, symbol, kind_of(position)) for position in against}
    except Exception:
        logger.exception("strategy %s: what it holds cannot be judged", routed.strategy_id)
        return set()
