from django.db import migrations

from migrations_sql import sql

BACK = "".join(
    f"""
    DROP TRIGGER record_trail_of_many ON {table};
    DROP TRIGGER record_trail ON {table};
    CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION record_trail('{{}}', '{{}}');
    """
    for table in ("signals_v2_log", "signal_log_entries_v2")
)


class Migration(migrations.Migration):
    dependencies = [("ops", "0004_system_log"), ("signals_app", "0010_ticker_aliases")]
    operations = [
        migrations.RunSQL(
            sql("constraints/0009_trail_of_many_signals.sql"),
            BACK + "DROP FUNCTION record_trail_of_many()",
        ),
    ]
