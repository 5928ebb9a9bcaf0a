from django.db import migrations

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [("ops", "0017_trail_of_settings"), ("positions", "0028_person_acts")]
    operations = [
        migrations.RunSQL(
            sql("constraints/0018_trail_of_person_acts.sql"), "DROP TRIGGER record_trail ON person_acts"
        ),
    ]
