from django.db import migrations, models
from django.db.models import Q

# nothing of before waits to be decided
BACKFILL = """
UPDATE signals_v2_log SET dispatched_at = logged_at, reason_code = CASE
    WHEN status <> 'ignored' THEN ''
    WHEN reason LIKE 'internal error%' THEN 'internal_error'
    WHEN uid IS NULL THEN 'unreadable'
    WHEN reason LIKE 'unknown ticker%' THEN 'unknown_ticker'
    WHEN reason LIKE 'ticker %' THEN 'ticker_off'
    WHEN reason LIKE 'sent % s ago%' THEN 'stale'
    WHEN reason LIKE 'sent % s in the future%' THEN 'clock_ahead'
    WHEN reason = 'no strategy knows this phrase' THEN 'no_strategy'
    ELSE 'unclassified' END;
UPDATE signal_log_entries_v2 SET reason_code = 'unclassified' WHERE status IN ('skipped', 'failed');
"""


class Migration(migrations.Migration):
    dependencies = [("signals_app", "0003_protection_plans")]

    operations = [
        migrations.RemoveConstraint("signallog", "ignored_signal_says_why"),
        migrations.AddField(
            "signallog",
            "dispatched_at",
            models.DateTimeField(
                blank=True, help_text="Empty while it is accepted and still to be decided", null=True
            ),
        ),
        migrations.AddField(
            "signallog",
            "reason_code",
            models.CharField(
                blank=True, db_default="", default="", help_text="A ReasonCode", max_length=30
            ),
        ),
        migrations.AddField(
            "signallogentry",
            "reason_code",
            models.CharField(
                blank=True, db_default="", default="", help_text="A ReasonCode", max_length=30
            ),
        ),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            "signallog",
            models.Index(condition=Q(dispatched_at=None), fields=["id"], name="signal_waiting"),
        ),
        migrations.AddConstraint(
            "signallog",
            models.CheckConstraint(
                condition=~Q(status="ignored") | ~Q(reason="") & ~Q(reason_code=""),
                name="ignored_signal_says_why",
            ),
        ),
        migrations.AddConstraint(
            "signallog",
            models.CheckConstraint(
                condition=Q(status="new") | Q(dispatched_at__isnull=False), name="only_new_signals_wait"
            ),
        ),
        migrations.AddConstraint(
            "signallogentry",
            models.CheckConstraint(
                condition=~Q(status__in=["skipped", "failed"]) | ~Q(reason_code=""),
                name="skipped_entry_says_why",
            ),
        ),
    ]
