"""Pairs of accounts that are watched for a spread, and each trade that came of it. Constraints, no behaviour."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least

from exchanges.choices import choices
from positions.arbitrage import Cause
from positions.fields import money
from positions.pair_lifecycle import TRADE_ENDS, TradeStatus


def _percent(**kwargs: object) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(max_digits=7, decimal_places=4, **kwargs)  # type: ignore[arg-type]


def _fee() -> models.DecimalField:  # type: ignore[type-arg]
    bounds = [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))]
    return _percent(default=Decimal("0.05"), validators=bounds, help_text="Its taker fee, percent")


class ArbitragePair(models.Model):
    """One contract on two accounts; how much and how protected is the strategy's."""

    strategy = models.ForeignKey("signals_app.Strategy", models.PROTECT, related_name="pairs")
    symbol = models.CharField(max_length=60, help_text="The same on both venues, as in BTC/USDT:USDT")
    first_account = models.ForeignKey("exchanges.ExchangeAccount", models.PROTECT, related_name="pairs_first")
    first_fee_percent = _fee()
    second_account = models.ForeignKey(
        "exchanges.ExchangeAccount", models.PROTECT, related_name="pairs_second"
    )
    second_fee_percent = _fee()
    enabled = models.BooleanField(default=False, help_text="Off: opens nothing; what is open is looked after")
    entry_percent = _percent(
        default=Decimal("0.2"), help_text="Opens at this much, net of four taker fees and of expected funding"
    )
    exit_percent = _percent(
        default=Decimal("0.02"),
        help_text="Closes when closing both legs costs no more than this, before fees",
    )
    stop_loss_percent = _percent(
        default=Decimal(1), help_text="Of what was put in, lost by both legs together"
    )
    expected_holding_minutes = models.PositiveIntegerField(
        default=240, help_text="For the funding that is expected until it closes"
    )
    max_holding_minutes = models.PositiveIntegerField(default=1440)
    max_quote_age_ms = models.PositiveIntegerField(default=2000, help_text="Older prices decide nothing")
    rest_seconds = models.PositiveIntegerField(
        default=60, help_text="After a trade; twice as long for each failure in a row"
    )
    judged_at = models.DateTimeField(null=True, blank=True, editable=False)
    judgement = models.TextField(
        blank=True, default="", editable=False, help_text="What was last decided, and why"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "arbitrage_pairs"
        constraints = [
            models.CheckConstraint(
                condition=~Q(first_account=F("second_account")),
                name="pair_has_two_accounts",
                violation_error_message="Both legs on one account are no arbitrage: choose two accounts.",
            ),
            models.CheckConstraint(
                condition=Q(exit_percent__lt=F("entry_percent")),
                name="pair_exit_below_entry",
                violation_error_message="The exit threshold must be below the entry threshold.",
            ),
            models.CheckConstraint(
                condition=Q(
                    max_holding_minutes__gte=F("expected_holding_minutes"), expected_holding_minutes__gte=1
                ),
                name="pair_holding_times_sane",
                violation_error_message="The expected holding time is at least a minute and not above the longest.",
            ),
            models.CheckConstraint(
                condition=Q(entry_percent__gt=0, stop_loss_percent__gt=0, max_quote_age_ms__gte=100),
                name="pair_numbers_sane",
                violation_error_message="Entry threshold and stop loss are above zero, prices may be 100 ms old.",
            ),
            models.CheckConstraint(
                condition=Q(first_fee_percent__gte=0, second_fee_percent__gte=0), name="pair_fees_sane"
            ),
            models.UniqueConstraint(
                Least("first_account", "second_account"),
                Greatest("first_account", "second_account"),
                "symbol",
                name="pair_once",
                violation_error_message="These two accounts are already a pair for this contract.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.first_account} / {self.second_account}"


class ArbitrageTrade(models.Model):
    """What a pair did once. Profit, fees and funding are those of its two positions, never kept twice."""

    pair = models.ForeignKey(ArbitragePair, models.PROTECT, related_name="trades")
    status = models.CharField(max_length=10, choices=choices(TradeStatus), default=TradeStatus.OPENING)
    long_position = models.OneToOneField(
        "positions.Position", models.PROTECT, null=True, blank=True, related_name="bought_in"
    )
    short_position = models.OneToOneField(
        "positions.Position", models.PROTECT, null=True, blank=True, related_name="sold_in"
    )
    short_is_first = models.BooleanField(help_text="Sold on the pair's first account, bought on its second")
    quantity = money(default=0, help_text="Of each leg, base units")
    buy_at = money(help_text="The cheaper side's ask when it was decided")
    sell_at = money(help_text="The dearer side's bid when it was decided")
    net_percent = _percent(help_text="Expected, after four fees and funding")
    opened_because = models.TextField()
    cause = models.CharField(max_length=20, choices=choices(Cause), blank=True, default="")
    reason = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True, help_text="Both legs were filled")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "arbitrage_trades"
        constraints = [
            models.UniqueConstraint(
                fields=["pair"], condition=~Q(status__in=sorted(TRADE_ENDS)), name="one_live_trade_per_pair"
            ),
            models.CheckConstraint(condition=Q(status__in=list(TradeStatus)), name="trade_status_known"),
            models.CheckConstraint(
                condition=Q(status=TradeStatus.FAILED)
                | Q(long_position__isnull=False, short_position__isnull=False, quantity__gt=0),
                name="trade_has_two_legs",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[TradeStatus.OPENING, TradeStatus.OPEN])
                | ~Q(cause="") & ~Q(reason=""),
                name="trade_says_why_it_ended",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(TRADE_ENDS), ended_at__isnull=False)
                | ~Q(status__in=sorted(TRADE_ENDS)) & Q(ended_at__isnull=True),
                name="trade_end_has_a_time",
            ),
        ]
        indexes = [models.Index(F("created_at").desc(), name="trade_newest")]

    def __str__(self) -> str:
        return f"{self.pk} {self.status}"
