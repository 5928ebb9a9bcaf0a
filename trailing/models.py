"""One narrow, often written row per live position; it cannot outlive the position."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from exchanges.choices import choices
from trailing.engine import TrailingPhase


def money(**kwargs: object) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(max_digits=20, decimal_places=8, **kwargs)  # type: ignore[arg-type]


class TrailingStop(models.Model):
    # migrations_sql/constraints/0001 adds the foreign key (position_id, position_is_live) -> positions (id, is_live)
    position = models.OneToOneField(
        "positions.Position", models.CASCADE, primary_key=True, related_name="trailing_stop"
    )
    position_is_live = models.BooleanField(default=True, db_default=True, editable=False)
    state = models.CharField(max_length=10, choices=choices(TrailingPhase), default=TrailingPhase.INACTIVE)
    entry_price = money(null=True, blank=True, help_text="Average fill price; empty until the entry filled")
    stop_loss_percent = models.DecimalField(
        max_digits=7, decimal_places=4, help_text="Fixed stop, percent of entry"
    )
    activation_percent = models.DecimalField(
        max_digits=7, decimal_places=4, help_text="Profit that starts trailing"
    )
    callback_rate = models.DecimalField(
        max_digits=7, decimal_places=4, help_text="Percent of the best price, 1 means 1 %"
    )
    activation_price = money(null=True, blank=True)
    high_water_mark = money(
        null=True, blank=True, help_text="Best mark price since activation; lowest for shorts"
    )
    stop_price = money(null=True, blank=True, help_text="Effective stop: the most protective candidate")
    crossed_at = models.DateTimeField(null=True, blank=True, help_text="First price seen beyond the stop")
    update_count = models.PositiveIntegerField(default=0)
    activated_at = models.DateTimeField(null=True, blank=True)
    last_mark_price = money(null=True, blank=True)
    last_advanced_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "trailing_stop_state"
        constraints = [
            models.CheckConstraint(
                condition=Q(position_is_live=True), name="trailing_claims_a_live_position"
            ),
            models.CheckConstraint(condition=Q(state__in=list(TrailingPhase)), name="trailing_state_known"),
            models.CheckConstraint(
                condition=Q(callback_rate__gt=0, callback_rate__lt=100), name="trailing_callback_is_a_percent"
            ),
            models.CheckConstraint(
                condition=Q(activation_percent__gte=0, stop_loss_percent__gt=0, stop_loss_percent__lt=100),
                name="trailing_percents_sane",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position_id} {self.state}"
