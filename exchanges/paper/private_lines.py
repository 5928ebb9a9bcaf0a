"""The private sockets of all accounts, and what may befall them."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from aiohttp import WSCloseCode

from exchanges.paper.listener import Listener


class PrivateLines:
    def __init__(self) -> None:
        self.sockets: set[Listener] = set()
        self._refusing_until = 0.0

    def of(self, account: str | None) -> list[Listener]:
        """None means everybody's."""
        return [one for one in self.sockets if account in (None, one.account)]

    def listening(self, account: str) -> list[Listener]:
        return [one for one in self.of(account) if not one.is_deaf]

    def send(self, account: str, text: str, name: str = "") -> None:
        """name says which topic it is, where one subscribes to them."""
        for one in self.listening(account):
            if one.hears(name):
                one.send(text)

    def hold_back(self, account: str, seconds: float) -> None:
        """What is sent from now on comes that much later."""
        for one in self.listening(account):
            one.send(seconds)

    def silence(self, account: str | None) -> int:
        """The sockets stay open and say nothing more."""
        silenced = self.of(account)
        for one in silenced:
            one.is_deaf = True
        return len(silenced)

    def cut(self, account: str | None) -> int:
        lines = self.of(account)
        for one in lines:
            one.abort()
        return len(lines)

    def close(self, account: str) -> None:
        for one in self.of(account):
            one.send(WSCloseCode.POLICY_VIOLATION)

    def refuse(self, seconds: float) -> None:
        """No new private socket for so long."""
        self._refusing_until = time.monotonic() + seconds

    @property
    def is_refusing(self) -> bool:
        return time.monotonic() < self._refusing_until

    async def flushed(self, account: str, at_most: float) -> None:
        """Everything told so far has left, or time is up."""
        everything = asyncio.gather(*(one.flushed() for one in self.listening(account)))
        with suppress(TimeoutError):
            await asyncio.wait_for(everything, at_most)
