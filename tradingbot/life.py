"""From start to end of an ASGI server it tells that it lives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tradingbot import pulse

EVERY = 2.0
Message = dict[str, Any]


class TellingLife:
    def __init__(self, name: str) -> None:
        self._name = name

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        await receive()
        telling = asyncio.create_task(self._tell())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        telling.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _tell(self) -> None:
        while True:
            await asyncio.to_thread(pulse.tell, self._name)
            await asyncio.sleep(EVERY)
