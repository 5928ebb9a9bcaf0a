from django.db import migrations

from migrations_sql import sql

TABLES = ("forecast_feeds", "forecast_models")


class Migration(migrations.Migration):
    dependencies = [("ops", "0023_decimals_of_money"), ("signals_app", "0024_forecasts")]
    operations = [
        migrations.RunSQL(
            sql("constraints/0019_trail_of_forecasts.sql"),
            ";".join(f"DROP TRIGGER record_trail ON {table}" for table in TABLES),
        ),
    ]
