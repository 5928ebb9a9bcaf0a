"""What was done to move an older bot's database in. Constraints, no behaviour."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class MovingInRecord(models.Model):
    """One row or none. Its table is older than our other ones: the pre-flight and the backup write it."""

    id = models.SmallIntegerField(primary_key=True, default=1, db_default=1)
    preflight_at = models.DateTimeField(null=True, blank=True, help_text="When a whole pre-flight passed")
    preflight = models.JSONField(default=dict, blank=True, help_text="What it counted, to compare with later")
    backup_verified_at = models.DateTimeField(null=True, blank=True)
    backup_folder = models.TextField(blank=True, default="")
    rehearsed_at = models.DateTimeField(null=True, blank=True)
    rehearsal = models.JSONField(default=dict, blank=True, help_text="How long each part of it took")
    migrated_at = models.DateTimeField(null=True, blank=True)
    moved_tables = models.JSONField(
        default=list, blank=True, help_text="Of older bots; others need a backup first"
    )
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "moving_in_record"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="moving_in_record_is_one_row")]

    def __str__(self) -> str:
        return f"migrated {self.migrated_at}" if self.migrated_at else "not migrated yet"
