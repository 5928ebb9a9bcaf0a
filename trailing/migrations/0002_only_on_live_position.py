from django.db import migrations

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [("trailing", "0001_initial"), ("positions", "0002_initial")]
    operations = [
        migrations.RunSQL(
            sql("constraints/0001_trailing_only_on_live_position.sql"),
            "ALTER TABLE trailing_stop_state DROP CONSTRAINT trailing_only_on_live_position",
        )
    ]
