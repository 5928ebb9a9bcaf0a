"""Live rows of the first bot whose positions are gone, as their owner says: nobody waits for them any more."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from ops.legacy.checks import NotTrue
from ops.legacy.mapping.reading import KEY
from ops.legacy.services.positions import POSITIONS, live_rows
from ops.legacy.services.taking_over import found_at_their_exchanges
from ops.models import LegacyOutcome, LegacyRow


def let_go(ids: Collection[str]) -> None:
    rows = [row for row in live_rows() if row[KEY] in ids]
    if unknown := sorted(set(ids) - {row[KEY] for row in rows}):
        raise NotTrue(f"no live row of {POSITIONS.full_name} waits under {', '.join(unknown)}")
    found = found_at_their_exchanges(rows)
    if shown := sorted(key for key, one in found.items() if not isinstance(one, str)):
        raise NotTrue(
            f"the exchange shows {', '.join(shown)}: `manage.py legacy import` takes them over, or close them there"
        )
    _note(ids)


@transaction.atomic
def _note(ids: Collection[str]) -> None:
    waiting = LegacyRow.objects.select_for_update().filter(
        source=POSITIONS.source, table=POSITIONS.full_name, legacy_id__in=ids, outcome=LegacyOutcome.WAITING
    )
    for row in waiting:
        row.outcome, row.decided_at = LegacyOutcome.SKIPPED, timezone.now()
        row.reason = f"its owner said that it is gone. {row.reason}"
        row.save(update_fields=["outcome", "reason", "decided_at"])
