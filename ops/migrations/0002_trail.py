from django.db import migrations

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [
        ("ops", "0001_initial"),
        ("exchanges", "0002_watch"),
        ("signals_app", "0002_registry_notify"),
        ("positions", "0003_books"),
        ("trailing", "0002_only_on_live_position"),
    ]
    operations = [
        migrations.RunSQL(
            sql("constraints/0003_trail.sql"),
            "DROP FUNCTION record_trail() CASCADE; DROP FUNCTION trailing_is_news; DROP FUNCTION add_to_trail; "
            "DROP FUNCTION trail_account",
        ),
        migrations.RunSQL(
            sql("constraints/0004_trail_only_grows.sql"), "DROP FUNCTION refuse_change() CASCADE"
        ),
    ]
