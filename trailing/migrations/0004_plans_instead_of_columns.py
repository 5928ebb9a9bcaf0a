from django.db import migrations

TRAILED = "UPDATE trailing_stop_state SET stop_reason = 'trailing' WHERE state IN ('active', 'triggered')"


class Migration(migrations.Migration):
    dependencies = [("trailing", "0003_plan_versions"), ("positions", "0007_plan_is_named")]

    operations = [
        migrations.RunSQL(TRAILED, migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="trailingstop", name="trailing_callback_is_a_percent"),
        migrations.RemoveConstraint(model_name="trailingstop", name="trailing_percents_sane"),
        migrations.RemoveField(model_name="trailingstop", name="activation_percent"),
        migrations.RemoveField(model_name="trailingstop", name="callback_rate"),
        migrations.RemoveField(model_name="trailingstop", name="stop_loss_percent"),
    ]
