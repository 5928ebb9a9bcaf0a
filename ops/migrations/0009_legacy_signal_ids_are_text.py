from django.db import migrations

from ops.legacy import sql_files


class Migration(migrations.Migration):
    atomic = False  # the file brings its transaction
    dependencies = [("ops", "0008_moving_in_record")]
    operations = [sql_files.operation(sql_files.SIGNAL_IDS)]
