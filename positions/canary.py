"""What a canary order asks for, and what its run proves. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from exchanges.types import InstrumentSpec, OrderType
from positions.sizing import ceil_to, floor_to
from positions.terms import Terms

# venues take no limit order further than about five percent from the market
LIMIT_AWAY = Decimal(4)
AMENDED_AWAY = Decimal("4.5")
TRIGGER_AWAY = Decimal(10)
LEAST_AWAY = Decimal(3)
CALLBACK = Decimal(1)
MOST_NOTIONAL = Decimal(250)
HUNDRED = Decimal(100)
STEPS = (OrderType.LIMIT, OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET)


class ProbeState(StrEnum):
    """Of one canary order."""

    ASKED = "asked"  # maybe sent
    STANDING = "standing"
    WORKED = "worked"  # taken, and taken back
    REFUSED = "refused"
    NOT_SENT = "not_sent"  # or proven never to have arrived
    FILLED = "filled"  # what it bought is to be closed
    CLOSED = "closed"  # what it bought


OVER = frozenset({ProbeState.WORKED, ProbeState.REFUSED, ProbeState.NOT_SENT, ProbeState.CLOSED})


class CanaryVerdict(StrEnum):
    RUNNING = "running"
    PASSED = "passed"
    REFUSED = "refused"  # the venue does not take one of the kinds
    UNCLEAR = "unclear"  # refused for other reasons, or not answered
    FILLED = "filled"


@dataclass(frozen=True, slots=True)
class Outcome:
    order_type: OrderType
    state: ProbeState
    kind_refused: bool = False


def verdict_of(outcomes: Iterable[Outcome]) -> CanaryVerdict:
    found = list(outcomes)
    if any(one.state in (ProbeState.FILLED, ProbeState.CLOSED) for one in found):
        return CanaryVerdict.FILLED
    if any(one.kind_refused for one in found):
        return CanaryVerdict.REFUSED
    worked = bool(found) and all(one.state is ProbeState.WORKED for one in found)
    return CanaryVerdict.PASSED if worked else CanaryVerdict.UNCLEAR


def terms_for(kind: OrderType, mark: Decimal, step: Decimal) -> Terms:
    """A buying order that nothing short of a crash or a leap would fill."""
    below = _away(mark, -TRIGGER_AWAY, step)
    match kind:
        case OrderType.LIMIT:
            return limit_at(_away(mark, -LIMIT_AWAY, step))
        case OrderType.STOP_MARKET:
            return Terms(kind, trigger_price=_away(mark, TRIGGER_AWAY, step))
        case OrderType.TRAILING_STOP_MARKET:
            return Terms(kind, callback_rate=CALLBACK, activation_price=below)
        case _:
            return Terms(kind, trigger_price=below)


def limit_at(price: Decimal) -> Terms:
    return Terms(OrderType.LIMIT, price=price)


def amended_price(mark: Decimal, step: Decimal) -> Decimal:
    return _away(mark, -AMENDED_AWAY, step)


def _away(mark: Decimal, percent: Decimal, step: Decimal) -> Decimal:
    price = mark * (1 + percent / HUNDRED)
    return ceil_to(price, step) if percent > 0 else floor_to(price, step)


def is_far(terms: Terms, mark: Decimal) -> bool:
    price = terms.price or terms.trigger_price or terms.activation_price
    return price is not None and abs(price - mark) * HUNDRED >= LEAST_AWAY * mark


def quantity_for(spec: InstrumentSpec, mark: Decimal) -> Decimal | None:
    """The smallest that the venue takes at the lowest of these prices. None: more than a probe may cost."""
    lowest = mark * (1 - TRIGGER_AWAY / HUNDRED) * spec.contract_size
    least = max(spec.min_quantity, spec.min_notional / lowest)
    quantity = ceil_to(least, spec.size_increment)
    return quantity if quantity * mark * spec.contract_size <= MOST_NOTIONAL else None


def prove_stops(account: str) -> str:
    """The way back that is open to a person, also where no canary runs by itself."""
    return f"entries come back after two proofs: `manage.py canary {shlex.quote(account)}`, and again after a while"
