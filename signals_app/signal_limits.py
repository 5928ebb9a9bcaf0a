"""Whether a signal is good enough to open by: how sure its sender is, how old it is, what it would cost. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from exchanges.types import PositionSide
from signals_app.market_filters import HUNDRED, Fact, Filter, MarketFacts, Unfit, WhenUnknown
from signals_app.reasons import ReasonCode
from signals_app.shapes.signal import Details


@dataclass(frozen=True, slots=True)
class SignalLimits:
    """None: no limit. Confidence is 0..100, slippage percent."""

    min_confidence: Filter | None = None
    max_age: timedelta | None = None
    max_slippage: Filter | None = None

    @property
    def needs(self) -> frozenset[Fact]:
        return frozenset({Fact.BOOK} if self.max_slippage else ())


NO_LIMITS = SignalLimits()


@dataclass(frozen=True, slots=True)
class Asked:
    """An entry that a signal asks for now."""

    side: PositionSide
    said: Details
    age: timedelta
    mark_price: Decimal
    market: MarketFacts


def confidence(said: Details) -> Decimal | None:
    """The strength its sender gives it, else the lower of its scores. None: it says neither."""
    if said.strength is not None:
        return said.strength
    return min((score for score in (said.score_week, said.score_month) if score is not None), default=None)


def objection_to_signal(limits: SignalLimits, asked: Asked) -> Unfit | None:
    return next(_objections(limits, asked), None)


def _objections(limits: SignalLimits, asked: Asked) -> Iterator[Unfit]:
    if limits.max_age is not None and asked.age > limits.max_age:
        age, most = asked.age.total_seconds(), limits.max_age.total_seconds()
        yield Unfit(
            f"the signal is {age:.0f} s old, the strategy takes {most:.0f}", ReasonCode.SIGNAL_TOO_OLD
        )
    if limits.min_confidence is not None:
        yield from _unsure(confidence(asked.said), limits.min_confidence)
    if limits.max_slippage is not None:
        yield from _slips(asked, limits.max_slippage)


def _unsure(told: Decimal | None, rule: Filter) -> Iterator[Unfit]:
    if told is None:
        if rule.when_unknown is WhenUnknown.REFUSE:
            yield Unfit("the signal says neither strength nor score", ReasonCode.LOW_CONFIDENCE)
    elif told < rule.limit:
        text = f"confidence {told.normalize():f} of 100, at least {rule.limit.normalize():f} wanted"
        yield Unfit(text, ReasonCode.LOW_CONFIDENCE)


def _slips(asked: Asked, rule: Filter) -> Iterator[Unfit]:
    """Against us alone: a better price is none."""
    wanted, mark = asked.said.entry_price, asked.mark_price
    if wanted and (away := _worse(asked.side, wanted, mark)) > rule.limit:
        yield _slippage(f"the mark price {mark:f} is {away:.3f} % worse than the signal's {wanted:f}", rule)
    best = asked.market.ask if asked.side is PositionSide.LONG else asked.market.bid
    if best is None:
        if rule.when_unknown is WhenUnknown.REFUSE:
            yield Unfit("the book is not known, and with it what an entry would cost", ReasonCode.SLIPPAGE)
    elif (away := _worse(asked.side, mark, best)) > rule.limit:
        yield _slippage(f"the book's best price {best:f} is {away:.3f} % worse than the mark {mark:f}", rule)


def _worse(side: PositionSide, expected: Decimal, found: Decimal) -> Decimal:
    return (found - expected) / expected * HUNDRED * side.sign


def _slippage(text: str, rule: Filter) -> Unfit:
    return Unfit(f"{text}, at most {rule.limit.normalize():f} % allowed", ReasonCode.SLIPPAGE)
