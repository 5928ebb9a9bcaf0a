from django.db import migrations

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [("ops", "0002_trail"), ("trailing", "0006_partial_tp_history")]
    operations = [
        migrations.RunSQL(
            sql("constraints/0006_trail_of_levels.sql"), "DROP TRIGGER record_trail ON partial_tp_history"
        ),
    ]
