from django.db import migrations

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [("signals_app", "0006_what_senders_may_do")]
    operations = [
        migrations.RunSQL(
            sql("constraints/0007_sender_strategies_notify.sql"),
            "DROP TRIGGER tell_registry ON signals_app_signalsender_strategies",
        )
    ]
