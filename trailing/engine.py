from __future__ import annotations

from enum import StrEnum


class TrailingPhase(StrEnum):
    INACTIVE = "inactive"
    WAITING = "waiting"
    ACTIVE = "active"
    TRIGGERED = "triggered"
