from django.db import migrations

from ops.legacy import sql_files


class Migration(migrations.Migration):
    atomic = False  # the file brings its transaction
    dependencies = [("ops", "0010_legacy_stale_states_go")]
    operations = [sql_files.operation(sql_files.STATES_OF_POSITIONS)]
