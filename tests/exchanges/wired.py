"""The paper exchange on a real socket, with a loop of its own beside the test's thread, as a real venue would be."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from aiohttp import web

from exchanges.paper.request_log import RequestLog
from exchanges.paper.server import PaperServer
from exchanges.paper.venue import PaperVenue


@dataclass
class WiredVenue:
    """Prices stand still but for `venue.set_price`."""

    server: PaperServer
    url: str

    @property
    def venue(self) -> PaperVenue:
        return self.server.venue

    def requests(self, method: str, path: str, purpose: str = "") -> int:
        """How many of ours, and whose orders are named for this; what a person sends carries another kind of name."""
        lines = [line for line in self.server.log.since(0) if line["client_order_id"] != "hand"]
        names = [(line["client_order_id"] or "").rpartition("-")[2] for line in lines]
        lines = [line for line, name in zip(lines, names, strict=True) if name.startswith(purpose)]
        return sum((line["method"], line["path"]) == (method, path) for line in lines)


@contextmanager
def own_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


@contextmanager
def wired_venue() -> Iterator[WiredVenue]:
    with own_loop() as loop:
        context = _serving()
        yield asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(5)
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(5)


@asynccontextmanager
async def _serving() -> AsyncIterator[WiredVenue]:
    venue = PaperVenue()
    venue.is_paused = True
    server = PaperServer(venue, RequestLog(None))
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield WiredVenue(server, f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()
