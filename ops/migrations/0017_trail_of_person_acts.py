from django.db import migrations

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [("ops", "0016_notify_events"), ("positions", "0028_person_acts")]
    operations = [
        migrations.RunSQL(
            sql("constraints/0017_trail_of_person_acts.sql"), "DROP TRIGGER record_trail ON person_acts"
        ),
    ]
