"""What a signal would do now: the questions of intake, in its order, with the price of now; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from exchanges.models import ExchangeAccount
from exchanges.types import PositionSide
from positions.services.instruments import spec_of
from positions.services.opening import would_open
from positions.services.proposals import Proposal, Ready, Refusal
from signals_app.decisions import Action, decide
from signals_app.market_filters import objection
from signals_app.models import Strategy, Ticker
from signals_app.outlook import Outlook, outlooks_for, question_of
from signals_app.reasons import ReasonCode
from signals_app.registry import load
from signals_app.routing import Ignored, Route, Unrouted, route
from signals_app.services.following import held_now, leg_against, own_legs
from signals_app.shapes.signal import Signal
from signals_app.signal_limits import Asked, objection_to_signal
from trailing.ladder import Rung, rungs

NO_DELAY = timedelta(0)
OPENS = (Action.OPEN, Action.CLOSE_AND_OPEN)


@dataclass(frozen=True, slots=True)
class Step:
    """A take-profit level; `profit` in quote currency, before fees."""

    rung: Rung
    profit: Decimal


@dataclass(frozen=True, slots=True)
class Preview:
    """`loss` is what the first stop would cost, before fees and slippage. `closes_first`: the other side."""

    price: Decimal
    ready: Ready
    loss: Decimal
    ladder: tuple[Step, ...]
    closes_first: bool = False


@dataclass(frozen=True, slots=True)
class NotOpened:
    reason: str
    price: Decimal | None = None


def preview(
    strategy: Strategy, account: ExchangeAccount, ticker: Ticker, side: PositionSide
) -> Preview | NotOpened:
    """Of a signal that says no more than the strategy's own phrase, sent now."""
    phrase = strategy.phrases.filter(direction=side.value).order_by("pk").first()
    if phrase is None:
        return NotOpened(f"no phrase of the strategy means {side.value}")
    signal = Signal(ticker.symbol, phrase.phrase, timezone.now(), None, None)
    routed = _routed(signal, strategy, account)
    if not isinstance(routed, Route):
        return NotOpened(routed.reason)
    question = question_of(signal, [routed])
    return _followed(signal, routed, side, outlooks_for([question])[question])


def _routed(signal: Signal, strategy: Strategy, account: ExchangeAccount) -> Route | Unrouted | Ignored:
    routed = route(signal, load().tables, timezone.now(), settings.MAX_SIGNAL_AGE)
    if isinstance(routed, Ignored):
        return routed
    own = [one for one in routed if one.strategy_id == strategy.pk]
    nothing = Ignored("the strategy does not trade on this account", ReasonCode.ACCOUNT_CHANGED)
    return next((one for one in own if one.account_id in (account.pk, None)), nothing)


def _followed(signal: Signal, routed: Route, side: PositionSide, outlook: Outlook) -> Preview | NotOpened:
    own = own_legs(signal, routed)
    against = leg_against(own, side)
    held = None if against is None else held_now(against, outlook)
    decision = decide(routed.opposite, holds_same=side in own, opposite=held)
    if decision.action not in OPENS:
        return NotOpened(
            decision.reason or f"it would {decision.action.value.replace('_', ' ')} what is held"
        )
    price = outlook.price(routed.account_id)
    if price is None:
        return NotOpened("no fresh price")
    asked = Asked(side, signal.details, NO_DELAY, price, outlook.market(routed.account_id))
    unfit = objection(routed.filters, asked.market, side) or objection_to_signal(routed.limits, asked)
    if unfit:
        return NotOpened(unfit.reason, price)
    found = would_open(Proposal(routed.strategy_id, routed.account_id, signal.symbol, side, price))
    if isinstance(found, Refusal):
        return NotOpened(found.skip.reason, price)
    return replace(_in_money(found, price), closes_first=decision.action is Action.CLOSE_AND_OPEN)


def _in_money(ready: Ready, price: Decimal) -> Preview:
    spec = spec_of(ready.instrument)
    ladder = ready.plan.take_profits
    made = rungs(ready.entry, ladder, ready.sized.quantity, spec) if ladder else []
    steps = tuple(Step(rung, _earned(ready, rung.price, rung.quantity)) for rung in made)
    return Preview(price, ready, _earned(ready, ready.stop, ready.sized.quantity), steps)


def _earned(ready: Ready, at: Decimal, quantity: Decimal) -> Decimal:
    away = (at - ready.entry.price) * ready.entry.side.sign
    return away * quantity * ready.instrument.contract_size
