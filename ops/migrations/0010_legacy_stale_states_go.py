from django.db import migrations

from ops.legacy import sql_files


class Migration(migrations.Migration):
    atomic = False  # the file brings its transaction
    dependencies = [("ops", "0009_legacy_signal_ids_are_text")]
    operations = [sql_files.operation(sql_files.STALE_STATES)]
