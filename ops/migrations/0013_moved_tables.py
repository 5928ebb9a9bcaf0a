from django.db import migrations, models

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [("ops", "0012_trail_of_many_trades")]
    operations = [
        migrations.SeparateDatabaseAndState(
            # again: whoever made the table before this column was known
            database_operations=[
                migrations.RunSQL(sql("constraints/0014_moving_in_record.sql"), migrations.RunSQL.noop)
            ],
            state_operations=[
                migrations.AddField(
                    model_name="movinginrecord",
                    name="moved_tables",
                    field=models.JSONField(
                        blank=True, default=list, help_text="Of older bots; others need a backup first"
                    ),
                )
            ],
        )
    ]
