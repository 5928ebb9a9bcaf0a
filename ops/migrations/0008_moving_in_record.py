from django.db import migrations, models

from migrations_sql import sql


class Migration(migrations.Migration):
    dependencies = [("ops", "0007_legacy_rows")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(sql("constraints/0014_moving_in_record.sql"), "DROP TABLE moving_in_record")
            ],
            state_operations=[
                migrations.CreateModel(
                    name="MovingInRecord",
                    fields=[
                        ("id", models.SmallIntegerField(db_default=1, default=1, primary_key=True, serialize=False)),
                        ("preflight_at", models.DateTimeField(blank=True, help_text="When a whole pre-flight passed", null=True)),
                        ("preflight", models.JSONField(blank=True, default=dict, help_text="What it counted, to compare with later")),
                        ("backup_verified_at", models.DateTimeField(blank=True, null=True)),
                        ("backup_folder", models.TextField(blank=True, default="")),
                        ("rehearsed_at", models.DateTimeField(blank=True, null=True)),
                        ("rehearsal", models.JSONField(blank=True, default=dict, help_text="How long each part of it took")),
                        ("migrated_at", models.DateTimeField(blank=True, null=True)),
                        ("verified_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "db_table": "moving_in_record",
                        "constraints": [
                            models.CheckConstraint(condition=models.Q(("pk", 1)), name="moving_in_record_is_one_row")
                        ],
                    },
                )
            ],
        )
    ]
