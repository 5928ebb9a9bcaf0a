from django.db import migrations

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [("positions", "0022_whom_a_position_stands_in_for")]

    operations = [
        migrations.RunSQL(
            sql("constraints/0013_pair_keeps_what_it_trades.sql"),
            "DROP TRIGGER keep_traded_pair ON arbitrage_pairs; DROP FUNCTION keep_traded_pair",
        )
    ]
