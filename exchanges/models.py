"""Accounts, their balances and the contracts they can trade. Constraints, no behaviour."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.db import models
from django.db.models import Q

from exchanges.choices import choices
from exchanges.secrets import SecretField
from exchanges.switch_models import FlatReport, FlatRun, GlobalState, StateChange, Switched
from exchanges.trading_state import TradingState
from exchanges.types import BreakerState, MarginMode, PositionMode

__all__ = [
    "AccountBalance", "AccountWatch", "ExchangeAccount", "FlatReport", "FlatRun", "GlobalState", "Instrument",
    "StateChange", "TradingState", "UnknownPositions", "Venue",
]  # fmt: skip


# left out where rows of several accounts are read: keys that cannot be opened are the matter of their account alone
KEYS = ("api_key", "api_secret")
KEYS_OF_ACCOUNT = tuple(f"account__{name}" for name in KEYS)


class Venue(StrEnum):
    BINANCE = "binance"
    BYBIT = "bybit"


class UnknownPositions(StrEnum):
    """What to do with a position on the exchange that none of our rows explains."""

    ALARM = "alarm"
    ADOPT = "adopt"  # it gets a row without signal, and a stop


def usual_position_mode() -> PositionMode:
    return PositionMode.HEDGE if settings.TRADING_HEDGE_MODE else PositionMode.ONE_WAY


class ExchangeAccount(Switched):
    name = models.SlugField(max_length=40, unique=True)
    venue = models.CharField(max_length=20, choices=choices(Venue), default=Venue.BINANCE)
    api_key = SecretField(blank=True, default="")
    api_secret = SecretField(blank=True, default="")
    exchange_user = models.CharField(
        max_length=40,
        blank=True,
        default="",
        editable=False,
        help_text="The exchange's own number of the account whose keys these are; empty: not told",
    )
    is_live_confirmed = models.BooleanField(
        default=False, help_text="Real orders need this tick and DRY_RUN=false; both, always."
    )
    position_mode = models.CharField(
        max_length=7,
        choices=choices(PositionMode),
        default=usual_position_mode,
        help_text="hedge: a long and a short of one contract beside each other; one way: one position a contract. "
        "Stays while the account holds positions or has working orders.",
    )
    told_position_mode = models.CharField(
        max_length=7, blank=True, default="", editable=False, help_text="What the exchange said last"
    )
    told_mode_symbol = models.CharField(
        max_length=60, blank=True, default="", editable=False, help_text="For which contract it said so"
    )
    margin_mode = models.CharField(
        max_length=8,
        choices=choices(MarginMode),
        default=MarginMode.CROSS,
        help_text="Set before the first entry: Binance keeps one for each contract, Bybit one for the whole account, "
        "where the change takes every position along.",
    )
    permissions_seen = models.JSONField(
        default=list, blank=True, editable=False, help_text="What the key may do and should not"
    )
    permissions_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    permissions_acknowledged_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    permissions_acknowledged_at = models.DateTimeField(null=True, blank=True, editable=False)
    max_open_positions = models.PositiveIntegerField(default=10, help_text="0: no limit.")
    max_exposure = models.DecimalField(
        max_digits=20,
        decimal_places=2,
        default=30000,
        help_text="Sum of open notionals, in quote currency. 0: no limit.",
    )
    unknown_positions = models.CharField(
        max_length=10,
        choices=choices(UnknownPositions),
        default=UnknownPositions.ALARM,
        help_text="A position that we did not open: only tell, or take it over and protect it.",
    )
    adopted_stop_percent = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        default=2,
        help_text="Stop of an adopted position, percent of its entry.",
    )
    entries_paused_until = models.DateTimeField(null=True, blank=True)
    entries_paused_reason = models.TextField(blank=True, default="")
    canary_allowed = models.BooleanField(
        default=False,
        help_text="With real money: every quarter of an hour each kind of order is placed far from the market, in the "
        "smallest size, and canceled. On paper it always is.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [("switch_trading", "Can halt, reduce, close everything and resume")]
        constraints = [
            models.CheckConstraint(condition=Q(venue__in=list(Venue)), name="account_venue_known"),
            models.CheckConstraint(
                condition=Q(unknown_positions__in=list(UnknownPositions)),
                name="account_unknown_positions_known",
            ),
            models.CheckConstraint(
                condition=Q(adopted_stop_percent__gt=0, adopted_stop_percent__lt=100),
                name="account_adopted_stop_sane",
            ),
            models.CheckConstraint(
                condition=Q(trading_state__in=list(TradingState)), name="account_state_known"
            ),
            models.CheckConstraint(
                condition=Q(position_mode__in=list(PositionMode)), name="account_position_mode_known"
            ),
            models.CheckConstraint(
                condition=Q(is_live_confirmed=False)
                | Q(permissions_seen=[])
                | Q(permissions_acknowledged_at__isnull=False),
                name="account_warnings_acknowledged",
            ),
            models.CheckConstraint(
                condition=Q(margin_mode__in=list(MarginMode)), name="account_margin_mode_known"
            ),
            models.CheckConstraint(condition=Q(max_exposure__gte=0), name="account_exposure_not_below_zero"),
        ]

    def __str__(self) -> str:
        return self.name


class AccountBalance(models.Model):
    """What the exchange said last; apart from the account row, which openings lock."""

    account = models.OneToOneField(ExchangeAccount, models.CASCADE, related_name="balance")
    wallet_balance = models.DecimalField(max_digits=24, decimal_places=8)
    equity = models.DecimalField(max_digits=24, decimal_places=8)
    available_balance = models.DecimalField(max_digits=24, decimal_places=8)
    reported_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account_id}: {self.equity}"


class AccountWatch(models.Model):
    """How well we know what happens on an account: figures for the owner, never a reason to trade."""

    account = models.OneToOneField(ExchangeAccount, models.CASCADE, related_name="watch")
    stream_connected_at = models.DateTimeField(null=True, blank=True)
    stream_last_event_at = models.DateTimeField(null=True, blank=True)
    stream_broke_at = models.DateTimeField(null=True, blank=True)
    stream_failures = models.PositiveIntegerField(default=0, help_text="In a row")
    stream_breaks = models.PositiveIntegerField(default=0, db_default=0, help_text="Ever")
    stream_error = models.TextField(blank=True, default="")
    stream_missed_at = models.DateTimeField(
        null=True, blank=True, help_text="A listing knew an execution that the open stream had not told"
    )
    reconnect_asked_at = models.DateTimeField(
        null=True, blank=True, help_text="A person wanted its streams opened anew"
    )
    event_delay_ms = models.PositiveIntegerField(
        null=True, blank=True, help_text="From the exchange's time of the last event to its row here"
    )
    trades_known_until = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The exchange told until then in which contracts there were executions",
    )
    reconciled_at = models.DateTimeField(null=True, blank=True, help_text="Question of the last full answer")
    reconcile_failed_at = models.DateTimeField(null=True, blank=True)
    reconcile_error = models.TextField(blank=True, default="")
    differences_open = models.PositiveIntegerField(default=0)
    unknown_legs = models.JSONField(
        default=dict,
        blank=True,
        help_text="Leg -> quantity and first answer that showed it, no row explaining it",
    )
    lost_orders = models.JSONField(
        default=dict, blank=True, help_text="Our waiting order -> first answer whose listing missed it"
    )
    unasked_orders = models.JSONField(
        default=list, blank=True, help_text="Listed with our name, and without a row"
    )
    positions_live = models.PositiveIntegerField(default=0)
    positions_proven_protected = models.PositiveIntegerField(
        default=0, help_text="Whose stop, for all they hold, was in the exchange's own listing"
    )
    baseline_wallet = models.DecimalField(max_digits=24, decimal_places=8, default=0)
    baseline_at = models.DateTimeField(
        null=True, blank=True, help_text="From here on the wallet moves by what we book, and by nothing else"
    )
    wallet_seen = models.DecimalField(max_digits=24, decimal_places=8, default=0)
    wallet_seen_at = models.DateTimeField(
        null=True, blank=True, help_text="The wallet as told then; judged once all before it is known"
    )
    wallet_asked_at = models.DateTimeField(
        null=True, blank=True, help_text="The last quiet moment for which wallet and books were compared"
    )
    wallet_differing = models.DecimalField(max_digits=24, decimal_places=8, default=0)
    wallet_differs_since = models.DateTimeField(
        null=True, blank=True, help_text="The first quiet moment whose wallet the books did not explain"
    )
    clock_offset_ms = models.IntegerField(null=True, blank=True)
    clock_measured_at = models.DateTimeField(null=True, blank=True)
    breaker = models.CharField(
        max_length=10,
        choices=choices(BreakerState),
        default=BreakerState.CLOSED,
        db_default=BreakerState.CLOSED,
        help_text="Open: it cannot be reached; recovering: it answers, and was not yet compared in full",
    )
    unreachable_since = models.DateTimeField(null=True, blank=True, help_text="First failure in a row")
    unreachable_failures = models.PositiveIntegerField(default=0, db_default=0, help_text="In a row")
    unreachable_error = models.TextField(blank=True, default="", db_default="")
    recovering_since = models.DateTimeField(null=True, blank=True)
    recovery_comparisons = models.PositiveSmallIntegerField(default=0, db_default=0)
    recovery_compared_at = models.DateTimeField(null=True, blank=True)
    stops_refused_since = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The exchange takes no stop orders: nothing opens, we watch the levels",
    )
    stops_refused_reason = models.TextField(blank=True, default="", db_default="")
    stops_taken = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Proofs since then that it takes them again"
    )
    stops_taken_at = models.DateTimeField(null=True, blank=True, help_text="The last such proof")
    stops_work_since = models.DateTimeField(
        null=True, blank=True, help_text="What was refused before is asked again"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(breaker__in=list(BreakerState)), name="breaker_state_known"),
            models.CheckConstraint(
                condition=Q(breaker=BreakerState.CLOSED) | Q(unreachable_since__isnull=False),
                name="open_breaker_says_since_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}"


class Instrument(models.Model):
    venue = models.CharField(max_length=20, choices=choices(Venue))
    symbol = models.CharField(max_length=60, help_text="ccxt's unified text, BTC/USDT:USDT")
    exchange_symbol = models.CharField(max_length=20, help_text="the venue's id, BTCUSDT")
    price_increment = models.DecimalField(max_digits=20, decimal_places=10)
    size_increment = models.DecimalField(max_digits=20, decimal_places=10)
    min_quantity = models.DecimalField(max_digits=20, decimal_places=8)
    max_quantity = models.DecimalField(max_digits=20, decimal_places=8, null=True, blank=True)
    min_notional = models.DecimalField(max_digits=20, decimal_places=8)
    contract_size = models.DecimalField(max_digits=20, decimal_places=8, default=1)
    active = models.BooleanField(default=True)
    refreshed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["venue", "symbol"], name="instrument_symbol_once"),
            models.UniqueConstraint(
                fields=["venue", "exchange_symbol"], name="instrument_exchange_symbol_once"
            ),
            models.CheckConstraint(
                condition=Q(price_increment__gt=0, size_increment__gt=0, contract_size__gt=0),
                name="instrument_steps_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.symbol
