"""What will happen, in the order of virtual time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random


@dataclass(order=True, slots=True)
class Entry:
    at: float
    number: int
    kind: str = field(compare=False)
    work: Callable[[], None] = field(compare=False)


class Agenda:
    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._numbers = count()

    def add(self, at: float, kind: str, work: Callable[[], None]) -> None:
        heapq.heappush(self._entries, Entry(at, next(self._numbers), kind, work))

    def next(self) -> Entry | None:
        return heapq.heappop(self._entries) if self._entries else None

    def take_early(self, kinds: tuple[str, ...], random: Random) -> Entry | None:
        """One that was to come later, at random."""
        waiting = sorted(entry for entry in self._entries if entry.kind in kinds)
        if not waiting:
            return None
        chosen = random.choice(waiting)
        self._entries.remove(chosen)
        heapq.heapify(self._entries)
        return chosen

    def drop(self, kind: str) -> int:
        kept = [entry for entry in self._entries if entry.kind != kind]
        dropped = len(self._entries) - len(kept)
        self._entries = kept
        heapq.heapify(self._entries)
        return dropped
