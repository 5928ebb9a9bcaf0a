"""What the server needs of each exchange's way to speak: who asks what, and how an answer is worded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from aiohttp import web

from exchanges.paper.request_log import Line
from exchanges.paper.venue import PaperVenue

CLIENT_IDS = ("newClientOrderId", "origClientOrderId", "clientAlgoId", "orderLinkId")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came. signature is valid, invalid or none; sent and window say when it was made and how
    long it is good, where that is no parameter."""

    method: str
    path: str
    params: dict[str, str]
    api_key: str
    signature: str
    address: str
    sent: str = ""
    window: str = ""

    def log_line(self) -> Line:
        client_id = next((self.params[name] for name in CLIENT_IDS if name in self.params), None)
        return {**asdict(self), "client_order_id": client_id}


@dataclass(frozen=True, slots=True)
class Said:
    """code is the exchange's number for a no, None for a yes."""

    body: Any
    status: int = 200
    code: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Dialect(Protocol):
    def asked(self, request: web.Request, raw: str) -> Asked:
        """`raw` is the query, or the body when there is no query, byte for byte as it came."""
        ...

    def answer(self, venue: PaperVenue, asked: Asked) -> Said:
        """The work is done, or refused by the exchange's words."""
        ...

    def broken(self, venue: PaperVenue) -> Said:
        """The exchange itself failed."""
        ...

    def too_many(self, venue: PaperVenue, seconds: int) -> Said: ...

    def banned(self, venue: PaperVenue, seconds: int) -> Said: ...
