"""Live positions of the first bot that nobody looks after yet. Reads only."""

from __future__ import annotations

from collections.abc import Iterator

from ops.legacy.checks import Check
from ops.legacy.mapping.reading import KEY
from ops.legacy.services.batches import rows_where
from ops.legacy.services.positions import POSITIONS, is_live
from ops.models import LegacyOutcome, LegacyRow

SETTLED = (LegacyOutcome.IMPORTED, LegacyOutcome.SKIPPED)
NOT_YET = "it was not imported yet"
REMEDY = "docs/moving-in.md, live positions, says what each waits for; then `manage.py legacy import`"


def left_alone() -> Iterator[str]:
    for key, reason in _unsettled().items():
        yield f"nobody looks after row {key} of {POSITIONS.full_name}: {reason}"


def check() -> Check:
    left = _unsettled()
    shown = next(iter(left.items()), None)
    words = (
        f"{len(left)} are left alone, such as row {shown[0]}: {shown[1]}" if shown else "none is left alone"
    )
    return Check("live positions of the older bot", not left, words, REMEDY)


def _unsettled() -> dict[str, str]:
    """By the older bot's own word on what is live, whatever was decided of it before."""
    live = [row[KEY] for row in rows_where(POSITIONS, is_live)]
    decided = LegacyRow.objects.filter(source=POSITIONS.source, table=POSITIONS.full_name, legacy_id__in=live)
    known = {
        key: (outcome, reason)
        for key, outcome, reason in decided.values_list("legacy_id", "outcome", "reason")
    }
    return {key: known.get(key, ("", NOT_YET))[1] for key in live if known.get(key, ("",))[0] not in SETTLED}
