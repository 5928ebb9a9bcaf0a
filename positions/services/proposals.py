"""What would be opened by a proposal, or why nothing would: asked by who opens, and by who only wants to see it.

Decides and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.utils import timezone

from exchanges.models import AccountBalance, AccountWatch, ExchangeAccount, Instrument
from exchanges.switch import switch_of
from exchanges.types import PositionMode, PositionSide
from positions import formats
from positions.lifecycle import DONE
from positions.models import Order, Position
from positions.risk import Allowed, Denied, judge_stop
from positions.risk_limits import Wish
from positions.risk_profiles import PROFILES, RiskProfile
from positions.services import position_modes
from positions.services.cooling import cools_down
from positions.services.gate import no_entries
from positions.services.instruments import spec_of
from positions.sizing import Sized, SizingPlan, Skip, size
from positions.terms import MARKET, Leg, Terms, objection_to_entry
from signals_app.models import SizingMode, Strategy, StrategyAccount
from signals_app.reasons import ReasonCode
from signals_app.routing import StrategyKind
from trailing.engine import HUNDRED, Entry
from trailing.plan import ProtectionPlan, read_plan
from trailing.protection import first_stop
from trailing.signal_wishes import NO_WISHES, SignalWishes, wished
from trailing.true_ranges import known_at

AskLimits = Callable[[ExchangeAccount, Strategy, Wish], Allowed | Denied]


@dataclass(frozen=True, slots=True)
class Proposal:
    """exchange_symbol is the venue's id (BTCUSDT); mark_price in quote currency; signal_id as the sender gave it."""

    strategy_id: int
    account_id: int  # where it opens
    exchange_symbol: str
    position_side: PositionSide
    mark_price: Decimal
    signal_id: str | int | None = None
    entry: Terms = MARKET  # a limit entry is sized at its own price
    quantity: Decimal | None = None  # exactly so many contracts, or nothing; None: by the strategy's size
    wishes: SignalWishes = NO_WISHES  # the signal's own stop and trail come before the strategy's
    stands_in_for: int | None = None  # the strategy's account that cannot be reached now
    kind: StrategyKind = (
        StrategyKind.SIGNAL
    )  # what the strategy must be: one leg of a pair is never opened alone

    @property
    def price(self) -> Decimal:
        return self.entry.price or self.mark_price


@dataclass(frozen=True, slots=True)
class Ready:
    """`entry` is the price that is expected, `stop` the first one by the plan."""

    strategy: Strategy
    instrument: Instrument
    plan: ProtectionPlan
    entry: Entry
    stop: Decimal
    sized: Sized
    at_risk: Decimal
    position_idx: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an owner should read of later is `noteworthy`; `wish` and `verdict` where a limit said no."""

    skip: Skip
    strategy: str = ""
    noteworthy: bool = False
    wish: Wish | None = None
    verdict: Denied | None = None


def considered(proposal: Proposal, account: ExchangeAccount, ask_limits: AskLimits) -> Ready | Refusal:
    """Who opens by it holds the account's lock."""
    strategy = _strategy_here(proposal)  # decide on what is true under the lock
    if strategy is None:
        return _no(f"the strategy does not trade on {account.name}", ReasonCode.ACCOUNT_CHANGED)
    if strategy.kind != proposal.kind:
        text = f"the strategy's kind is {strategy.kind}, and only {proposal.kind} may open this"
        return _no(text, ReasonCode.STRATEGY_KIND)
    instrument = Instrument.objects.filter(
        venue=account.venue, exchange_symbol=proposal.exchange_symbol
    ).first()
    if closed := no_entries(account.pk):
        return Refusal(closed)
    refusal = _not_now(strategy, account, instrument, proposal)
    if refusal or instrument is None:
        return _no(refusal or "unknown instrument")
    if differs := position_modes.objection(account):
        return _no(differs, ReasonCode.POSITION_MODE)
    if against := _other_side_in_the_way(account, instrument, proposal):
        return _no(against, ReasonCode.ONE_WAY_MODE)
    if against := _held_with_another_leverage(account, instrument, strategy):
        return _no(against, ReasonCode.OTHER_LEVERAGE)
    if wait := cools_down(strategy, account, instrument):
        return Refusal(Skip(wait, ReasonCode.COOLDOWN), strategy.name, noteworthy=True)
    return _considered_size(proposal, strategy, account, instrument, ask_limits)


def _no(reason: str, code: ReasonCode = ReasonCode.NOT_OPENED) -> Refusal:
    return Refusal(Skip(reason, code))


def _strategy_here(proposal: Proposal) -> Strategy | None:
    """As it trades on this account, or on the one that this one stands in for; never to be saved."""
    place = Q(account=proposal.account_id)
    if proposal.stands_in_for is not None:
        place = Q(account=proposal.stands_in_for, failover_account=proposal.account_id)
    places = StrategyAccount.objects.select_related("strategy").filter(strategy=proposal.strategy_id)
    here = places.filter(place).first()
    if here is None:
        return None
    strategy, share = here.strategy, here.size_percent / HUNDRED
    strategy.enabled = strategy.enabled and here.enabled
    strategy.notional, strategy.risk_percent = strategy.notional * share, strategy.risk_percent * share
    strategy.equity_percent *= share
    profile = PROFILES[RiskProfile(strategy.risk_profile)]
    strategy.leverage = profile.leverage(here.leverage or strategy.leverage)
    if here.max_open_positions is not None:
        strategy.max_open_positions = here.max_open_positions
    return strategy


def _not_now(
    strategy: Strategy, account: ExchangeAccount, instrument: Instrument | None, proposal: Proposal
) -> str | None:
    if strategy.archived or not strategy.enabled or not strategy.allow_open:
        return "strategy does not open positions now"
    if refusal := switch_of(account.pk).refusal:
        return refusal
    if account.entries_paused_until is not None and account.entries_paused_until > timezone.now():
        until = formats.moment(account.entries_paused_until)
        return f"entries are paused until {until}: {account.entries_paused_reason}"
    if instrument is None or not instrument.active:
        return f"{proposal.exchange_symbol} is not traded on {account.venue}"
    if _live_legs(account, instrument, proposal.position_side).exists():
        return f"a {proposal.position_side} position in {proposal.exchange_symbol} is already live"
    if _leftovers(account, instrument, proposal.position_side).exists():
        return (
            f"orders of the last {proposal.position_side} position in {proposal.exchange_symbol} still work"
        )
    return None


def _live_legs(account: ExchangeAccount, instrument: Instrument, side: PositionSide) -> QuerySet[Position]:
    return Position.objects.filter(account=account, instrument=instrument, position_side=side, is_live=True)


def _leftovers(account: ExchangeAccount, instrument: Instrument, side: PositionSide) -> QuerySet[Order]:
    """A stop whose cancel is not confirmed would fire on the new position: the exchange knows only the leg."""
    pending = Order.objects.filter(account=account).exclude(status__in=DONE)
    return pending.filter(position__instrument=instrument, position__position_side=side)


def _other_side_in_the_way(
    account: ExchangeAccount, instrument: Instrument, proposal: Proposal
) -> str | None:
    """In one-way mode an order for the other side would shrink the position, or turn it."""
    if account.position_mode != PositionMode.ONE_WAY:
        return None
    other, symbol = proposal.position_side.opposite, proposal.exchange_symbol
    if _live_legs(account, instrument, other).exists():
        return f"a {other} position in {symbol} is live, and the account is in one-way mode: it must be closed first"
    if _leftovers(account, instrument, other).exists():
        return (
            f"orders of the last {other} position in {symbol} still work, and the account is in one-way mode"
        )
    if _is_held_by_somebody(account, instrument, other):
        return f"somebody else is {other} in {symbol}, and the account is in one-way mode: it would be closed instead"
    return None


def _is_held_by_somebody(account: ExchangeAccount, instrument: Instrument, side: PositionSide) -> bool:
    """As the last comparison told: `SYMBOL side quantity`."""
    legs = AccountWatch.objects.filter(account=account).values_list("unknown_legs", flat=True).first() or {}
    return any(leg.startswith(f"{instrument.symbol} {side} ") for leg in legs)


def _held_with_another_leverage(
    account: ExchangeAccount, instrument: Instrument, strategy: Strategy
) -> str | None:
    """The exchange keeps one for both legs: another moves the liquidation of what is held, perhaps before its stop."""
    live = Position.objects.filter(account=account, instrument=instrument, is_live=True)
    held = live.exclude(leverage=strategy.leverage).first()
    if held is None:
        return None
    return (
        f"the {held.position_side} position in {instrument.exchange_symbol} has leverage {held.leverage} "
        f"and this would set {strategy.leverage} for both: the exchange keeps one for each contract"
    )


def _considered_size(
    proposal: Proposal,
    strategy: Strategy,
    account: ExchangeAccount,
    instrument: Instrument,
    ask_limits: AskLimits,
) -> Ready | Refusal:
    measured = _measured(proposal, strategy, instrument)
    if isinstance(measured, Skip):
        return Refusal(measured, strategy.name, noteworthy=True)
    sized = measured.sized
    leg = Leg(spec_of(instrument), proposal.position_side, proposal.mark_price, timezone.now())
    if objection := objection_to_entry(proposal.entry, sized.quantity, leg):
        return _no(objection)
    at_risk = sized.notional * measured.stop_percent / HUNDRED
    wish = Wish(proposal.exchange_symbol, proposal.position_side, sized.notional, strategy.leverage, at_risk)
    verdict = judge_stop(measured.stop_percent, strategy.leverage)
    if isinstance(verdict, Allowed):
        verdict = ask_limits(account, strategy, wish)
    if isinstance(verdict, Denied):
        return Refusal(Skip(verdict.reason, verdict.code), strategy.name, True, wish, verdict)
    position_idx = PositionMode(account.position_mode).leg_index(proposal.position_side)
    return Ready(
        strategy, instrument, measured.plan, measured.entry, measured.stop, sized, at_risk, position_idx
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    plan: ProtectionPlan
    entry: Entry
    stop: Decimal
    stop_percent: Decimal
    sized: Sized


def _measured(proposal: Proposal, strategy: Strategy, instrument: Instrument) -> _Measured | Skip:
    """The plan, how many percent away its stop is, and how much to open."""
    try:
        plan = wished(read_plan(strategy.protection), proposal.wishes)
        expected = _expected_entry(proposal, strategy, instrument, plan)
        stop = first_stop(expected, plan)
    except ValueError as refusal:
        return Skip(f"the protection plan cannot be used: {refusal}")
    stop_percent = abs(proposal.price - stop) / proposal.price * HUNDRED
    balances = AccountBalance.objects.filter(account=proposal.account_id)
    equity = balances.values_list("equity", flat=True).first()
    sizing = _sizing(strategy, stop_percent, proposal.quantity)
    sized = size(sizing, spec_of(instrument), proposal.price, equity)
    return sized if isinstance(sized, Skip) else _Measured(plan, expected, stop, stop_percent, sized)


def size_here(proposal: Proposal, instrument: Instrument) -> tuple[Strategy, Sized] | Skip:
    """What this would open by the strategy's size on this account, limits not asked."""
    strategy = _strategy_here(proposal)
    if strategy is None:
        return Skip("the strategy does not trade there", ReasonCode.ACCOUNT_CHANGED)
    measured = _measured(proposal, strategy, instrument)
    return measured if isinstance(measured, Skip) else (strategy, measured.sized)


def _expected_entry(
    proposal: Proposal, strategy: Strategy, instrument: Instrument, plan: ProtectionPlan
) -> Entry:
    atr = known_at(instrument.pk, plan, timezone.now())
    return Entry(proposal.position_side, proposal.price, instrument.price_increment, strategy.leverage, atr)


def _sizing(strategy: Strategy, stop_percent: Decimal, exactly: Decimal | None) -> SizingPlan:
    mode, profile = SizingMode(strategy.sizing_mode), PROFILES[RiskProfile(strategy.risk_profile)]
    return SizingPlan(
        notional=strategy.notional,
        leverage=strategy.leverage,
        stop_loss_percent=stop_percent,
        risk_percent=strategy.risk_percent if mode.is_by_risk else None,
        equity_percent=strategy.equity_percent if mode is SizingMode.EQUITY_PERCENT else None,
        risk_balance=strategy.risk_balance if mode is SizingMode.FIXED_RISK_BALANCE else None,
        times=profile.size,
        max_margin=profile.max_margin,
        exactly=exactly,
    )
