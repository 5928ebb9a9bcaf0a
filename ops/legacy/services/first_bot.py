"""The first bot, generations 0 to 2, in the order in which its rows refer to each other."""

from __future__ import annotations

from ops.legacy.services.batches import Importer
from ops.legacy.services.history import EVENTS, LeftBehind, Params, Signals
from ops.legacy.services.positions import EndedPositions, States
from ops.legacy.services.taking_over import LivePositions
from ops.legacy.services.trades import Orders, Trades


def importers() -> list[Importer]:
    return [
        EndedPositions(),
        LivePositions(),
        States(),
        Trades(),
        Orders(),
        *EVENTS,
        Signals(),
        Params(),
        LeftBehind(),
    ]
