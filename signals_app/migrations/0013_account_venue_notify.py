from django.db import migrations

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [("signals_app", "0012_arrivals")]
    operations = [
        migrations.RunSQL(
            sql("constraints/0009_account_venue_notify.sql"),
            "DROP TRIGGER tell_registry ON exchanges_exchangeaccount",
        )
    ]
