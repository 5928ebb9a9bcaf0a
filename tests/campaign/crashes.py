"""Where a process can die, and the exception that is its death.

Killed is no Exception: nothing in the product catches it. Once an act is dead it stays dead: whatever its clean-up
tries to do with the database or the exchange dies again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

KINDS = ("before commit", "after commit", "between statements", "before request", "after work")


class Killed(BaseException):
    pass


@dataclass(slots=True)
class Doom:
    """The process dies when it reaches a point of this kind for the `countdown`th time."""

    kind: str
    countdown: int


@dataclass(slots=True)
class Act:
    """One thing that one process does: a task, a signal, a message of the private stream."""

    name: str
    doom: Doom | None = None
    is_dead: bool = False


class Points:
    def __init__(self) -> None:
        self.acts: list[Act] = []
        self.on_pass: Callable[[str], None] = lambda kind: None
        self.on_death: Callable[[str, Act], None] = lambda kind, act: None

    def reach(self, kind: str, disconnect: Callable[[], None] = lambda: None) -> None:
        """Called by every hook. `disconnect` is what the death of a process does to its connection."""
        act = self.acts[-1] if self.acts else None
        if act is None:
            return
        if act.is_dead or self._dies_here(act, kind):
            disconnect()
            raise Killed(kind)
        self.on_pass(kind)

    def _dies_here(self, act: Act, kind: str) -> bool:
        if act.doom is None or act.doom.kind != kind:
            return False
        act.doom.countdown -= 1
        act.is_dead = act.doom.countdown <= 0
        if act.is_dead:
            self.on_death(kind, act)
        return act.is_dead


points = Points()
