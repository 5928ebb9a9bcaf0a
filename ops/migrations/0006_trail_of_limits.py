from django.db import migrations

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [("ops", "0005_trail_of_many_signals"), ("positions", "0018_what_limits_refuse")]
    operations = [
        migrations.RunSQL(
            sql("constraints/0012_trail_of_limits.sql"), "DROP TRIGGER record_trail ON risk_limits"
        ),
    ]
