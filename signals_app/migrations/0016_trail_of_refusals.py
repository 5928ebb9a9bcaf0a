from django.db import migrations

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [("signals_app", "0015_refusals_and_signatures"), ("ops", "0005_trail_of_many_signals")]
    operations = [
        migrations.RunSQL(sql("constraints/0010_trail_of_refusals.sql"), migrations.RunSQL.noop),
    ]
