from django.db import migrations, models

import signals_app.models

FROM_COLUMNS = """
UPDATE signals_app_strategy SET protection = protection || jsonb_build_object(
    'stop_loss', jsonb_build_object('type', 'percent', 'percent', trim_scale(stop_loss_percent)::text),
    'trailing', jsonb_build_object(
        'type', 'percent',
        'activation_percent', trim_scale(trailing_activation_percent)::text,
        'callback_percent', trim_scale(trailing_callback_percent)::text));
"""


class Migration(migrations.Migration):
    dependencies = [("signals_app", "0002_registry_notify")]

    operations = [
        migrations.AddField(
            model_name="strategy",
            name="protection",
            field=models.JSONField(
                default=signals_app.models.default_plan,
                help_text="How its positions are left; see the docs",
            ),
        ),
        migrations.RunSQL(FROM_COLUMNS, migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="strategy", name="strategy_stop_loss_percent"),
        migrations.RemoveConstraint(model_name="strategy", name="strategy_trailing_percents"),
        migrations.RemoveField(model_name="strategy", name="stop_loss_percent"),
        migrations.RemoveField(model_name="strategy", name="trailing_activation_percent"),
        migrations.RemoveField(model_name="strategy", name="trailing_callback_percent"),
        migrations.AddConstraint(
            model_name="strategy",
            constraint=models.CheckConstraint(
                condition=models.Q(("protection__has_key", "stop_loss")), name="strategy_has_a_stop_loss"
            ),
        ),
    ]
