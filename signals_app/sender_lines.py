"""Which connection of a sender hands on next: one at a time, and none before what older ones had received is handled.

A sender that lost its connection goes on by another one while the frames it sent first still wait here. Of a connection
that may be gone without our having heard of it yet, it is enough that it has nothing left for a moment. Used on one
event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class _Line:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    places: list[Place] = field(default_factory=list)


class Place:
    """Of one connection."""

    def __init__(self, line: _Line) -> None:
        self._turn = line.turn
        self._before = tuple(line.places)
        self._has_nothing_left = asyncio.Event()

    def has_more(self) -> None:
        self._has_nothing_left.clear()

    def has_nothing_left(self) -> None:
        self._has_nothing_left.set()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        for one in self._before:
            await one._has_nothing_left.wait()
        self._before = ()
        async with self._turn:
            yield

    def leave(self) -> None:
        self._before = ()
        self.has_nothing_left()


class Lines:
    """By name of the sender; a line is there as long as somebody stands in it."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def __len__(self) -> int:
        return len(self._lines)

    @contextmanager
    def joined(self, name: str) -> Iterator[Place]:
        line = self._lines.setdefault(name, _Line())
        place = Place(line)
        line.places.append(place)
        try:
            yield place
        finally:
            place.leave()
            line.places.remove(place)
            if not line.places:
                del self._lines[name]


lines = Lines()
