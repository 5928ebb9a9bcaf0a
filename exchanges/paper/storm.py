"""Faults by dice: which trouble the n-th request of its kind meets follows from the seed alone. Pure.

Every call (method and path) and every kind of event is counted for itself, so that the n-th order meets the same
trouble however many reads came between.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from random import Random

from exchanges.paper.fault_kinds import (
    EVENT_KINDS,
    FAILED_STATUSES,
    REQUEST_KINDS,
    EventKind,
    RequestKind,
    Trouble,
    is_meant,
    is_order_call,
)

KNOWN = frozenset(map(str, (*REQUEST_KINDS, *EVENT_KINDS)))


def trouble_at(
    seed: int, call: str, number: int, *, rate: float, kinds: Sequence[str], seconds: float, skew_ms: int
) -> Trouble | None:
    dice = Random(f"{seed} {call} {number}")
    if not kinds or dice.random() >= rate:
        return None
    return Trouble(
        kind=dice.choice(kinds),
        seconds=dice.uniform(0, seconds),
        status=dice.choice(FAILED_STATUSES),
        skew_ms=dice.choice((-skew_ms, skew_ms)),
    )


class Storm:
    """`seconds` is the longest delay, `rate` the share of requests and events that meet trouble."""

    def __init__(
        self,
        seed: int,
        rate: float,
        kinds: Sequence[str] = (*REQUEST_KINDS, *EVENT_KINDS),
        paths: Sequence[str] = ("*",),
        orders_only: bool = False,
        seconds: float = 0.05,
        skew_ms: int = 5000,
    ) -> None:
        if type(seed) is not int or not 0 <= rate <= 1 or not 0 <= seconds <= 60:
            raise ValueError("seed must be a whole number, rate from 0 to 1, seconds from 0 to 60")
        named = not isinstance(paths, str) and all(isinstance(path, str) for path in paths)
        if isinstance(kinds, str) or not KNOWN.issuperset(kinds) or not named:
            raise ValueError(f"kinds must be a list of {', '.join(sorted(KNOWN))}, paths a list of patterns")
        self._seed, self._rate, self._seconds, self._skew_ms = seed, rate, seconds, skew_ms
        self._paths, self._orders_only = tuple(paths), orders_only
        self._of_requests = [kind for kind in RequestKind if kind in kinds]
        self._of_events = [kind for kind in EventKind if kind in kinds]
        self._numbers: Counter[str] = Counter()
        self._hits: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def for_request(self, method: str, path: str) -> Trouble | None:
        if not is_meant(method, path, self._paths, orders_only=self._orders_only):
            return None
        tells = is_order_call(method, path)
        kinds = [kind for kind in self._of_requests if tells or kind is not RequestKind.EVENT_FIRST]
        return self._next(f"{method} {path}", kinds)

    def for_event(self, name: str) -> Trouble | None:
        """name is the event's own, as ORDER_TRADE_UPDATE."""
        return self._next(f"stream {name}", self._of_events)

    def counts(self) -> dict[str, dict[str, int]]:
        """How often each kind hit each call."""
        return {call: dict(hits) for call, hits in self._hits.items()}

    def _next(self, call: str, kinds: Sequence[str]) -> Trouble | None:
        self._numbers[call] += 1
        found = trouble_at(
            self._seed, call, self._numbers[call], rate=self._rate, kinds=kinds, seconds=self._seconds,
            skew_ms=self._skew_ms,
        )  # fmt: skip
        if found is not None:
            self._hits[call][found.kind] += 1
        return found
