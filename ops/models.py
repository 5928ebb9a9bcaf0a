"""The causal trail: what became of every row that matters, in the order it happened, and the seals on it. The
system's own log. What became of each row of an older bot. How a person wants to see the pages."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from exchanges.choices import choices
from ops.desk.preference_models import Preferences as Preferences
from ops.moving_in_models import MovingInRecord as MovingInRecord
from ops.notify_models import Heartbeat as Heartbeat
from ops.notify_models import NotifyEvent as NotifyEvent
from ops.notify_models import NotifyMessage as NotifyMessage
from ops.notify_models import NotifyTarget as NotifyTarget
from ops.people.link_models import LoginLink as LoginLink
from ops.people.token_models import ApiToken as ApiToken

# the chain of rows that belong to no account: signals come before it is known whose they are
NO_ACCOUNT = 0


class Change(StrEnum):
    FOUND = "found"  # the row was already there when the trail began
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class TrailEntry(models.Model):
    """Written by the triggers in migrations_sql/constraints/*trail*.sql and by nothing else. No foreign keys: an entry
    outlives its row."""

    account_id = models.BigIntegerField(help_text="0: the row belongs to no account")
    subject_table = models.CharField(max_length=63)
    subject_key = models.CharField(max_length=64)
    change = models.CharField(max_length=6, choices=choices(Change))
    content = models.JSONField(help_text="The whole row; of an update, the columns that changed")
    written_at = models.DateTimeField()
    written_by = models.CharField(max_length=200, help_text="Database role and program")

    class Meta:
        db_table = "trail"
        verbose_name_plural = "trail entries"
        indexes = [models.Index(fields=["subject_table", "subject_key", "id"], name="trail_of_subject")]

    def __str__(self) -> str:
        return f"{self.change} {self.subject_table} {self.subject_key}"


class UnsealedEntry(models.Model):
    """Entries that wait for their seal, written with them in one transaction. Ids become visible in the order of
    commits, so "newer than the last seal" would miss some."""

    entry_id = models.BigIntegerField(primary_key=True)

    class Meta:
        db_table = "trail_unsealed"

    def __str__(self) -> str:
        return str(self.entry_id)


class TrailSeal(models.Model):
    """hash = SHA-256 of prev_hash and the entry's text: no entry can change without all later seals."""

    entry_id = models.BigIntegerField(primary_key=True)
    account_id = models.BigIntegerField()
    seq = models.BigIntegerField(help_text="1, 2, 3, ... for each account")
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        db_table = "trail_seal"
        constraints = [models.UniqueConstraint(fields=["account_id", "seq"], name="trail_seal_once")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.seq}"


class LogLevel(StrEnum):
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class SystemLog(models.Model):
    """What happened to the machinery itself: a source that failed, a consumer that began again."""

    level = models.CharField(max_length=7, choices=[(level.value, level.value) for level in LogLevel])
    module = models.CharField(max_length=100)
    message = models.TextField()
    details = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(help_text="When it happened; it may have been written later")

    class Meta:
        db_table = "system_logs"
        verbose_name = "system event"
        verbose_name_plural = "system log"
        indexes = [models.Index(F("created_at").desc(), name="system_log_newest")]

    def __str__(self) -> str:
        return f"{self.level} {self.module}: {self.message}"[:100]


class LegacyOutcome(StrEnum):
    IMPORTED = "imported"
    REJECTED = "rejected"  # it cannot be one of ours
    SKIPPED = "skipped"  # there is nothing to carry over
    WAITING = "waiting"  # the next import tries again


ALL_ROWS = "all rows"  # stands for the id where one verdict is of a whole table


class LegacyRow(models.Model):
    """What became of one row of an older bot; written in one transaction with the row of ours that it became."""

    source = models.CharField(max_length=20, help_text="Which older bot: tradingbot, v4, v3")
    table = models.CharField(max_length=130, help_text="With its schema: monitoring.positions")
    legacy_id = models.CharField(max_length=255)
    outcome = models.CharField(max_length=8, choices=choices(LegacyOutcome))
    reason = models.TextField(blank=True, default="")
    our_table = models.CharField(max_length=63, blank=True, default="")
    our_id = models.CharField(max_length=64, blank=True, default="")
    decided_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "legacy_rows"
        constraints = [
            models.UniqueConstraint(fields=["source", "table", "legacy_id"], name="legacy_row_once"),
            models.CheckConstraint(condition=Q(outcome__in=list(LegacyOutcome)), name="legacy_outcome_known"),
            models.CheckConstraint(
                condition=Q(outcome=LegacyOutcome.IMPORTED) & ~Q(our_table="") & ~Q(our_id="")
                | ~Q(outcome=LegacyOutcome.IMPORTED) & ~Q(reason=""),
                name="legacy_row_is_explained",
            ),
        ]
        indexes = [
            models.Index(
                fields=["source", "table"],
                condition=~Q(outcome=LegacyOutcome.IMPORTED),
                name="legacy_row_not_imported",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.table} {self.legacy_id}: {self.outcome}"
