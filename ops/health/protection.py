"""What still protects what is held, and what does not, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from ops.health.lines import Line, State, short_age
from ops.health.living import PARTS


@dataclass(frozen=True, slots=True)
class Held:
    """None is unknown."""

    live: int | None
    proven: int | None  # whose stop was in the exchange's own listing
    unprotected: int | None
    unprotected_since: datetime | None = None
    watched_here: int = 0
    handed_over: int = 0


@dataclass(frozen=True, slots=True)
class Sentence:
    state: State
    text: str


def sentences(
    held: Held, parts: Mapping[str, Line], servers: Mapping[str, bool], now: datetime
) -> list[Sentence]:
    """The first is about stops, as they are what stands when everything here is dead."""
    return [*_of_stops(held, now), *_of_servers(servers), *_of_parts(parts, servers)]


def _of_stops(held: Held, now: datetime) -> Iterator[Sentence]:
    if held.live is None:
        yield Sentence(State.UNKNOWN, "Our rows cannot be read: what is held is not known here. Stops that were "
                       "placed stand on the exchange; look there.")  # fmt: skip
        return
    if held.live == 0:
        yield Sentence(State.GOOD, "Nothing is held.")
        return
    yield _of_proof(held.live, held.proven)
    if held.unprotected:
        since = (
            f", the longest for {short_age((now - held.unprotected_since).total_seconds())}"
            if held.unprotected_since
            else ""
        )
        yield Sentence(State.BAD, f"{_positions(held.unprotected)} without a stop for all it holds{since}. It is "
                       "placed again, and too long means a close.")  # fmt: skip
    if held.watched_here:
        yield Sentence(State.WARN, f"{_positions(held.watched_here)} of an exchange that takes no stops: their level "
                       "is watched here, and only here.")  # fmt: skip
    if held.handed_over:
        yield Sentence(State.GOOD, f"{_positions(held.handed_over)} handed over: a person looks after it, and nothing "
                       "here places or moves its stop.")  # fmt: skip


def _of_proof(live: int, proven: int | None) -> Sentence:
    if proven is None:
        return Sentence(
            State.UNKNOWN, f"{_positions(live)} held; no account was compared, so no stop is proven."
        )
    stands = "They stand whatever happens here."
    if proven > live:  # some ended since
        told = f"{_positions(proven)} had a stop for all they held in the exchange's own last listing; {live} held now."
        return Sentence(State.GOOD, f"{told} {stands}")
    state = State.GOOD if proven == live else State.WARN
    return Sentence(
        state,
        f"{proven} of {_positions(live)} had a stop for all they hold in the exchange's own last listing. {stands}",
    )


def _positions(count: int) -> str:
    return f"{count} position{'' if count == 1 else 's'}"


def _of_servers(servers: Mapping[str, bool]) -> Iterator[Sentence]:
    if not servers["database"]:
        yield Sentence(State.BAD, "The database does not answer: nothing is decided, opened, moved or closed here. "
                       "Stops on the exchange stand where they are.")  # fmt: skip
    if not servers["redis"]:
        yield Sentence(State.BAD, "Redis does not answer: workers get no hints and no sweeps: nothing is sent and no "
                       "stop is moved until it is back. Stops on the exchange stand where they are.")  # fmt: skip


def _of_parts(parts: Mapping[str, Line], servers: Mapping[str, bool]) -> Iterator[Sentence]:
    if not servers["redis"]:
        return
    for name, line in parts.items():
        if line.state is State.BAD:
            yield Sentence(State.BAD, f"{line.name} is silent for {line.figure}. {PARTS[name].missing}")
        elif line.state is State.UNKNOWN:
            yield Sentence(
                State.UNKNOWN, f"{line.name} was never heard. If it does not run: {PARTS[name].missing}"
            )
