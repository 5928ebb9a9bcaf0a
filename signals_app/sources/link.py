"""The link to a signal server: its states as a table, its pauses, and when silence counts as deafness. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FOREVER = -1
LONGEST_PAUSE_SECONDS = 30.0
REFUSED_PAUSE_SECONDS = 300.0


class LinkState(StrEnum):
    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"  # the socket is open, nobody is signed in
    AUTHENTICATED = "authenticated"
    RECONNECTING = "reconnecting"  # waits for the next try


_LOST = frozenset({LinkState.RECONNECTING, LinkState.DISCONNECTED})
MOVES = {
    LinkState.DISCONNECTED: frozenset({LinkState.CONNECTING}),
    LinkState.CONNECTING: _LOST | {LinkState.CONNECTED},
    LinkState.CONNECTED: _LOST | {LinkState.AUTHENTICATED},
    LinkState.AUTHENTICATED: _LOST,
    LinkState.RECONNECTING: frozenset({LinkState.CONNECTING, LinkState.DISCONNECTED}),
}


class IllegalMove(Exception):
    pass


def moved(state: LinkState, to: LinkState) -> LinkState:
    if to not in MOVES[state]:
        raise IllegalMove(f"a link that is {state} cannot become {to}")
    return to


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `first_pause` doubles with every failure in a row; max_attempts counts these, -1 is for ever."""

    step: float = 5.0
    first_pause: float = 5.0
    longest_pause: float = LONGEST_PAUSE_SECONDS
    refused_pause: float = REFUSED_PAUSE_SECONDS
    max_attempts: int = FOREVER
    silence: float = 900.0
    first_message: float = 60.0
    ping: float = 20.0
    pong: float = 10.0

    def pause(self, failures: int, dice: float) -> float:
        """dice in 0..1 takes up to 30 % off, so that many clients of one server do not come back together."""
        doubled = self.first_pause * 2.0 ** min(failures - 1, 30)
        return min(doubled, self.longest_pause) * (1 - 0.3 * dice)

    def gives_up(self, failures: int) -> bool:
        return self.max_attempts != FOREVER and failures > self.max_attempts


@dataclass(frozen=True, slots=True)
class Hearing:
    """When the link was signed in and what was heard since, on a clock that never goes back."""

    signed_in_at: float
    heard_at: float | None = None

    def is_deaf(self, now: float, patience: Patience) -> bool:
        if self.heard_at is None:
            return now - self.signed_in_at > patience.first_message
        return now - self.heard_at > patience.silence

    def should_ask(self, now: float, patience: Patience) -> bool:
        """A server may have nothing to say for long: a question at half time tells that from a dead one."""
        return self.heard_at is not None and now - self.heard_at > patience.silence / 2
