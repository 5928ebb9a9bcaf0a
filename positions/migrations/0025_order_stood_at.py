from django.db import migrations, models

# before this column an order counted as standing as soon as it was answered; those keep counting
AS_ANSWERED = """
UPDATE orders SET stood_at = COALESCE(answered_at, updated_at) WHERE exchange_order_id <> ''
"""


class Migration(migrations.Migration):
    dependencies = [("positions", "0024_what_ends_with_its_day")]

    operations = [
        migrations.AddField(
            "order",
            "stood_at",
            models.DateTimeField(
                blank=True,
                help_text="First told to work or to have worked; an acknowledgement tells neither",
                null=True,
            ),
        ),
        migrations.RunSQL(AS_ANSWERED, migrations.RunSQL.noop),
    ]
