from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exchanges', '0004_baseline'),
    ]

    operations = [
        migrations.AddField(
            model_name='accountwatch',
            name='wallet_asked_at',
            field=models.DateTimeField(blank=True, help_text='The last quiet moment for which wallet and books were compared', null=True),
        ),
        migrations.AddField(
            model_name='accountwatch',
            name='wallet_differing',
            field=models.DecimalField(decimal_places=8, default=0, max_digits=24),
        ),
        migrations.AddField(
            model_name='accountwatch',
            name='wallet_seen',
            field=models.DecimalField(decimal_places=8, default=0, max_digits=24),
        ),
        migrations.AddField(
            model_name='accountwatch',
            name='wallet_seen_at',
            field=models.DateTimeField(blank=True, help_text='The wallet as told then; judged once all before it is known', null=True),
        ),
        migrations.AlterField(
            model_name='accountwatch',
            name='wallet_differs_since',
            field=models.DateTimeField(blank=True, help_text='The first quiet moment whose wallet the books did not explain', null=True),
        ),
        # baselines were taken at moments that nobody had found quiet, and marks knew no wallet
        migrations.RunSQL(
            'UPDATE exchanges_accountwatch SET baseline_at = NULL, wallet_differs_since = NULL',
            migrations.RunSQL.noop,
        ),
    ]
