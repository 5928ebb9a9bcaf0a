from django.db import migrations

from migrations_sql import sql

BACK = """
    DROP TRIGGER record_trail_of_many ON trades;
    DROP TRIGGER record_trail ON trades;
    CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON trades
        FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ops", "0011_legacy_states_belong_to_positions"),
        ("positions", "0026_times_may_be_given"),
    ]
    operations = [migrations.RunSQL(sql("constraints/0015_trail_of_many_trades.sql"), BACK)]
