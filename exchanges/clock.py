"""How far this machine's clock is from a venue's. Pure: times come in, a verdict goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class ClockReading:
    """`offset_ms` is ours less theirs; the answer travelled `uncertain_ms` at most longer than the question."""

    offset_ms: int
    uncertain_ms: int
    measured_at: datetime

    def is_beyond(self, limit_ms: int) -> bool:
        """Surely, not only perhaps: a slow answer must not look like a wrong clock."""
        return abs(self.offset_ms) - self.uncertain_ms > limit_ms

    def is_older_than(self, age: timedelta, now: datetime) -> bool:
        return not timedelta(0) <= now - self.measured_at < age

    def sentence(self, limit_ms: int) -> str:
        word = "ahead of" if self.offset_ms > 0 else "behind"
        return (
            f"this machine's clock is {abs(self.offset_ms)} ms {word} the exchange's: "
            f"no entries beyond {limit_ms} ms"
        )


def reading(before: datetime, server_ms: int, after: datetime) -> ClockReading:
    """The server looked at its clock somewhere between our two looks."""
    half = (after - before) / 2
    ours_ms = (before + half).timestamp() * 1000
    return ClockReading(round(ours_ms - server_ms), round(abs(half.total_seconds()) * 1000), after)
