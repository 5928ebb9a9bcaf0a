"""How the first bot was set: its params of an exchange, what its owner says here, else what it came with."""

from __future__ import annotations

from django.conf import settings

from ops.legacy.mapping.history import OldParams, old_params
from ops.legacy.mapping.reading import Row
from ops.legacy.mapping.settings import Named, Usual, came_with, usual
from ops.legacy.services.batches import LegacyTable, all_rows, sort_out

PARAMS = LegacyTable("tradingbot", "monitoring", "params", key=("exchange_id",))


def params() -> dict[str, OldParams]:
    taken, _ = sort_out(all_rows(PARAMS), old_params)
    return {old.venue: old for _, old in taken}


def named() -> Named:
    return Named(
        settings.LEGACY_STOP_LOSS_PERCENT,
        settings.LEGACY_TRAILING_ACTIVATION_PERCENT,
        settings.LEGACY_TRAILING_CALLBACK_PERCENT,
    )


def usual_of(position: Row, of_venue: OldParams | None) -> Usual:
    return usual(came_with(position), of_venue, named())
