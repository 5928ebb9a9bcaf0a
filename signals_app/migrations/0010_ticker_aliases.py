import django.db.models.deletion
from django.db import migrations, models

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [("signals_app", "0009_entry_limits"), ("exchanges", "0006_trades_known_until")]

    operations = [
        migrations.CreateModel(
            name="TickerAlias",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "alias",
                    models.CharField(
                        help_text="Upper case without separators: XBTUSDT", max_length=20, unique=True
                    ),
                ),
                (
                    "ticker",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="aliases",
                        to="signals_app.ticker",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "ticker aliases",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(alias__regex="^[A-Z0-9]{2,20}$"), name="alias_plain"
                    )
                ],
            },
        ),
        migrations.RunSQL(
            sql("constraints/0008_contracts_notify.sql"),
            "DROP TRIGGER tell_registry ON exchanges_instrument;"
            "DROP TRIGGER tell_registry ON signals_app_tickeralias",
        ),
    ]
