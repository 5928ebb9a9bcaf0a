import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

from migrations_sql import sql

ONE_EACH = """
INSERT INTO signals_app_strategyaccount (strategy_id, account_id, enabled, size_percent)
    SELECT id, account_id, true, 100 FROM signals_app_strategy ORDER BY id;
SET CONSTRAINTS ALL IMMEDIATE;
"""
BACK = """
UPDATE signals_app_strategy strategy SET account_id = one.account_id
    FROM signals_app_strategyaccount one WHERE one.strategy_id = strategy.id;
SET CONSTRAINTS ALL IMMEDIATE;
"""
OF_VERDICTS = """
UPDATE signal_log_entries_v2 verdict SET account_id = one.account_id
    FROM signals_app_strategyaccount one WHERE one.strategy_id = verdict.strategy_id;
SET CONSTRAINTS ALL IMMEDIATE;
"""
TRAIL_BEFORE = sql("constraints/0006_trail_of_levels.sql").partition("CREATE TRIGGER")[0]


def refuse_what_one_column_cannot_say(apps, editor):
    """A strategy must not trade elsewhere, or with another size, without a word."""
    for strategy in apps.get_model("signals_app", "Strategy").objects.all():
        there = list(strategy.accounts.all())
        plain = len(there) == 1 and (there[0].enabled, there[0].size_percent, there[0].leverage) == (
            True,
            100,
            None,
        )
        if not (plain and there[0].max_open_positions is None and there[0].failover_account_id is None):
            raise ValueError(
                f"{strategy.name} has not one plain account; give it one and its own settings first"
            )
    entries = apps.get_model("signals_app", "SignalLogEntry").objects
    if entries.values("log", "strategy").annotate(count=models.Count("pk")).filter(count__gt=1).exists():
        raise ValueError(
            "a signal has verdicts of one strategy on several accounts; one column cannot say so"
        )


class Migration(migrations.Migration):
    dependencies = [
        ("exchanges", "0006_trades_known_until"),
        ("ops", "0005_trail_of_many_signals"),
        ("signals_app", "0017_indexes_of_sources_and_attempts"),
    ]

    operations = [
        migrations.CreateModel(
            name="StrategyAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "enabled",
                    models.BooleanField(
                        default=True,
                        help_text="Off: its signals open and close nothing on this account; the stops stay",
                    ),
                ),
                (
                    "size_percent",
                    models.DecimalField(
                        decimal_places=4, default=100, help_text="Of the strategy's size", max_digits=7
                    ),
                ),
                (
                    "leverage",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="Empty: the strategy's", null=True
                    ),
                ),
                (
                    "max_open_positions",
                    models.PositiveIntegerField(
                        blank=True, help_text="Empty: the strategy's. 0: closes, and opens nothing", null=True
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="strategies",
                        to="exchanges.exchangeaccount",
                    ),
                ),
                (
                    "failover_account",
                    models.ForeignKey(
                        blank=True,
                        help_text="Opens here instead while the account cannot be reached",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stands_in",
                        to="exchanges.exchangeaccount",
                    ),
                ),
                (
                    "strategy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="accounts",
                        to="signals_app.strategy",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("strategy", "account"), name="account_once_per_strategy"),
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
            },
        ),
        # filled again before it must be, when this goes back
        migrations.AlterField(
            "strategy",
            "account",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="exchanges.exchangeaccount",
            ),
        ),
        migrations.RunSQL(ONE_EACH, BACK),
        migrations.RemoveField("strategy", "account"),
        migrations.RunSQL(
            sql("constraints/0011_strategy_accounts_notify.sql"),
            "DROP TRIGGER tell_registry ON signals_app_strategyaccount",
        ),
        migrations.AddField(
            "signallogentry",
            "account",
            models.ForeignKey(
                blank=True,
                help_text="Empty where the strategy has none",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="log_entries",
                to="exchanges.exchangeaccount",
            ),
        ),
        migrations.RunSQL(sql("constraints/0011_trail_of_verdicts.sql"), TRAIL_BEFORE),
        migrations.RunSQL(OF_VERDICTS, migrations.RunSQL.noop),
        migrations.RemoveConstraint("signallogentry", "one_verdict_per_strategy"),
        migrations.AddConstraint(
            "signallogentry",
            models.UniqueConstraint(
                fields=("log", "strategy", "account"), name="one_verdict_per_account", nulls_distinct=False
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, refuse_what_one_column_cannot_say),
    ]
