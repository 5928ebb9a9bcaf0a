from django.db import migrations

OF_THE_DAY = """
UPDATE exchanges_exchangeaccount AS account SET state_cause = 'day'
FROM risk_limit_levels AS known
WHERE known.account_id = account.id AND known.rule = 'daily_loss' AND known.level = 2
  AND account.trading_state = 'reducing' AND account.state_cause = 'limits'
  AND account.state_reason = known.state_reason
"""


class Migration(migrations.Migration):
    dependencies = [
        ("exchanges", "0019_limits_that_end_with_the_day"),
        ("positions", "0023_pair_keeps_what_it_trades"),
    ]

    operations = [
        migrations.RunSQL(OF_THE_DAY, migrations.RunSQL.noop),
        migrations.RemoveField("limitlevel", "state_reason"),
    ]
