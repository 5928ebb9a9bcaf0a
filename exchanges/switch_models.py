"""Who may open, everywhere and per account, each change of it, and what a FLAT proved. Constraints, no behaviour."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from exchanges.choices import choices
from exchanges.trading_state import Cause, TradingState


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
