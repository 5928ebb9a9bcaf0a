from django.db import migrations

from migrations_sql import sql

BACK = """
    DROP TRIGGER tell_of_many ON risk_events;
    DROP TRIGGER tell_of_errors ON system_logs;
    DROP TRIGGER tell_of_switch ON state_changes;
    DROP TRIGGER tell_of_opening ON positions;
    DROP TRIGGER tell_of_closing ON positions;
    DROP FUNCTION tell_of_many();
    DROP FUNCTION tell_of_errors();
    DROP FUNCTION tell_of_row();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ops", "0015_notifications"),
        ("positions", "0026_times_may_be_given"),
        ("exchanges", "0021_stream_breaks"),
    ]
    operations = [migrations.RunSQL(sql("constraints/0016_notify_events.sql"), BACK)]
