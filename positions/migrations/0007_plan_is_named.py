import django.db.models.deletion
from django.db import migrations, models

from exchanges.choices import choices
from positions.lifecycle import CloseReason


class Migration(migrations.Migration):
    dependencies = [("positions", "0006_plan")]

    operations = [
        migrations.AlterField(
            model_name="position",
            name="plan",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="positions",
                to="trailing.planversion",
            ),
        ),
        migrations.AlterField(
            model_name="position",
            name="close_reason",
            field=models.CharField(blank=True, choices=choices(CloseReason), default="", max_length=20),
        ),
    ]
