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


def into_columns(apps, editor):
    """Refuses what the columns cannot say: a stop must not be another one without a word."""
    usual = signals_app.models.default_plan()
    for one in apps.get_model("signals_app", "Strategy").objects.all():
        plan = usual | one.protection
        stop, trail = (plan[name] and usual[name] | plan[name] for name in ("stop_loss", "trailing"))
        others = {name: part for name, part in plan.items() if name not in ("stop_loss", "trailing")}
        is_plain = others == {name: usual[name] for name in others}
        if not (is_plain and stop and trail and stop["type"] == trail["type"] == "percent"):
            raise ValueError(f"the plan of {one.name} is more than a stop and a trail in percent; make it that first")
        one.stop_loss_percent = stop["percent"]
        one.trailing_activation_percent = trail["activation_percent"]
        one.trailing_callback_percent = trail["callback_percent"]
        one.save()
    editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


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
        migrations.RunPython(migrations.RunPython.noop, into_columns),
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
