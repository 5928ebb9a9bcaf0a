"""Which strategies a signal concerns. Pure: the tables come in as an immutable snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol

from exchanges.types import PositionSide
from signals_app.market_filters import NO_FILTERS, MarketFilters
from signals_app.parsing import Signal
from signals_app.reasons import ReasonCode
from signals_app.shapes.signal import phrase_key
from signals_app.signal_limits import NO_LIMITS, SignalLimits


class SignalDirection(StrEnum):
    LONG = "long"
    SHORT = "short"
    CLOSE_LONG = "close_long"
    CLOSE_SHORT = "close_short"

    @property
    def is_entry(self) -> bool:
        return self in (SignalDirection.LONG, SignalDirection.SHORT)

    @property
    def position_side(self) -> PositionSide:
        return PositionSide(self.value.removeprefix("close_"))


class StrategyKind(StrEnum):
    SIGNAL = "signal"  # does what signals say
    ARBITRAGE = "arbitrage"  # follows no signal: its pairs decide


class OppositeSignal(StrEnum):
    """What a strategy does when a signal arrives against its open position."""

    IGNORE = "ignore"
    CLOSE = "close"
    HEDGE = "hedge"  # open the other leg beside it
    PROTECT = "protect"  # its stop goes to the entry, or, where that is lost, it is closed
    PROTECT_REVERSE = "protect_reverse"  # by what its take-profit levels wait for, see the decision table


@dataclass(frozen=True, slots=True)
class TickerRule:
    enabled: bool
    trade_permission: bool


Place = tuple[int, int | None]  # strategy, account


class Switches(Protocol):
    """Of a strategy: its rule in the tables, or its row."""

    @property
    def archived(self) -> bool: ...

    @property
    def enabled(self) -> bool: ...

    @property
    def allow_open(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class StrategyRule:
    """On one account; without one (None) it only says so. symbols None means every ticker. Archived strategies are not
    in the tables."""

    strategy_id: int
    account_id: int | None
    enabled: bool
    allow_open: bool
    symbols: frozenset[str] | None
    opposite: OppositeSignal
    archived: Literal[False] = False
    venue: str = "binance"
    filters: MarketFilters = NO_FILTERS
    account_enabled: bool = True
    failover_id: int | None = None
    limits: SignalLimits = NO_LIMITS

    @property
    def place(self) -> Place:
        return self.strategy_id, self.account_id


Meanings = tuple[tuple[StrategyRule, SignalDirection], ...]


@dataclass(frozen=True, slots=True)
class Tables:
    tickers: Mapping[str, TickerRule] = field(default_factory=dict)
    phrases: Mapping[str, Meanings] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    strategy_id: int
    account_id: int
    direction: SignalDirection
    opposite: OppositeSignal
    filters: MarketFilters = NO_FILTERS
    limits: SignalLimits = NO_LIMITS
    failover_id: int | None = None  # the account that stands in while this one cannot be reached

    @property
    def place(self) -> Place:
        return self.strategy_id, self.account_id

    @property
    def account_ids(self) -> list[int]:
        """Where it may come to open."""
        return [self.account_id] if self.failover_id is None else [self.account_id, self.failover_id]


@dataclass(frozen=True, slots=True)
class Unrouted:
    """The strategy knows the phrase and does not act on the account, and why."""

    strategy_id: int
    account_id: int | None
    reason: str
    code: ReasonCode

    @property
    def place(self) -> Place:
        return self.strategy_id, self.account_id


@dataclass(frozen=True, slots=True)
class Ignored:
    reason: str
    code: ReasonCode


Routed = Ignored | list[Route | Unrouted]


def route(signal: Signal, tables: Tables, received_at: datetime, max_age: timedelta) -> Routed:
    refusal = _ticker_refusal(tables.tickers.get(signal.symbol), signal.symbol)
    refusal = refusal or _age_refusal(signal, received_at, max_age)
    if refusal:
        return refusal
    directions: dict[StrategyRule, set[SignalDirection]] = defaultdict(set)
    for rule, direction in tables.phrases.get(phrase_key(signal.message), ()):
        directions[rule].add(direction)
    if not directions:
        return Ignored("no strategy knows this phrase", ReasonCode.NO_STRATEGY)
    return [_one(rule, meant, signal) for rule, meant in directions.items()]


def _ticker_refusal(ticker: TickerRule | None, symbol: str) -> Ignored | None:
    if ticker is None:
        return Ignored(f"unknown ticker {symbol}", ReasonCode.UNKNOWN_TICKER)
    if not ticker.enabled:
        return Ignored(f"ticker {symbol} is switched off", ReasonCode.TICKER_OFF)
    if not ticker.trade_permission:
        return Ignored(f"ticker {symbol} is not permitted to trade", ReasonCode.TICKER_OFF)
    return None


def _age_refusal(signal: Signal, received_at: datetime, max_age: timedelta) -> Ignored | None:
    """Measured from when it was sent; a sender that does not say so is taken to have sent it now.

    A clock or time zone that runs ahead would make every late signal look fresh, so the limit holds both ways.
    """
    if signal.sent_at is None or abs(received_at - signal.sent_at) <= max_age:
        return None
    age, limit = (received_at - signal.sent_at).total_seconds(), max_age.total_seconds()
    if age > 0:
        return Ignored(f"sent {age:.0f} s ago, the limit is {limit:.0f}", ReasonCode.STALE)
    return Ignored(
        f"sent {-age:.0f} s in the future: the sender's clock or time zone is wrong", ReasonCode.CLOCK_AHEAD
    )


def _one(rule: StrategyRule, meant: set[SignalDirection], signal: Signal) -> Route | Unrouted:
    if len(meant) > 1:
        text = f"the phrase means {' and '.join(sorted(meant))} at once"
        return Unrouted(*rule.place, text, ReasonCode.AMBIGUOUS)
    (direction,) = meant
    if rule.account_id is None:
        return Unrouted(*rule.place, "the strategy trades on no account", ReasonCode.NO_ACCOUNT)
    if signal.details.exchange not in ("", rule.venue):
        text = f"the signal is for {signal.details.exchange}, the account is on {rule.venue}"
        return Unrouted(*rule.place, text, ReasonCode.OTHER_EXCHANGE)
    if rule.symbols is not None and signal.symbol not in rule.symbols:
        text = f"{signal.symbol} is not among the strategy's tickers"
        return Unrouted(*rule.place, text, ReasonCode.TICKER_NOT_CHOSEN)
    return off(rule.place, rule, rule.account_enabled, direction) or Route(
        rule.strategy_id,
        rule.account_id,
        direction,
        rule.opposite,
        rule.filters,
        rule.limits,
        rule.failover_id,
    )


def off(
    place: Place, switches: Switches, account_enabled: bool, direction: SignalDirection
) -> Unrouted | None:
    """Asked by the tables, and again of the strategy's rows while they are locked."""
    if switches.archived:
        return Unrouted(*place, "strategy is archived", ReasonCode.STRATEGY_OFF)
    if not switches.enabled:
        return Unrouted(*place, "strategy is switched off", ReasonCode.STRATEGY_OFF)
    if not account_enabled:
        return Unrouted(*place, "strategy is switched off on this account", ReasonCode.STRATEGY_OFF)
    if direction.is_entry and not switches.allow_open:
        return Unrouted(*place, "strategy does not open positions now", ReasonCode.OPENING_OFF)
    return None


def only_permitted(routed: Routed, permits: Callable[[int], bool], sender: str) -> Routed:
    """A sender that was given strategies of its own says nothing to the others."""
    if isinstance(routed, Ignored):
        return routed
    reason = f"{sender} may not speak to this strategy"
    return [
        one if permits(one.strategy_id) else Unrouted(*one.place, reason, ReasonCode.NOT_PERMITTED)
        for one in routed
    ]
