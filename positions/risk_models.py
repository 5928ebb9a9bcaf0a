"""Limits as their owner set them, what trading did to an account's equity, and what was told of it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from positions.risk_levels import Level
from positions.risk_limits import Rule, tiers_from

NONE = "0: no limit."


def how_many(text: str) -> models.PositiveIntegerField:  # type: ignore[type-arg]
    return models.PositiveIntegerField(default=0, help_text=f"{text} {NONE}")


def at_most(text: str, most: int) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(
        max_digits=8,
        decimal_places=3,
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(most)],
        help_text=f"{text} {NONE}",
    )


def level_at(default: int, text: str) -> models.PositiveSmallIntegerField:  # type: ignore[type-arg]
    return models.PositiveSmallIntegerField(
        default=default,
        validators=[MaxValueValidator(1000)],
        help_text=f"Percent of a limit in use. {text} 0: never.",
    )


def readable_tiers(said: Any) -> None:
    try:
        tiers_from(said)
    except ValueError as error:
        raise ValidationError(str(error)) from error


class RiskLimits(models.Model):
    """Without account and strategy it holds for all of them. Rows hold together: each only ever adds a no."""

    account = models.OneToOneField(
        "exchanges.ExchangeAccount", models.CASCADE, null=True, blank=True, related_name="risk_limits"
    )
    strategy = models.OneToOneField(
        "signals_app.Strategy", models.CASCADE, null=True, blank=True, related_name="risk_limits"
    )
    max_positions = how_many("Open at the same time, on all accounts together.")
    max_exposure = models.DecimalField(
        max_digits=20,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
        help_text=f"Sum of open notionals, quote currency. {NONE}",
    )
    max_positions_per_symbol = how_many("Both sides of one contract counted.")
    max_positions_per_direction = how_many("All long, or all short ones.")
    max_leverage = how_many("Of one position.")
    notional_tiers = models.JSONField(
        default=list,
        blank=True,
        validators=[readable_tiers],
        help_text='The most notional of one position, by equity: [{"equity_from": 0, "max_notional": 500}, '
        '{"equity_from": 10000, "max_notional": 0}]. Empty, or a notional of 0: no limit.',
    )
    max_utilisation = at_most("Margin of all positions, percent of the account's equity.", 100)
    max_concentration = at_most("Margin of one contract, percent of the account's equity.", 100)
    max_total_risk = at_most("Lost if every stop is hit, percent of the account's equity.", 100)
    max_daily_loss = at_most("Lost since midnight UTC, booked and floating, percent of equity.", 100)
    max_drawdown = at_most("Lost since the account was worth most, percent.", 100)
    warn_at = level_at(60, "A risk event is written.")
    reduce_at = level_at(80, "Daily loss and drawdown: the account opens nothing more.")
    halt_at = level_at(95, "Daily loss and drawdown: the account is halted.")

    class Meta:
        db_table = "risk_limits"
        verbose_name = verbose_name_plural = "risk limits"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "strategy"],
                name="risk_limits_once",
                nulls_distinct=False,
                violation_error_message="There are such limits already: change those.",
            ),
            models.CheckConstraint(
                condition=Q(account=None) | Q(strategy=None),
                name="risk_limits_of_one_thing",
                violation_error_message="Name an account or a strategy, or neither for all accounts.",
            ),
            # what an account or a strategy may hold stands in its own row
            models.CheckConstraint(
                condition=Q(account=None, strategy=None) | Q(max_positions=0),
                name="risk_limits_positions_said_once",
                violation_error_message="Accounts and strategies say on their own page how many: leave 0 here.",
            ),
            models.CheckConstraint(
                condition=Q(account=None) | Q(max_exposure=0),
                name="risk_limits_exposure_said_once",
                violation_error_message="An account's exposure is said on its own page: leave 0 here.",
            ),
            models.CheckConstraint(
                condition=Q(strategy=None)
                | Q(
                    max_utilisation=0,
                    max_concentration=0,
                    max_total_risk=0,
                    max_daily_loss=0,
                    max_drawdown=0,
                ),
                name="risk_limits_of_equity_are_an_accounts",
                violation_error_message="Percents of equity are for accounts: leave 0 for a strategy.",
            ),
            models.CheckConstraint(
                condition=Q(
                    max_exposure__gte=0,
                    max_utilisation__gte=0,
                    max_concentration__gte=0,
                    max_total_risk__gte=0,
                    max_daily_loss__gte=0,
                    max_drawdown__gte=0,
                ),
                name="risk_limits_not_below_zero",
            ),
        ]

    def __str__(self) -> str:
        return f"Limits of {self.account or self.strategy or 'all accounts'}"

    def clean(self) -> None:
        steps = [at for at in (self.warn_at, self.reduce_at, self.halt_at) if at]
        if steps != sorted(steps):
            raise ValidationError("Warn comes first, then reduce, then halt.")


def share_worth(**kwargs: Any) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(max_digits=38, decimal_places=18, default=1, **kwargs)


def money(**kwargs: Any) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(max_digits=24, decimal_places=8, default=0, **kwargs)


class AccountEquity(models.Model):
    """positions/equity_track.py as a row: written after each comparison with the exchange."""

    account = models.OneToOneField("exchanges.ExchangeAccount", models.CASCADE, related_name="equity_track")
    day = models.DateField(help_text="UTC")
    looked_at = models.DateTimeField()
    equity = money()
    earned = money(help_text="Since the day's first look, quote currency; deposits and withdrawals left out")
    share = share_worth(help_text="What one share is worth: moved by trading alone")
    share_before = share_worth()
    share_at_start = share_worth(help_text="When the day began")
    share_at_peak = share_worth()
    booked_from = models.DateTimeField()
    booked_at_start = money()
    unrealized_at_start = money()

    class Meta:
        db_table = "account_equity"

    def __str__(self) -> str:
        return f"{self.account_id} {self.day}"


class LimitLevel(models.Model):
    """How near an account is to a limit, as it was told last."""

    account = models.ForeignKey("exchanges.ExchangeAccount", models.CASCADE, related_name="limit_levels")
    rule = models.CharField(max_length=40, choices=[(rule.value, rule.value) for rule in Rule])
    level = models.PositiveSmallIntegerField(
        choices=[(level.value, level.word) for level in Level], default=Level.NONE
    )
    since = models.DateTimeField()

    class Meta:
        db_table = "risk_limit_levels"
        constraints = [models.UniqueConstraint(fields=["account", "rule"], name="limit_level_once")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.rule}"
