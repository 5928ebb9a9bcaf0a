"""The signal stream in Redis, with its group and its dead letters: reads, acknowledges and trims; decides nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops.system_log import log_system_event
from signals_app.sources.entries import Entry, entry_of, order_of

logger = logging.getLogger(__name__)

NAME = "signals.stream"
GROUP = "signal_processor"
DEAD = "dead"
NOTHING_READ = "0-0"
BLOCK_MILLISECONDS = 500  # below the socket's timeout, which would end the connection
TIMEOUT_SECONDS = 5.0
FORGOTTEN_AT_ONCE = 1000
FORGET_CONSUMER_MILLISECONDS = 60_000
CONSUMER_PREFIX = "run_signals-"
GONE = ("NOGROUP", "UNBLOCKED")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Pending:
    """An entry that somebody was given and did not acknowledge."""

    id: str
    deliveries: int


def stream_client(**options: Any) -> redis.Redis:
    """Without tries of its own: a read that was repeated would leave what the first one got behind."""
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        protocol=2,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        **options,
    )
    for command in ("XREADGROUP", "XPENDING", "XCLAIM", "XRANGE"):
        client.set_response_callback(command, lambda reply, **_: reply)
    return client


def dead_stream(name: str) -> str:
    return f"{name}:{DEAD}"


class SignalStream:
    """For whoever has the turn."""

    def __init__(self, client: redis.Redis, consumer: str) -> None:
        self._redis, self._consumer = client, f"{CONSUMER_PREFIX}{consumer}"
        self.name = settings.SIGNALS_STREAM
        self._had_group = False

    def read_new(self, count: int) -> list[Entry]:
        """What nobody was given yet, in the stream's order; waits for a moment when there is nothing."""
        who: list[str | int] = ["GROUP", GROUP, self._consumer, "COUNT", count, "BLOCK", BLOCK_MILLISECONDS]
        reply = self._grouped(lambda: self._ask("XREADGROUP", *who, "STREAMS", self.name, ">"))
        found = [entry_of(one) for _, entries in reply or () for one in entries]
        return [entry for entry in found if entry is not None]

    def pending(self, count: int) -> list[Pending]:
        """Of all consumers, oldest first."""
        rows = self._grouped(lambda: self._ask("XPENDING", self.name, GROUP, "-", "+", count))
        return [Pending(entry_id.decode(), deliveries) for entry_id, _, _, deliveries in rows]

    def claim(self, entry_id: str, deliveries: int) -> Entry | None:
        """The entry, now ours and with this count; None where it was deleted."""
        reply = self._ask("XCLAIM", self.name, GROUP, self._consumer, 0, entry_id, "RETRYCOUNT", deliveries)
        found = [entry_of(one) for one in reply if one is not None]
        return found[0] if found else None

    def acknowledge(self, ids: Sequence[str]) -> None:
        self._redis.xack(self.name, GROUP, *ids)

    def bury(self, entry: Entry, reason: str, deliveries: int) -> None:
        """To the dead letters first: killed in between it is buried twice, never lost."""
        letter = {"id": entry.id, "reason": reason, "deliveries": deliveries, "entry": _kept(entry)}
        self._redis.xadd(dead_stream(self.name), letter)  # type: ignore[arg-type]
        self.acknowledge([entry.id])

    def trim(self, kept: int) -> int:
        """Forgets the oldest entries that are over; at least `kept` stay, and everything that is not over."""
        surplus = self._redis.xlen(self.name) - kept
        needed = self._oldest_needed()
        if surplus < FORGOTTEN_AT_ONCE or needed == NOTHING_READ:
            return 0
        over = self._ask("XRANGE", self.name, "-", f"({needed}", "COUNT", FORGOTTEN_AT_ONCE)
        return int(self._redis.xtrim(self.name, minid=over[-1][0], approximate=False)) if over else 0

    def forget_idle_consumers(self) -> None:
        """Names of processes that are gone. Whoever has the turn knows that nobody is given anything meanwhile."""
        for row in self._grouped(lambda: self._redis.xinfo_consumers(self.name, GROUP)):
            name = row["name"].decode()
            is_ours = name.startswith(CONSUMER_PREFIX) and name != self._consumer
            if is_ours and not row["pending"] and row["idle"] > FORGET_CONSUMER_MILLISECONDS:
                self._redis.xgroup_delconsumer(self.name, GROUP, name)

    def _oldest_needed(self) -> str:
        """Of all groups, for others may read beside us: the oldest entry that waits for an acknowledgement, else the
        last one that was given to anybody."""
        groups = self._redis.xinfo_groups(self.name)
        return min((self._oldest_needed_by(row) for row in groups), key=order_of, default=NOTHING_READ)

    def _oldest_needed_by(self, group: dict[str, Any]) -> str:
        waiting = self._ask("XPENDING", self.name, group["name"], "-", "+", 1)
        needed: bytes = waiting[0][0] if waiting else group["last-delivered-id"]
        return needed.decode()

    def _ask(self, *words: str | int) -> Any:
        """The answer as Redis gives it: of a repeated field nothing is lost."""
        return self._redis.execute_command(*words)  # type: ignore[no-untyped-call]

    def _grouped(self, command: Callable[[], Result]) -> Result:
        """The stream or its group may be gone, as after a restart without data: both are made again, from the start."""
        try:
            result = command()
        except redis.ResponseError as error:
            if not str(error).startswith(GONE):
                raise
            self._make_group()
            result = command()
        self._had_group = True
        return result

    def _make_group(self) -> None:
        try:
            self._redis.xgroup_create(self.name, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):  # another one was quicker
                raise
        if self._had_group:
            log_system_event("WARNING", NAME, f"{self.name} or its group was gone and is made anew")


def _kept(entry: Entry) -> str:
    return json.dumps(entry.dated())
