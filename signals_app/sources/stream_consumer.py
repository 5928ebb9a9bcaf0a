"""Takes what waits in the signal stream, in its order, and acknowledges what is written.

One consumer at a time, whoever has the turn: so signals of one symbol never overtake each other, and what a killed
consumer had in hand is taken at once by the next one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from threading import Event

import redis
from django.conf import settings

from ops.system_log import log_system_event
from signals_app.registry import Registry, live
from signals_app.services.arrivals import Arrival
from signals_app.services.counting import count_arrival
from signals_app.services.intake import is_written, log_given_up, receive_signal, receive_together
from signals_app.sources.entries import Entry, order_of
from signals_app.sources.outages import is_outage
from signals_app.sources.redis_stream import NAME, Pending, SignalStream
from signals_app.sources.turns import Turns

logger = logging.getLogger(__name__)

SOURCE = "stream"
BATCH = 100
TURN_SECONDS = 1.0
# one less than what the supervisor forgives a process within a minute
MOST_DELIVERIES = 4
PAUSE_SECONDS = 0.1
TIDY_SECONDS = 10.0


class StreamConsumer:
    def __init__(
        self, stream: SignalStream, stop: Event, registry: Callable[[], Registry] = live.current
    ) -> None:
        self._stream, self._stop, self._registry = stream, stop, registry
        self._turns = Turns(f"{settings.DB_SCHEMA} {stream.name}")
        self._turn_ends = self._tidy_at = 0.0
        self._in_hand: Mapping[str, int] = {}  # how often each was delivered before this time

    def take_turn(self) -> None:
        with self._turns.taken() as is_ours:
            if not is_ours:
                return
            self._turn_ends = time.monotonic() + TURN_SECONDS
            self._work_off_pending()
            self._tidy()
            while self._goes_on() and self._take_new():
                pass

    def end(self) -> None:
        self._turns.end()

    def let_go(self) -> None:
        """Asked by another thread when the process is told to stop while this one hangs: that is no entry's fault."""
        self._take_back(self._in_hand)

    @contextmanager
    def _holding(self, before: Mapping[str, int]) -> Iterator[None]:
        self._in_hand = before
        try:
            yield
        finally:
            self._in_hand = {}

    def _take_back(self, before: Mapping[str, int]) -> None:
        """It is not the entry's fault."""
        with suppress(redis.RedisError):
            for entry_id, deliveries in before.items():
                self._stream.claim(entry_id, deliveries)

    def _goes_on(self) -> bool:
        return not self._stop.is_set() and time.monotonic() < self._turn_ends

    def _take_new(self) -> bool:
        """False ends the turn: there is nothing, something older waits, or it may be another's turn already."""
        entries = self._stream.read_new(BATCH)
        arrivals = [self._arrival(entry) for entry in entries]
        for arrival in arrivals:
            count_arrival(SOURCE, arrival.received_at)  # not when it is tried again
        if not entries or not self._are_next(entries):
            return False
        try:
            with self._holding({entry.id: 0 for entry in entries}):
                receive_together(arrivals, self._registry())
        except Exception as error:
            if is_outage(error):
                raise
            logger.exception("%d entries of the stream failed together; each is tried alone", len(entries))
            return False
        self._stream.acknowledge([entry.id for entry in entries])
        return True

    def _are_next(self, entries: Sequence[Entry]) -> bool:
        """Nobody was given something before them that is still open, and nobody else has the turn."""
        oldest = self._stream.pending(1)
        is_first = not oldest or order_of(oldest[0].id) >= order_of(entries[0].id)
        return is_first and self._turns.is_still_ours()

    def _work_off_pending(self) -> None:
        """Whoever has the turn is the only one at work: whatever somebody was given is left from before."""
        while self._goes_on() and (waiting := self._stream.pending(BATCH)):
            for each in waiting:
                if not self._goes_on():
                    return
                self._try_alone(each)

    def _try_alone(self, each: Pending) -> None:
        """Its count rises before each try, for it may be the one that ends the process."""
        reason = "the process ended while it was handled"
        for deliveries in range(each.deliveries + 1, MOST_DELIVERIES + 1):
            entry = self._stream.claim(each.id, deliveries)
            if entry is None:
                return self._note_deleted(each)
            before = {each.id: deliveries - 1}
            try:
                with self._holding(before):
                    receive_signal(self._arrival(entry, is_redelivered=True), self._registry())
            except Exception as error:
                if is_outage(error):
                    self._take_back(before)
                    raise
                if self._stop.is_set():
                    return self._take_back(before)
                logger.exception("entry %s of the stream failed", each.id)
                reason = type(error).__name__
                self._stop.wait(PAUSE_SECONDS)
            else:
                return self._stream.acknowledge([each.id])
        self._give_up(each, reason)

    def _give_up(self, each: Pending, reason: str) -> None:
        deliveries = max(each.deliveries, MOST_DELIVERIES)
        entry = self._stream.claim(each.id, deliveries)
        if entry is None:
            return self._note_deleted(each)
        if is_written(self._arrival(entry)):
            return self._stream.acknowledge([each.id])
        what, why = f"entry {entry.id} of the stream", f"after {deliveries} deliveries: {reason}"
        log_given_up(self._arrival(entry), what, why)
        self._stream.bury(entry, reason, deliveries)
        log_system_event("ERROR", NAME, f"{what} given up {why}", entry=entry.id, deliveries=deliveries)

    def _note_deleted(self, each: Pending) -> None:
        self._stream.acknowledge([each.id])
        log_system_event("WARNING", NAME, f"entry {each.id} was deleted before it was handled", entry=each.id)

    def _tidy(self) -> None:
        if time.monotonic() < self._tidy_at:
            return
        while self._goes_on() and self._stream.trim(settings.SIGNALS_STREAM_KEPT):
            pass
        self._stream.forget_idle_consumers()
        self._tidy_at = time.monotonic() + TIDY_SECONDS

    def _arrival(self, entry: Entry, *, is_redelivered: bool = False) -> Arrival:
        rule, now = self._registry().rule_of(SOURCE), datetime.now(UTC)
        return Arrival(entry.frame(), SOURCE, now, rule, entry.id, is_redelivered)
