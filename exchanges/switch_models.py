"""Who may open, everywhere and per account, each change of it, and what a FLAT proved. Constraints, no behaviour."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from exchanges.choices import choices
from exchanges.trading_state import Cause, FlatOutcome, TradingState


class Switched(models.Model):
    """Each change raises the epoch; an entry decided under an older one is not sent."""

    trading_state = models.CharField(
        max_length=20, choices=choices(TradingState), default=TradingState.ACTIVE
    )
    state_reason = models.TextField(blank=True, default="")
    state_since = models.DateTimeField(null=True, blank=True)
    state_by = models.CharField(max_length=100, blank=True, default="")
    state_cause = models.CharField(max_length=10, choices=choices(Cause), default=Cause.PERSON)
    epoch = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        abstract = True


class GlobalState(Switched):
    """One row or none: of all accounts, also those that are opened later."""

    class Meta:
        db_table = "global_state"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="global_state_is_one_row"),
            models.CheckConstraint(
                condition=Q(trading_state__in=list(TradingState)), name="global_state_known"
            ),
        ]

    def __str__(self) -> str:
        return self.trading_state


class StateChange(models.Model):
    """Without an account: of all of them."""

    account = models.ForeignKey(
        "exchanges.ExchangeAccount", models.PROTECT, null=True, blank=True, related_name="state_changes"
    )
    from_state = models.CharField(max_length=20, choices=choices(TradingState))
    to_state = models.CharField(max_length=20, choices=choices(TradingState))
    reason = models.TextField(blank=True, default="")
    by = models.CharField(max_length=100, blank=True, default="")
    cause = models.CharField(max_length=10, choices=choices(Cause))
    epoch = models.PositiveBigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "state_changes"
        indexes = [models.Index(fields=["account", "-at"], name="state_change_newest")]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"


class FlatRun(models.Model):
    """Somebody wants nothing held any more. Without an account: on none of them."""

    account = models.ForeignKey("exchanges.ExchangeAccount", models.PROTECT, null=True, blank=True)
    reason = models.TextField()
    by = models.CharField(max_length=100, blank=True, default="")
    include_foreign = models.BooleanField(
        default=False, help_text="Also what nobody here opened or placed is closed and canceled"
    )
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "flat_runs"
        indexes = [models.Index(fields=["-begun_at"], name="flat_run_newest")]

    def __str__(self) -> str:
        return f"FLAT {self.pk}"


class FlatReport(models.Model):
    """How far a FLAT has come on one account. It ends by the exchange's own listing, asked after the last of our rows
    had moved."""

    run = models.ForeignKey(FlatRun, models.PROTECT, related_name="reports")
    account = models.ForeignKey("exchanges.ExchangeAccount", models.PROTECT, related_name="flat_reports")
    outcome = models.CharField(max_length=12, choices=choices(FlatOutcome), default=FlatOutcome.CLOSING)
    left = models.JSONField(default=list, blank=True, help_text="What is still there, whose it is and why")
    tried_at = models.DateTimeField(null=True, blank=True, help_text="The last question")
    asked_at = models.DateTimeField(null=True, blank=True, help_text="The last question that was answered")
    error = models.TextField(blank=True, default="", help_text="Why the last question was not answered")
    foreign_since = models.DateTimeField(
        null=True, blank=True, help_text="First of the answers in a row that showed what is not ours"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "flat_reports"
        constraints = [
            models.UniqueConstraint(fields=["run", "account"], name="flat_report_once"),
            models.CheckConstraint(condition=Q(outcome__in=list(FlatOutcome)), name="flat_outcome_known"),
            models.CheckConstraint(
                condition=Q(outcome=FlatOutcome.CLOSING, ended_at__isnull=True)
                | (~Q(outcome=FlatOutcome.CLOSING) & Q(ended_at__isnull=False)),
                name="flat_report_ends_with_its_outcome",
            ),
            models.CheckConstraint(
                condition=~Q(outcome=FlatOutcome.FLAT) | Q(left=[], asked_at__isnull=False, error=""),
                name="flat_is_proven",
            ),
        ]
        indexes = [
            models.Index(fields=["account"], condition=Q(ended_at__isnull=True), name="flat_report_open")
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.account_id} {self.outcome}"
