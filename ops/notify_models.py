"""Who is told what, what waits to be told, and what became of each message. Constraints, no behaviour."""

from __future__ import annotations

from datetime import time
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from exchanges.choices import choices
from exchanges.secrets import SecretField
from ops.notify.decisions import Delivery, Kind, QuietHours, Severity


def known_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"{name} is no time zone; write it like Europe/Berlin.")


class NotifyTarget(models.Model):
    """The address is a secret: whoever knows it may write there, and often read."""

    name = models.SlugField(max_length=40, unique=True)
    address = SecretField(editable=False)
    kinds = models.JSONField(default=list, blank=True, help_text="Nothing ticked: every kind")
    least_severity = models.CharField(max_length=8, choices=choices(Severity), default=Severity.HIGH)
    quiet_from = models.TimeField(
        null=True, blank=True, help_text="Only what is critical is sent in quiet hours"
    )
    quiet_until = models.TimeField(null=True, blank=True, help_text="What waited is sent then")
    time_zone = models.CharField(
        max_length=64, default="UTC", validators=[known_zone], help_text="Of the quiet hours"
    )
    enabled = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="In a row")
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    dead_since = models.DateTimeField(null=True, blank=True, editable=False)
    last_sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "notify_targets"
        constraints = [
            models.CheckConstraint(
                condition=Q(least_severity__in=list(Severity)), name="notify_severity_known"
            ),
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="notify_quiet_hours_have_both_ends",
                violation_error_message="Quiet hours need a beginning and an end.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def quiet_hours(self) -> QuietHours | None:
        begin, end = self.quiet_from, self.quiet_until
        both = isinstance(begin, time) and isinstance(end, time)
        return QuietHours(begin, end, self.time_zone) if both else None  # type: ignore[arg-type]


class NotifyEvent(models.Model):
    """What is to be told, written by the triggers of migrations_sql/constraints/*notify_events.sql in the transaction
    of what happened, and by nothing else. Each goes when its messages are rows."""

    kind = models.CharField(max_length=20)
    subject_key = models.CharField(max_length=64)
    happened_at = models.DateTimeField()

    class Meta:
        db_table = "notify_events"

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_key}"


class NotifyMessage(models.Model):
    """One message to one target: a row before it is sent, and what became of it."""

    target = models.ForeignKey(NotifyTarget, models.CASCADE, related_name="messages")
    kind = models.CharField(max_length=20, choices=choices(Kind))
    severity = models.CharField(max_length=8, choices=choices(Severity))
    same_as = models.CharField(max_length=64, help_text="Alike in two messages that say the same")
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True, default="")
    delivery = models.CharField(max_length=8, choices=choices(Delivery), default=Delivery.WAITING)
    count = models.PositiveIntegerField(
        default=1, help_text="How often it happened while it was not said again"
    )
    told_count = models.PositiveIntegerField(default=0, help_text="How many of them were told")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now, help_text="When it happened last")
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "notify_messages"
        verbose_name = "message"
        verbose_name_plural = "delivery history"
        constraints = [
            models.CheckConstraint(condition=Q(delivery__in=list(Delivery)), name="notify_delivery_known"),
            models.CheckConstraint(
                condition=Q(told_count__lte=models.F("count")), name="notify_told_no_more_than_happened"
            ),
        ]
        indexes = [
            models.Index(
                fields=["target", "next_attempt_at"], condition=Q(delivery="waiting"), name="notify_due"
            ),
            models.Index(fields=["target", "same_as", "-created_at"], name="notify_said_before"),
            models.Index(fields=["created_at"], name="notify_oldest"),
        ]

    def __str__(self) -> str:
        return self.title


class Heartbeat(models.Model):
    """The last call of the outside watcher, and why there was none."""

    tried_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    silent_since = models.DateTimeField(null=True, blank=True, help_text="We do not call on purpose")
    reason = models.TextField(blank=True, default="")

    class Meta:
        db_table = "heartbeat"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="heartbeat_is_one_row")]

    def __str__(self) -> str:
        return self.reason or "well"
