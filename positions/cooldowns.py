"""How long a strategy waits before it opens again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Cooldown:
    """`since` is when the last such thing happened, None: never. A wait of zero is none."""

    after: str
    wait: timedelta
    since: datetime | None


def cooling(cooldowns: list[Cooldown], now: datetime) -> str | None:
    """Why not now: the one that lasts longest. None: open."""
    left = [(one.since + one.wait - now, one) for one in cooldowns if one.wait and one.since is not None]
    if not left:
        return None
    longest, cooldown = max(left, key=lambda pair: pair[0])
    if longest <= timedelta(0):
        return None
    wait, seconds = cooldown.wait.total_seconds(), longest.total_seconds()
    return f"{cooldown.after}: {seconds:.0f} of {wait:.0f} s are left"
