from django.db import migrations

from migrations_sql import sql

TABLES = (
    "signals_app_strategy", "signals_app_strategyaccount", "signals_app_strategysignal", "signals_app_ticker",
    "signals_app_signalsender",
)


class Migration(migrations.Migration):
    dependencies = [("ops", "0016_notify_events"), ("signals_app", "0022_strategy_kind")]
    operations = [
        migrations.RunSQL(
            sql("constraints/0017_trail_of_settings.sql"),
            ";".join(f"DROP TRIGGER record_trail ON {table}" for table in TABLES),
        ),
    ]
