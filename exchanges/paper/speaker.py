"""What the streams need of each exchange's way to speak."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from aiohttp import web

from exchanges.paper.book import AccountEvent, AlgoEvent, OrderEvent
from exchanges.paper.listener import Listener

Json = dict[str, Any]
TellableEvent = OrderEvent | AlgoEvent | AccountEvent
MAX_NAMES = 1024


class Speaker(Protocol):
    private_paths: tuple[str, ...]
    public_paths: tuple[str, ...]

    def private(self, socket: web.WebSocketResponse, request: web.Request) -> Listener | None:
        """None for somebody unknown."""
        ...

    def hear_private(self, listener: Listener, text: str) -> list[Json]:
        """What is answered at once."""
        ...

    def hear_public(self, listener: Listener, text: str) -> list[Json]: ...

    def private_words(self, event: TellableEvent, at: int) -> Iterator[tuple[str, Json]]:
        """The name and the text of each message that tells of it."""
        ...

    def last_word(self, account: str, at: int) -> Json | None:
        """Said when a session ends."""
        ...

    def advance(self) -> None:
        """Once per change of prices, before any public message."""
        ...

    def public_message(self, name: str) -> str:
        """Of one subscription at the current prices; empty when there is nothing to say."""
        ...
