"""Which programs live, by what they told last. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ops.health.lines import Line, State, by_age, youngest


@dataclass(frozen=True, slots=True)
class Part:
    """`signs`: any of them, told lately, is proof. `missing`: what is not done without it, and what still is."""

    title: str
    limit: timedelta
    missing: str


PARTS = {
    "beat": Part(
        "Beat (wakes every sweep)",
        timedelta(seconds=10),
        "No sweep runs. Orders are still sent and stops still moved by hints, but a hint that gets lost is caught by "
        "nobody, accounts are not compared and nothing checks what must be true.",
    ),
    "orders": Part(
        "Worker for orders and stops",
        timedelta(seconds=30),
        "Orders, closes and stop moves leave by sweeps alone: some seconds late instead of at once.",
    ),
    "sweeps": Part(
        "Worker for sweeps",
        timedelta(seconds=20),
        "What a hint missed is not caught: refused closes are not asked again, unprotected positions are not closed "
        "by time, limits and sentences are not checked.",
    ),
    "reconcile": Part(
        "Worker for questions to exchanges",
        timedelta(seconds=45),
        "Accounts are not compared with their exchange: closes by hand or liquidations are seen by the stream alone, "
        "and orders of unknown outcome stay unknown.",
    ),
    "market": Part(
        "Market process (prices and private streams)",
        timedelta(seconds=10),
        "Prices and fills arrive only when the sweeps ask for them, every few seconds: stops are still moved, later.",
    ),
    "doors": Part(
        "Doors for signals",
        timedelta(seconds=15),
        "Senders that come to the doors' own address get no answer and must send again. The page's address takes "
        "signals, too, and so does the stream.",
    ),
    "notify": Part(
        "Notifier (messages and heartbeat)",
        timedelta(seconds=30),
        "Nobody is told anything, and the outside heartbeat stops. Trading does not depend on it.",
    ),
}


def living(
    signs: Mapping[str, datetime] | None, queues: Mapping[str, Iterable[str]], now: datetime
) -> dict[str, Line]:
    """`queues`: which periodic tasks each worker's queue has."""
    return {name: _line(name, part, signs, queues, now) for name, part in PARTS.items()}


def _line(
    name: str,
    part: Part,
    signs: Mapping[str, datetime] | None,
    queues: Mapping[str, Iterable[str]],
    now: datetime,
) -> Line:
    if signs is None:
        return Line(part.title, State.UNKNOWN, words="Redis does not answer: nobody can be heard")
    line = by_age(part.title, youngest(signs, queues.get(name, [name])), now, part.limit)
    return line
