"""Plans, the stop of each live position (one narrow, often written row that cannot outlive it) and its levels."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from exchanges.choices import choices
from exchanges.types import Reference, Timeframe
from trailing.engine import StopReason, TrailingPhase
from trailing.ladder import LevelStatus


def money(**kwargs: object) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(max_digits=20, decimal_places=8, **kwargs)  # type: ignore[arg-type]


def true_range(**kwargs: object) -> models.DecimalField:  # type: ignore[type-arg]
    """Finer than a price: of a cheap coin it is a few of its price's last digits."""
    return models.DecimalField(max_digits=28, decimal_places=16, **kwargs)  # type: ignore[arg-type]


class PlanVersion(models.Model):
    """A protection plan as positions were opened with it. Written once, never changed: a new wish is a new row."""

    digest = models.CharField(max_length=64, primary_key=True)
    body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "protection_plans"

    def __str__(self) -> str:
        return self.digest[:12]


class TrueRange(models.Model):
    """The newest average true range of a contract's candles, as plans want it: known before an entry needs it."""

    instrument = models.ForeignKey("exchanges.Instrument", models.CASCADE, related_name="true_ranges")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe))
    period = models.PositiveSmallIntegerField()
    value = true_range(
        null=True, blank=True, help_text="Empty: too few candles, or a price that did not move"
    )
    ended_at = models.DateTimeField(help_text="End of the last candle that counts")

    class Meta:
        db_table = "true_ranges"
        constraints = [
            models.UniqueConstraint(fields=["instrument", "timeframe", "period"], name="true_range_once"),
            models.CheckConstraint(condition=Q(value=None) | Q(value__gt=0), name="true_range_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.timeframe} {self.period}"


class PriceWatch(models.Model):
    """Since when, and until when, the prices by which plans judge a held contract were watched without a gap."""

    instrument = models.ForeignKey(
        "exchanges.Instrument", models.CASCADE, related_name="price_watches", db_index=False
    )
    reference = models.CharField(
        max_length=4, choices=choices(Reference), default=Reference.MARK, db_default=Reference.MARK
    )
    since = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        db_table = "price_watches"
        constraints = [
            models.UniqueConstraint(fields=["instrument", "reference"], name="price_watch_once"),
            models.CheckConstraint(
                condition=Q(reference__in=list(Reference)), name="price_watch_reference_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.reference} {self.since:%H:%M:%S} to {self.until:%H:%M:%S}"


class TrailingStop(models.Model):
    # migrations_sql/constraints/0001 adds the foreign key (position_id, position_is_live) -> positions (id, is_live)
    position = models.OneToOneField(
        "positions.Position", models.CASCADE, primary_key=True, related_name="trailing_stop"
    )
    position_is_live = models.BooleanField(default=True, db_default=True, editable=False)
    state = models.CharField(max_length=10, choices=choices(TrailingPhase), default=TrailingPhase.INACTIVE)
    entry_price = money(null=True, blank=True, help_text="Average fill price; empty until the entry filled")
    entry_atr = true_range(null=True, blank=True, help_text="Average true range when the entry filled")
    atr = true_range(null=True, blank=True, help_text="Average true range now")
    atr_at = models.DateTimeField(null=True, blank=True, help_text="End of the last candle in it")
    activation_price = money(null=True, blank=True)
    high_water_mark = money(
        null=True, blank=True, help_text="Best price that mattered since the entry; lowest for shorts"
    )
    stop_price = money(null=True, blank=True, help_text="Effective stop: the most protective candidate")
    stop_reason = models.CharField(
        max_length=12,
        choices=choices(StopReason),
        default=StopReason.STOP_LOSS,
        db_default=StopReason.STOP_LOSS,
    )
    loosened_from = money(
        null=True,
        blank=True,
        help_text="A person took this stop back for a wider one: only a better one counts",
    )
    levels_taken = models.PositiveSmallIntegerField(default=0, db_default=0)
    crossed_at = models.DateTimeField(null=True, blank=True, help_text="First price seen beyond the stop")
    update_count = models.PositiveIntegerField(default=0)
    activated_at = models.DateTimeField(null=True, blank=True)
    last_mark_price = money(null=True, blank=True)
    last_advanced_at = models.DateTimeField(null=True, blank=True)
    known_until = models.DateTimeField(
        null=True, blank=True, help_text="Earlier prices count; later ones while its contract is watched"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "trailing_stop_state"
        constraints = [
            models.CheckConstraint(
                condition=Q(position_is_live=True), name="trailing_claims_a_live_position"
            ),
            models.CheckConstraint(condition=Q(state__in=list(TrailingPhase)), name="trailing_state_known"),
            models.CheckConstraint(
                condition=Q(stop_reason__in=list(StopReason)), name="trailing_reason_known"
            ),
            models.CheckConstraint(
                condition=Q(entry_atr=None) | Q(entry_atr__gt=0), name="trailing_true_range_positive"
            ),
            models.CheckConstraint(
                condition=Q(atr=None) | Q(atr__gt=0), name="trailing_true_range_now_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position_id} {self.state}"


class PartialTakeProfit(models.Model):
    """One level of a position's take-profit ladder, once. Table and columns are named by a requirement document."""

    position = models.ForeignKey(
        "positions.Position", models.PROTECT, db_column="trade_id", related_name="levels"
    )
    level = models.PositiveSmallIntegerField(help_text="From 1, outwards from the entry")
    percent = models.DecimalField(
        max_digits=10, decimal_places=2, null=True, blank=True, help_text="Profit, percent of the entry price"
    )
    close_ratio = models.DecimalField(max_digits=10, decimal_places=4, help_text="Of the original quantity")
    close_qty = money(default=0)
    price = money(null=True, blank=True)
    order_id = models.CharField(
        max_length=255, blank=True, default="", help_text="Our name of its newest order"
    )
    status = models.CharField(max_length=50, choices=choices(LevelStatus), default=LevelStatus.PENDING)
    error = models.TextField(blank=True, default="")
    waits_for = money(
        null=True, blank=True, help_text="Refused as too far away: placed again when the market is there"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "partial_tp_history"
        constraints = [
            models.UniqueConstraint(fields=["position", "level"], name="level_once"),
            models.CheckConstraint(condition=Q(status__in=list(LevelStatus)), name="level_status_known"),
        ]
        indexes = [models.Index(fields=["position", "status"], name="level_position_status")]

    def __str__(self) -> str:
        return f"{self.position_id} level {self.level}"
