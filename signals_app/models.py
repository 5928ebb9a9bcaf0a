"""What is watched, which phrase means which trade, and the ledger of all that came in."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q, Value

from exchanges.choices import choices
from exchanges.models import Instrument
from positions.risk_profiles import RiskProfile
from signals_app import forecast_models as forecast_models
from signals_app.entry_limits import EntryLimits
from signals_app.reasons import ReasonCode
from signals_app.routing import OppositeSignal, SignalDirection, StrategyKind
from signals_app.sender_models import SignalSender, UsedSignature
from signals_app.server_models import SignalServerLink, Wave, WaveSignal
from signals_app.strategy_accounts import StrategyAccount
from trailing.plan import ProtectionPlan

__all__ = [
    "EntryStatus", "SignalAttempt", "SignalLog", "SignalLogEntry", "SignalSender", "SignalServerLink",
    "SignalStatus", "SizingMode", "Strategy", "StrategyAccount", "StrategyKind", "StrategySignal", "Ticker",
    "UsedSignature", "Wave", "WaveSignal",
]  # fmt: skip


class SizingMode(StrEnum):
    FIXED_NOTIONAL = "fixed_notional"
    EQUITY_PERCENT = "equity_percent"
    RISK_PERCENT = "risk_percent"
    FIXED_RISK_BALANCE = "fixed_risk_balance"

    @property
    def is_by_risk(self) -> bool:
        return self in (SizingMode.RISK_PERCENT, SizingMode.FIXED_RISK_BALANCE)


class SignalStatus(StrEnum):
    NEW = "new"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"


class EntryStatus(StrEnum):
    OPENED = "opened"
    CLOSED = "closed"  # a close was requested
    PROTECTED = "protected"  # the stop of what is open goes to its entry
    SKIPPED = "skipped"
    FAILED = "failed"


def percent(**kwargs: object) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(max_digits=7, decimal_places=4, **kwargs)  # type: ignore[arg-type]


def reason_code() -> models.CharField:  # type: ignore[type-arg]
    return models.CharField(max_length=30, blank=True, default="", db_default="", help_text="A ReasonCode")


def delivery() -> models.CharField:  # type: ignore[type-arg]
    text = "The stream's number of the entry; empty at other doors"
    return models.CharField(max_length=50, blank=True, default="", db_default="", help_text=text)


class Ticker(models.Model):
    symbol = models.CharField(max_length=20, unique=True, help_text="Upper case without separators: BTCUSDT")
    enabled = models.BooleanField(default=True)
    trade_permission = models.BooleanField(default=True, help_text="Off: signals are logged but not traded")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["symbol"]
        constraints = [
            models.CheckConstraint(condition=Q(symbol__regex=r"^[A-Z0-9]{2,20}$"), name="ticker_symbol_plain")
        ]

    def __str__(self) -> str:
        return self.symbol


class TickerAlias(models.Model):
    """Another name under which senders may mean this contract."""

    ticker = models.ForeignKey(Ticker, models.CASCADE, related_name="aliases")
    alias = models.CharField(max_length=20, unique=True, help_text="Upper case without separators: XBTUSDT")

    class Meta:
        verbose_name_plural = "ticker aliases"
        constraints = [
            models.CheckConstraint(condition=Q(alias__regex=r"^[A-Z0-9]{2,20}$"), name="alias_plain")
        ]

    def __str__(self) -> str:
        return self.alias

    def clean(self) -> None:
        """A contract that is traded under this name keeps it."""
        taken = Ticker.objects.filter(symbol=self.alias).exists()
        if taken or Instrument.objects.filter(exchange_symbol=self.alias).exists():
            raise ValidationError({"alias": f"{self.alias} is a contract of its own"})


def default_plan() -> dict[str, Any]:
    return ProtectionPlan().as_json()


class Strategy(EntryLimits):
    name = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(
        max_length=10,
        choices=choices(StrategyKind),
        default=StrategyKind.SIGNAL,
        db_default=StrategyKind.SIGNAL,
    )
    enabled = models.BooleanField(default=True)
    archived = models.BooleanField(default=False)
    allow_open = models.BooleanField(default=True)
    use_all_tickers = models.BooleanField(default=True)
    tickers = models.ManyToManyField(Ticker, blank=True, related_name="strategies")
    sizing_mode = models.CharField(
        max_length=20, choices=choices(SizingMode), default=SizingMode.FIXED_NOTIONAL
    )
    notional = models.DecimalField(
        max_digits=20,
        decimal_places=2,
        default=200,
        help_text="Position size in quote currency; sized otherwise, the most a position may be",
    )
    equity_percent = percent(default=10, help_text="Of equity: the size of a position (sizing by equity)")
    risk_percent = percent(
        default=1, help_text="Of equity, or of the fixed balance, lost when the stop is hit (risk sizing)"
    )
    risk_balance = models.DecimalField(
        max_digits=20,
        decimal_places=2,
        default=500,
        help_text="Quote currency: what the risk is a percentage of, whatever the account holds (fixed_risk_balance)",
    )
    risk_profile = models.CharField(
        max_length=20,
        choices=choices(RiskProfile),
        default=RiskProfile.NONE,
        help_text="Makes positions smaller and asks for more confidence; see the docs on risk",
    )
    leverage = models.PositiveSmallIntegerField(default=5)
    protection = models.JSONField(default=default_plan, help_text="How its positions are left; see the docs")
    max_open_positions = models.PositiveIntegerField(default=5, help_text="On each account. 0: no limit.")
    opposite_signal = models.CharField(
        max_length=16, choices=choices(OppositeSignal), default=OppositeSignal.CLOSE
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "strategies"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=list(StrategyKind)), name="strategy_kind_known"),
            models.CheckConstraint(condition=Q(notional__gt=0), name="strategy_notional_positive"),
            models.CheckConstraint(
                condition=Q(risk_percent__gt=0, risk_percent__lte=100), name="strategy_risk_percent"
            ),
            models.CheckConstraint(
                condition=Q(equity_percent__gt=0, risk_balance__gt=0), name="strategy_sizes_positive"
            ),
            models.CheckConstraint(
                condition=Q(leverage__gte=1, leverage__lte=125), name="strategy_leverage_sane"
            ),
            models.CheckConstraint(
                condition=Q(protection__has_key="stop_loss"), name="strategy_has_a_stop_loss"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StrategySignal(models.Model):
    """A phrase that, when a message says it, means this direction for this strategy."""

    strategy = models.ForeignKey(Strategy, models.CASCADE, related_name="phrases")
    phrase = models.CharField(max_length=200, help_text="Compared without regard to case and repeated spaces")
    direction = models.CharField(max_length=12, choices=choices(SignalDirection))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["strategy", "phrase"], name="phrase_once_per_strategy")
        ]

    def __str__(self) -> str:
        return self.phrase


class SignalLog(models.Model):
    """One row for each distinct signal, and for each message that could not be read (uid is then empty)."""

    uid = models.CharField(
        max_length=64, null=True, unique=True, help_text="SHA-256 of (symbol, message, bar_time)"
    )
    signal_id = models.CharField(
        max_length=100,
        null=True,
        blank=True,
        db_index=True,
        db_comment="Id the sender gave the signal: text of any shape, NULL when it gave none; refers to nothing.",
    )
    symbol = models.CharField(max_length=60, blank=True, default="")
    direction = models.CharField(max_length=12, blank=True, default="")
    source = models.CharField(max_length=60)
    message = models.CharField(max_length=500, blank=True, default="")
    raw_message = models.TextField(help_text="As received, shortened when huge")
    bar_time = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    logged_at = models.DateTimeField(auto_now_add=True)
    status = models.CharField(max_length=10, choices=choices(SignalStatus))
    reason = models.TextField(blank=True, default="")
    reason_code = reason_code()
    details = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
        help_text="What the sender said beside it: scores, percents, the exchange it is meant for",
    )
    dispatched_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty while it is accepted and still to be decided"
    )
    delivery = delivery()

    received_count = models.PositiveIntegerField(
        default=1,
        db_default=1,
        help_text="Messages this row stands for: more than one only where many were refused by one limit",
    )

    class Meta:
        db_table = "signals_v2_log"
        constraints = [
            models.UniqueConstraint(
                fields=["source", "received_at"],
                condition=Q(reason_code=ReasonCode.RATE_LIMITED),
                name="one_row_per_minute_of_refusals",
            ),
            models.CheckConstraint(
                condition=Q(received_count=1) | Q(received_count__gt=1, reason_code=ReasonCode.RATE_LIMITED),
                name="only_refusals_are_counted_together",
            ),
            models.CheckConstraint(condition=Q(status__in=list(SignalStatus)), name="signal_status_known"),
            models.CheckConstraint(
                condition=Q(uid__isnull=False) | Q(status=SignalStatus.IGNORED),
                name="only_unreadable_has_no_uid",
            ),
            models.CheckConstraint(
                condition=~Q(status=SignalStatus.IGNORED) | ~Q(reason="") & ~Q(reason_code=""),
                name="ignored_signal_says_why",
            ),
            models.CheckConstraint(
                condition=Q(status=SignalStatus.NEW) | Q(dispatched_at__isnull=False),
                name="only_new_signals_wait",
            ),
        ]
        indexes = [
            models.Index(F("received_at").desc(), name="signal_newest"),
            models.Index("source", F("received_at").desc(), name="signal_newest_of_source"),
            models.Index("symbol", F("received_at").desc(), name="signal_newest_of_symbol"),
            models.Index(fields=["id"], condition=Q(dispatched_at=None), name="signal_waiting"),
            models.Index(fields=["delivery"], condition=~Q(delivery=""), name="signal_of_delivery"),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.message}"[:60]


class SignalAttempt(models.Model):
    """A repeat of a signal that is already in the log: seen, counted, not traded again."""

    uid = models.CharField(max_length=64, db_index=True)
    source = models.CharField(max_length=60)
    received_at = models.DateTimeField()
    delivery = delivery()

    class Meta:
        db_table = "signal_attempts"
        indexes = [
            models.Index(fields=["received_at"], name="attempt_received"),
            models.Index(fields=["delivery"], condition=~Q(delivery=""), name="attempt_of_delivery"),
        ]

    def __str__(self) -> str:
        return self.uid[:12]


class SignalLogEntry(models.Model):
    """What one strategy did with one signal on one account, and why."""

    log = models.ForeignKey(SignalLog, models.CASCADE, related_name="entries")
    strategy = models.ForeignKey(Strategy, models.PROTECT, related_name="log_entries")
    account = models.ForeignKey(
        "exchanges.ExchangeAccount",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="log_entries",
        help_text="Empty where the strategy has none",
    )
    position = models.ForeignKey(
        "positions.Position", models.SET_NULL, null=True, blank=True, related_name="log_entries"
    )
    status = models.CharField(max_length=10, choices=choices(EntryStatus))
    note = models.TextField(blank=True, default="")
    reason_code = reason_code()
    logged_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "signal_log_entries_v2"
        constraints = [
            models.UniqueConstraint(
                fields=["log", "strategy", "account"], name="one_verdict_per_account", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[EntryStatus.SKIPPED, EntryStatus.FAILED]) | ~Q(reason_code=""),
                name="skipped_entry_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.strategy_id} {self.status}"
