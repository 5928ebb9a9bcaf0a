"""On which accounts a strategy trades."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from exchanges.venues.abilities import TRAILS_BY_PERCENT


class StrategyAccount(models.Model):
    """An account on which a strategy trades, and how far it does so there."""

    strategy = models.ForeignKey("Strategy", models.CASCADE, related_name="accounts")
    account = models.ForeignKey("exchanges.ExchangeAccount", models.PROTECT, related_name="strategies")
    enabled = models.BooleanField(
        default=True, help_text="Off: its signals open and close nothing on this account; the stops stay"
    )
    size_percent = models.DecimalField(
        max_digits=7, decimal_places=4, default=100, help_text="Of the strategy's size"
    )
    leverage = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty: the strategy's")
    max_open_positions = models.PositiveIntegerField(
        null=True, blank=True, help_text="Empty: the strategy's. 0: no limit"
    )
    failover_account = models.ForeignKey(
        "exchanges.ExchangeAccount",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="stands_in",
        help_text="Opens here instead while the account cannot be reached",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["strategy", "account"], name="account_once_per_strategy"),
            models.CheckConstraint(
                condition=Q(size_percent__gt=0, size_percent__lte=1000), name="size_percent_sane"
            ),
            models.CheckConstraint(
                condition=Q(leverage__isnull=True) | Q(leverage__gte=1, leverage__lte=125),
                name="account_leverage_sane",
            ),
            models.CheckConstraint(
                condition=Q(failover_account__isnull=True) | ~Q(failover_account=F("account")),
                name="failover_is_another_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.strategy} on {self.account}"

    def clean(self) -> None:
        venue = self.account.venue if self.account_id else None
        wishes_backstop = bool(self.strategy.protection.get("backstop"))
        if wishes_backstop and venue is not None and venue not in TRAILS_BY_PERCENT:
            raise ValidationError(
                f"The strategy's plan has a backstop, and {venue} has no order that trails by a percent of the price."
            )
