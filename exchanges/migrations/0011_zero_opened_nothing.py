from django.db import migrations

REASON = "0 positions were allowed, which now means no limit: set a limit and resume"


def keep_closed(apps, schema_editor):
    """0 meant that nothing is opened, and is about to mean no limit."""
    accounts = apps.get_model("exchanges", "ExchangeAccount").objects
    accounts.filter(max_open_positions=0, trading_state="active").update(
        trading_state="reducing", state_reason=REASON
    )


class Migration(migrations.Migration):

    dependencies = [("exchanges", "0010_stops_refused")]

    operations = [migrations.RunPython(keep_closed, migrations.RunPython.noop)]
