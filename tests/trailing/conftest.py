from __future__ import annotations

from datetime import datetime

from tests.positions.services.conftest import Desk, desk
from trailing import asking, sweeping

__all__ = ["Desk", "desk", "sweep_and_ask"]


def sweep_and_ask(now: datetime) -> int:
    """What two workers do every three seconds; no price stream tells anything here."""
    swept = sweeping.sweep(now)
    asking.ask(now)
    return swept
