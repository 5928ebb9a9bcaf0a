"""A strategy that has traded is not deleted: it follows no signal any more, and its records stay."""

from __future__ import annotations

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction

from signals_app.models import Strategy


@transaction.atomic
def archive(strategy_id: int, *, by: User) -> int:
    """How many positions it still holds; they keep their stops."""
    strategy = Strategy.objects.select_for_update().get(pk=strategy_id)
    if not strategy.archived:
        strategy.archived = True
        strategy.save(update_fields=["archived", "updated_at"])
        LogEntry.objects.log_actions(by.pk, [strategy], CHANGE, "Archived.", single_object=True)
    return strategy.positions.filter(is_live=True).count()
