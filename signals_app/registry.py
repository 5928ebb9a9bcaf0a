"""The routing tables and the senders in memory: read once, replaced whole, never queried per signal."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db import close_old_connections
from django.db.models import Prefetch
from psycopg import Connection

from exchanges.models import KEYS_OF_ACCOUNT, Instrument
from exchanges.secrets import SecretUnreadable
from ops.own_session import own_session
from ops.system_log import log_system_event
from positions.risk_profiles import PROFILES, RiskProfile
from signals_app.buckets import Rate
from signals_app.contracts import Contracts, contracts
from signals_app.market_filters import Filter, MarketFilters, WhenUnknown
from signals_app.models import (
    SignalSender,
    Strategy,
    StrategyAccount,
    StrategyKind,
    StrategySignal,
    Ticker,
    TickerAlias,
)
from signals_app.networks import Network, NotANetwork, read_networks
from signals_app.routing import (
    Meanings,
    OppositeSignal,
    SignalDirection,
    StrategyRule,
    Tables,
    TickerRule,
)
from signals_app.sender_rules import SenderRule
from signals_app.shapes.signal import phrase_key
from signals_app.signal_limits import SignalLimits

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 300.0
SILENCE_SECONDS = 15.0  # after so long without a word the server is asked whether it is still there
CHANNEL = "tradingbot_registry"
FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 10.0
NOWHERE: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Registry:
    """senders: token hash -> rule; rules: name -> rule. What is switched off says so."""

    tables: Tables = field(default_factory=Tables)
    senders: Mapping[str, SenderRule] = field(default_factory=dict)
    rules: Mapping[str, SenderRule] = field(default_factory=dict)
    contracts: Contracts = field(default_factory=Contracts)

    def rule_of(self, name: str) -> SenderRule:
        """Sources without a token ("stream", "server", "forecast") need no row."""
        return self.rules.get(name) or SenderRule(name, max_age=settings.MAX_SIGNAL_AGE)


def load() -> Registry:
    rows = list(SignalSender.objects.defer("signing_key").prefetch_related("strategies"))
    rules = {row.name: _sender_rule(row) for row in rows}
    senders = {row.token_hash: rules[row.name] for row in rows}
    tables = Tables(load_tickers(), load_strategy_signals(load_strategies()))
    return Registry(tables, senders, rules, _contracts())


def _sender_rule(row: SignalSender) -> SenderRule:
    max_age = timedelta(seconds=row.max_age_seconds) if row.max_age_seconds else settings.MAX_SIGNAL_AGE
    signing_key = _signing_key(row)
    return SenderRule(
        name=row.name,
        enabled=row.enabled,
        strategies=frozenset(chosen.pk for chosen in row.strategies.all()) or None,
        max_age=max_age,
        rate=Rate(row.rate_per_minute, row.burst),
        networks=_networks(row) if signing_key is not None else NOWHERE,
        signing_key=signing_key or "",
        requires_signature=row.requires_signature,
        replay_window=timedelta(seconds=row.replay_window_seconds),
    )


def _networks(row: SignalSender) -> tuple[Network, ...] | None:
    """What cannot be read lets nobody in."""
    try:
        return read_networks(row.allowed_networks) or None
    except NotANetwork as error:
        logger.error("sender %s is heard from nowhere: %s", row.name, error)
        return NOWHERE


def _signing_key(row: SignalSender) -> str | None:
    """Read one by one: a key that FIELD_KEYS does not open must not take the other senders away. None for such a key:
    nothing that is said in its name could be checked."""
    try:
        return str(row.signing_key)
    except SecretUnreadable as error:
        logger.error("sender %s is heard from nowhere: its signing key cannot be read (%s)", row.name, error)
        return None


# the names of these three are fixed by a requirement document


def load_tickers() -> dict[str, TickerRule]:
    rows = Ticker.objects.values_list("symbol", "enabled", "trade_permission")
    return {symbol: TickerRule(enabled, permission) for symbol, enabled, permission in rows}


def load_strategies() -> dict[int, tuple[StrategyRule, ...]]:
    """By id, a rule for each account, without the archived ones."""
    places = StrategyAccount.objects.select_related("account").defer(*KEYS_OF_ACCOUNT)
    of_accounts = Prefetch("accounts", places.order_by("account_id"))
    following = Strategy.objects.filter(archived=False, kind=StrategyKind.SIGNAL)
    rows = following.prefetch_related("tickers", of_accounts)
    return {strategy.pk: tuple(_rules(strategy)) for strategy in rows}


def load_strategy_signals(
    strategies: Mapping[int, tuple[StrategyRule, ...]] | None = None,
) -> Mapping[str, Meanings]:
    """Phrase -> what it means for each of these strategies (of all, when none are given), by their names."""
    strategies = load_strategies() if strategies is None else strategies
    known: dict[str, list[tuple[StrategyRule, SignalDirection]]] = defaultdict(list)
    rows = StrategySignal.objects.filter(strategy__in=strategies).order_by("strategy__name", "pk")
    for strategy_id, phrase, direction in rows.values_list("strategy_id", "phrase", "direction"):
        known[phrase_key(phrase)] += [(rule, SignalDirection(direction)) for rule in strategies[strategy_id]]
    return {phrase: tuple(meanings) for phrase, meanings in known.items()}


def _contracts() -> Contracts:
    """A ticker's own symbol is never taken for another's alias. Delisted contracts keep their names: what is held of
    them can be closed by a signal."""
    listings = Instrument.objects.values_list("symbol", "exchange_symbol")
    aliases = TickerAlias.objects.exclude(alias__in=Ticker.objects.values("symbol"))
    return contracts(listings, dict(aliases.values_list("alias", "ticker__symbol")))


def _rules(strategy: Strategy) -> Iterator[StrategyRule]:
    rule, there = _rule(strategy), strategy.accounts.all()
    if not there:
        yield rule
    for one in there:
        yield replace(
            rule,
            account_id=one.account_id,
            venue=one.account.venue,
            account_enabled=one.enabled,
            failover_id=one.failover_account_id,
        )


def _rule(strategy: Strategy) -> StrategyRule:
    chosen = None if strategy.use_all_tickers else frozenset(t.symbol for t in strategy.tickers.all())
    return StrategyRule(
        strategy_id=strategy.pk,
        account_id=None,
        enabled=strategy.enabled,
        allow_open=strategy.allow_open,
        symbols=chosen,
        opposite=OppositeSignal(strategy.opposite_signal),
        filters=MarketFilters(
            min_open_interest=_filter(strategy.min_open_interest, strategy.open_interest_unknown),
            min_hour_volume=_filter(strategy.min_hour_volume, strategy.hour_volume_unknown),
            max_move_percent=_filter(strategy.max_move_percent, strategy.move_unknown),
            max_spread_percent=_filter(strategy.max_spread_percent, strategy.spread_unknown),
        ),
        limits=_signal_limits(strategy),
    )


def _signal_limits(strategy: Strategy) -> SignalLimits:
    profile = PROFILES[RiskProfile(strategy.risk_profile)]
    least = max(strategy.min_confidence, profile.min_confidence)
    return SignalLimits(
        min_confidence=_filter(least, strategy.confidence_unknown),
        max_age=timedelta(seconds=strategy.max_signal_age) if strategy.max_signal_age else None,
        max_slippage=_filter(strategy.max_slippage_percent, strategy.slippage_unknown),
    )


def _filter(limit: Decimal | None, when_unknown: str) -> Filter | None:
    return Filter(limit, WhenUnknown(when_unknown)) if limit else None


class LiveRegistry:
    """Loaded at first use; a daemon thread reloads it when the database says that a table changed, and on a timer."""

    def __init__(self) -> None:
        self._current: Registry | None = None
        self._lock = threading.Lock()
        self._follower = threading.Thread()
        self._failures = 0  # to listen, in a row

    @property
    def loaded(self) -> Registry | None:
        """What is in memory, without ever asking the database on the caller's thread."""
        if self._current is not None and not self._follower.is_alive():
            self._start_following()
        return self._current

    def current(self) -> Registry:
        return self.loaded or self._begin()

    def _begin(self) -> Registry:
        with self._lock:
            if self._current is None:
                self._current = load()
            current = self._current
        self._start_following()
        return current

    def _start_following(self) -> None:
        with self._lock:
            if not self._follower.is_alive():
                self._follower = threading.Thread(target=self._follow, name="registry", daemon=True)
                self._follower.start()

    def _follow(self) -> None:
        while True:
            try:
                time.sleep(pause_after(self._failures))
                self._listen()
            except Exception as error:
                self._failures += 1
                self._tell(error)

    def _tell(self, error: Exception) -> None:
        """What was read before goes on to count."""
        if self._failures == 1:
            message = "the routing tables cannot be read anew; those in memory count"
            log_system_event("WARNING", __name__, message, error=type(error).__name__)

    def _listen(self) -> None:
        """Reload after LISTEN is in force: a change in between would be told to nobody."""
        with own_session() as listener:
            listener.execute(f"LISTEN {CHANNEL}")
            while True:
                self._reload()
                self._failures = 0
                wait_for_change(listener)

    def _reload(self) -> None:
        close_old_connections()
        self._current = load()


def pause_after(failures: int) -> float:
    """The exponent ends too: a database may be away for days."""
    return min(FIRST_BACKOFF_SECONDS * 2 ** min(failures, 10), MAX_BACKOFF_SECONDS) if failures else 0.0


def wait_for_change(listener: Connection, silence: float = SILENCE_SECONDS) -> None:
    """Or until it is time to read anew. A server that went without a word is only noticed by asking it."""
    end = time.monotonic() + REFRESH_SECONDS
    while time.monotonic() < end:
        if list(listener.notifies(timeout=silence, stop_after=1)):
            return
        listener.execute("SELECT 1")


live = LiveRegistry()
