"""Who may send signals, and what each of them may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from exchanges.secrets import SecretField

if TYPE_CHECKING:
    from signals_app.models import Strategy


class SignalSender(models.Model):
    """A sender may connect with its token; only the token's SHA-256 is kept."""

    name = models.SlugField(max_length=40, unique=True)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    enabled = models.BooleanField(default=True)
    strategies: models.ManyToManyField[Strategy, models.Model] = models.ManyToManyField(
        "Strategy", blank=True, related_name="senders", help_text="It may speak to these; none chosen: to all"
    )
    max_age_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Older signals are refused. Empty: MAX_SIGNAL_AGE_SECONDS",
    )
    rate_per_minute = models.PositiveIntegerField(
        default=600, validators=[MaxValueValidator(1_000_000)], help_text="0: no limit"
    )
    burst = models.PositiveIntegerField(
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
        help_text="How many may come at once after a pause",
    )
    allowed_networks = models.TextField(
        blank=True, default="", help_text="One a line: 203.0.113.7 or 10.0.0.0/8. Empty: from anywhere"
    )
    signing_key = SecretField(
        blank=True, default="", help_text="Webhook: the key of X-Signature (HMAC-SHA256)"
    )
    requires_signature = models.BooleanField(default=False, help_text="Webhook: refuse what is not signed")
    replay_window_seconds = models.PositiveIntegerField(
        default=300,
        validators=[MinValueValidator(1), MaxValueValidator(86_400)],
        help_text="Webhook: a signature older than this is refused",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(requires_signature=False) | ~Q(signing_key=""),
                name="required_signature_has_a_key",
            ),
            models.CheckConstraint(
                condition=Q(burst__gte=1, replay_window_seconds__gte=1)
                & (Q(max_age_seconds=None) | Q(max_age_seconds__gte=1)),
                name="sender_limits_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UsedSignature(models.Model):
    """A signature opens the door once; kept for as long as it would not be too old anyway."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "used_signatures"

    def __str__(self) -> str:
        return self.digest[:12]


class SignalArrivals(models.Model):
    """What one process counted at one door in one hour, before anything else was done with it."""

    source = models.CharField(max_length=60)
    hour = models.DateTimeField()
    process = models.CharField(max_length=80)
    count = models.PositiveIntegerField()

    class Meta:
        db_table = "signal_arrivals"
        verbose_name_plural = "signal arrivals"
        constraints = [
            models.UniqueConstraint(fields=["source", "hour", "process"], name="arrivals_once_per_process")
        ]
        indexes = [models.Index(fields=["hour"], name="arrivals_hour")]

    def __str__(self) -> str:
        return f"{self.source} {self.hour:%Y-%m-%d %H} h"
