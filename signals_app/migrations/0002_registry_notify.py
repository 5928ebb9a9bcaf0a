from django.db import migrations

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [("signals_app", "0001_initial")]
    operations = [
        migrations.RunSQL(
            sql("constraints/0002_registry_notify.sql"),
            "DROP FUNCTION tell_registry() CASCADE",
        )
    ]
