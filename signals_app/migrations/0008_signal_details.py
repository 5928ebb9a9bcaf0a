from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signals_app", "0007_sender_strategies_notify")]

    operations = [
        migrations.AddField(
            "signallog",
            "details",
            models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="What the sender said beside it: scores, percents, the exchange it is meant for",
            ),
        ),
    ]
