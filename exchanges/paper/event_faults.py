"""Private events on their way to the sockets, and what goes wrong on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exchanges.paper.fault_kinds import EventKind
from exchanges.paper.faults import Faults
from exchanges.paper.private_lines import PrivateLines
from exchanges.paper.venue import PaperVenue


@dataclass(frozen=True, slots=True)
class Told:
    """One event, and how long its trouble lasts."""

    account: str
    name: str
    text: str
    seconds: float


class Delivery:
    def __init__(self, venue: PaperVenue, lines: PrivateLines, faults: Faults) -> None:
        self._venue, self._lines, self._faults = venue, lines, faults
        self._held: dict[str, Told] = {}
        self._acts: Mapping[str, Callable[[Told], None]] = {
            EventKind.DUPLICATE: self._twice,
            EventKind.REORDER: self._send,  # something is held already: this one passes it
            EventKind.LATE: self._late,
            EventKind.DROP: lambda told: None,
            EventKind.SILENT: self._silence,
            EventKind.CUT: self._cut,
            EventKind.REFUSE: self._refuse,
            EventKind.EXPIRE: lambda told: self._venue.end_session(told.account),
            EventKind.EXPIRE_SILENTLY: self._expire_silently,
        }

    def carry(self, account: str, name: str, text: str) -> None:
        trouble = self._faults.for_event(account, name)
        told = Told(account, name, text, trouble.seconds if trouble else 0)
        if trouble is not None and trouble.kind == EventKind.REORDER and account not in self._held:
            self._hold(told)
            return
        act = self._acts[trouble.kind] if trouble else self._send
        act(told)
        self._release(account)

    def _hold(self, told: Told) -> None:
        """Until the next event, or for a while when none comes."""
        self._held[told.account] = told
        asyncio.get_running_loop().call_later(told.seconds, self._release_if, told)

    def _release_if(self, told: Told) -> None:
        if self._held.get(told.account) is told:
            self._release(told.account)

    def _release(self, account: str) -> None:
        if (held := self._held.pop(account, None)) is not None:
            self._send(held)

    def _send(self, told: Told) -> None:
        self._lines.send(told.account, told.text, told.name)

    def _twice(self, told: Told) -> None:
        self._send(told)
        self._send(told)

    def _late(self, told: Told) -> None:
        self._lines.hold_back(told.account, told.seconds)
        self._send(told)

    def _silence(self, told: Told) -> None:
        self._lines.silence(told.account)

    def _cut(self, told: Told) -> None:
        self._lines.cut(told.account)

    def _refuse(self, told: Told) -> None:
        self._lines.refuse(told.seconds)
        self._lines.cut(told.account)

    def _expire_silently(self, told: Told) -> None:
        self._venue.end_session(told.account, silently=True)
