from django.db import migrations


def keep_closed(apps, schema_editor):
    """0 meant that nothing is opened, and is about to mean no limit."""
    strategies = apps.get_model("signals_app", "Strategy").objects
    strategies.filter(max_open_positions=0).update(allow_open=False)


class Migration(migrations.Migration):

    dependencies = [("signals_app", "0018_strategy_accounts")]

    operations = [migrations.RunPython(keep_closed, migrations.RunPython.noop)]
