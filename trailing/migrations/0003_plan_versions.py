from django.db import migrations, models

import trailing.engine
from exchanges.choices import choices
from migrations_sql import sql
from trailing.engine import StopReason

# as they were then
REASONS = ["stop_loss", "breakeven", "profit_lock", "after_level", "trailing", "by_hand"]
MONEY = {"max_digits": 20, "decimal_places": 8, "null": True, "blank": True}


class Migration(migrations.Migration):
    dependencies = [("trailing", "0002_only_on_live_position"), ("ops", "0002_trail")]

    operations = [
        migrations.CreateModel(
            name="PlanVersion",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("body", models.JSONField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={"db_table": "protection_plans"},
        ),
        migrations.RunSQL(
            sql("constraints/0005_plans_stay.sql"), "DROP TRIGGER plan_stays ON protection_plans"
        ),
        migrations.AddField(
            model_name="trailingstop",
            name="entry_atr",
            field=models.DecimalField(help_text="Average true range when the entry filled", **MONEY),
        ),
        migrations.AddField(
            model_name="trailingstop",
            name="levels_taken",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="trailingstop",
            name="stop_reason",
            field=models.CharField(
                choices=choices(StopReason),
                db_default=trailing.engine.StopReason["STOP_LOSS"],
                default=trailing.engine.StopReason["STOP_LOSS"],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="trailingstop",
            name="high_water_mark",
            field=models.DecimalField(
                help_text="Best price that mattered since the entry; lowest for shorts", **MONEY
            ),
        ),
        migrations.AddConstraint(
            model_name="trailingstop",
            constraint=models.CheckConstraint(
                condition=models.Q(("stop_reason__in", REASONS)), name="trailing_reason_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="trailingstop",
            constraint=models.CheckConstraint(
                condition=models.Q(("entry_atr", None), ("entry_atr__gt", 0), _connector="OR"),
                name="trailing_true_range_positive",
            ),
        ),
    ]
