"""Trouble on demand: which request or event, what goes wrong, how often. What is planned comes before a storm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from exchanges.paper.fault_kinds import EVENT_KINDS, REQUEST_KINDS, Trouble, is_meant
from exchanges.paper.storm import Storm


@dataclass(slots=True, kw_only=True)
class Fault:
    """kind is one of RequestKind; method and path may be *; without api_key everybody's requests are meant; seconds,
    status, body, skew_ms as in Trouble."""

    kind: str
    method: str = "*"
    path: str = "*"
    orders_only: bool = False
    api_key: str = ""
    times: int = 1
    seconds: float = 1.0
    status: int = 503
    body: str = ""
    skew_ms: int = 5000

    def __post_init__(self) -> None:
        if self.kind not in REQUEST_KINDS:
            raise ValueError(f"kind must be one of {', '.join(REQUEST_KINDS)}")
        _check_times(self.times, self.seconds)
        if type(self.status) is not int or not 200 <= self.status <= 599 or not isinstance(self.body, str):
            raise ValueError("status must be a number from 200 to 599 and body a text")
        if type(self.skew_ms) is not int:
            raise ValueError("skew_ms must be a whole number")

    def meets(self, method: str, path: str, api_key: str) -> bool:
        if self.times <= 0 or self.api_key not in ("", api_key):
            return False
        return is_meant(method, path, [f"{self.method} {self.path}"], orders_only=self.orders_only)

    def happen(self) -> Trouble:
        self.times -= 1
        return Trouble(self.kind, self.seconds, self.status, self.body, self.skew_ms)


@dataclass(slots=True, kw_only=True)
class EventFault:
    """kind is one of EventKind; without event or api_key every private event is meant."""

    kind: str
    event: str = ""
    api_key: str = ""
    times: int = 1
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in EVENT_KINDS:
            raise ValueError(f"kind must be one of {', '.join(EVENT_KINDS)}")
        _check_times(self.times, self.seconds)

    def meets(self, account: str, name: str) -> bool:
        return self.times > 0 and self.event in ("", name) and self.api_key in ("", account)

    def happen(self) -> Trouble:
        self.times -= 1
        return Trouble(self.kind, self.seconds)


def _check_times(times: int, seconds: float) -> None:
    if type(times) is not int or not 0 < times < 1_000_000 or not 0 <= seconds <= 60:
        raise ValueError("times must be a positive whole number and seconds between 0 and 60")


class Faults:
    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._planned_events: list[EventFault] = []
        self.storm: Storm | None = None

    def plan(self, **words: Any) -> None:
        """Raises ValueError or TypeError for words that make no fault."""
        self._planned.append(Fault(**words))

    def plan_event(self, **words: Any) -> None:
        self._planned_events.append(EventFault(**words))

    def clear(self) -> None:
        self._planned.clear()

    def clear_events(self) -> None:
        self._planned_events.clear()

    def for_request(self, method: str, path: str, api_key: str) -> Trouble | None:
        planned = next((fault for fault in self._planned if fault.meets(method, path, api_key)), None)
        if planned is not None:
            return planned.happen()
        return self.storm.for_request(method, path) if self.storm else None

    def for_event(self, account: str, name: str) -> Trouble | None:
        planned = next((fault for fault in self._planned_events if fault.meets(account, name)), None)
        if planned is not None:
            return planned.happen()
        return self.storm.for_event(name) if self.storm else None
