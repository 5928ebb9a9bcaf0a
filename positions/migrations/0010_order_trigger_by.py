from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exchanges', '0005_wallet_moments'),
        ('positions', '0009_trailing_stop_orders'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='trigger_by',
            field=models.CharField(choices=[('mark', 'mark'), ('last', 'last')], db_default='mark', default='mark', help_text='Which price triggers it; without meaning where no price does', max_length=4),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('trigger_by__in', ['mark', 'last'])), name='order_trigger_known'),
        ),
    ]
