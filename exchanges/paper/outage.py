"""The exchange is gone for a while, for everybody: lines break, nobody gets an answer. Its market goes on."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from exchanges.paper.forgiving import forgiving
from exchanges.paper.request_faults import HUNG_UP
from exchanges.paper.streams import Streams

HOOKS = "/paper/"
MAX_SECONDS = 3600
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Outage:
    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._until = 0.0

    def add_to(self, app: web.Application) -> None:
        app.middlewares.append(self._hang_up)
        app.router.add_post("/paper/outage", forgiving(self._begin))
        app.router.add_delete("/paper/outage", self._end)

    async def _begin(self, request: web.Request) -> web.Response:
        seconds = (await request.json())["seconds"]
        if not 0 < seconds <= MAX_SECONDS:
            raise ValueError(f"seconds must be a number up to {MAX_SECONDS}")
        self._until = time.monotonic() + seconds
        return web.json_response({"cut": self._streams.cut()})

    async def _end(self, request: web.Request) -> web.Response:
        self._until = 0.0
        return web.json_response({"ended": True})

    @web.middleware
    async def _hang_up(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(HOOKS) or time.monotonic() >= self._until:
            return await handler(request)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=HUNG_UP)
