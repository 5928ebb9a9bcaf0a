import hashlib
import json
from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models

# an adopted position was kept from trailing by this activation
NEVER = 900


def name_plans(apps, schema_editor):
    """Of live positions the one their trailing row says, of the others their strategy's."""
    Position = apps.get_model("positions", "Position")
    keep = Keeper(apps.get_model("trailing", "PlanVersion"))
    for row in apps.get_model("trailing", "TrailingStop").objects.iterator():
        trails = row.activation_percent < NEVER
        plan = plain(row.stop_loss_percent, row.activation_percent if trails else None, row.callback_rate)
        Position.objects.filter(pk=row.position_id).update(plan_id=keep(plan))
    for strategy in apps.get_model("signals_app", "Strategy").objects.iterator():
        Position.objects.filter(strategy=strategy, plan=None).update(plan_id=keep(strategy.protection))
    if Position.objects.filter(plan=None).exists():
        Position.objects.filter(plan=None).update(plan_id=keep(plain(2, None, 1)))


class Keeper:
    def __init__(self, versions):
        self._versions = versions

    def __call__(self, body):
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        self._versions.objects.get_or_create(digest=digest, defaults={"body": body})
        return digest


def plain(stop, activation, callback):
    trail = {
        "type": "percent",
        "activation_percent": f"{activation:f}",
        "callback_percent": f"{callback:f}",
    } if activation is not None else None  # fmt: skip
    return {"stop_loss": {"type": "percent", "percent": f"{Decimal(stop):f}"}, "trailing": trail}


class Migration(migrations.Migration):
    dependencies = [
        ("positions", "0005_late_executions"),
        ("trailing", "0003_plan_versions"),
        ("signals_app", "0003_protection_plans"),
    ]

    operations = [
        migrations.AddField(
            model_name="position",
            name="plan",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="positions",
                to="trailing.planversion",
            ),
        ),
        migrations.RunPython(name_plans, migrations.RunPython.noop),
    ]
