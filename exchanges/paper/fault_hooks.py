"""Hooks that make trouble: faults of requests and events, storms, broken streams, a wrong clock, narrow limits."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from exchanges.paper.faults import Faults
from exchanges.paper.forgiving import forgiving
from exchanges.paper.rate_limits import RateLimits
from exchanges.paper.storm import Storm
from exchanges.paper.streams import Streams
from exchanges.paper.venue import PaperVenue

MAX_OFFSET_MS, MAX_SECONDS = 3_600_000, 3600


def add_fault_hooks(app: web.Application, venue: PaperVenue, streams: Streams, faults: Faults) -> None:
    hooks = FaultHooks(venue, streams, faults)
    app.router.add_post("/paper/faults", forgiving(hooks.plan))
    app.router.add_delete("/paper/faults", hooks.clear)
    app.router.add_post("/paper/clock", forgiving(hooks.set_clock))
    app.router.add_get("/paper/limits", hooks.limits)
    app.router.add_post("/paper/limits", forgiving(hooks.set_limits))
    app.router.add_post("/paper/storm", forgiving(hooks.begin_storm))
    app.router.add_get("/paper/storm", hooks.storm_counts)
    app.router.add_delete("/paper/storm", hooks.end_storm)
    app.router.add_post("/paper/streams/faults", forgiving(hooks.plan_event))
    app.router.add_delete("/paper/streams/faults", hooks.clear_events)
    app.router.add_post("/paper/streams/cut", forgiving(hooks.cut))
    app.router.add_post("/paper/streams/silence", forgiving(hooks.silence))
    app.router.add_post("/paper/streams/refuse", forgiving(hooks.refuse))
    app.router.add_post("/paper/listen_key/expire", forgiving(hooks.expire))


class FaultHooks:
    def __init__(self, venue: PaperVenue, streams: Streams, faults: Faults) -> None:
        self._venue, self._streams, self._faults = venue, streams, faults
        self._counts: dict[str, dict[str, int]] = {}

    async def plan(self, request: web.Request) -> web.Response:
        self._faults.plan(**await request.json())
        return web.json_response({"planned": True})

    async def clear(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return web.json_response({"planned": False})

    async def plan_event(self, request: web.Request) -> web.Response:
        self._faults.plan_event(**await request.json())
        return web.json_response({"planned": True})

    async def clear_events(self, request: web.Request) -> web.Response:
        self._faults.clear_events()
        return web.json_response({"planned": False})

    async def set_clock(self, request: web.Request) -> web.Response:
        """So far from the true time is the exchange's clock from now on."""
        offset = (await request.json())["offset_ms"]
        if type(offset) is not int or abs(offset) > MAX_OFFSET_MS:
            raise ValueError(f"offset_ms must be a whole number up to {MAX_OFFSET_MS}")
        self._venue.clock_offset_ms = offset
        return web.json_response({"offset_ms": offset})

    async def limits(self, request: web.Request) -> web.Response:
        return web.json_response(asdict(self._venue.rate_limits.limits))

    async def set_limits(self, request: web.Request) -> web.Response:
        """What is not named stays. Everybody begins anew, and bans are lifted."""
        limits = replace(self._venue.rate_limits.limits, **await request.json())
        self._venue.rate_limits = RateLimits(limits)
        return web.json_response(asdict(limits))

    # storms

    async def begin_storm(self, request: web.Request) -> web.Response:
        self._faults.storm = Storm(**await request.json())
        self._counts = {}
        return web.json_response({"storm": True})

    async def storm_counts(self, request: web.Request) -> web.Response:
        """Of the storm that is, or of the last one."""
        if self._faults.storm is not None:
            self._counts = self._faults.storm.counts()
        return web.json_response(self._counts)

    async def end_storm(self, request: web.Request) -> web.Response:
        answer = await self.storm_counts(request)
        self._faults.storm = None
        return answer

    # the private stream

    async def cut(self, request: web.Request) -> web.Response:
        account = await _account(request)
        return web.json_response({"cut": self._streams.lines.cut(account)})

    async def silence(self, request: web.Request) -> web.Response:
        account = await _account(request)
        return web.json_response({"silenced": self._streams.lines.silence(account)})

    async def refuse(self, request: web.Request) -> web.Response:
        seconds = (await request.json())["seconds"]
        if not 0 <= seconds <= MAX_SECONDS:
            raise ValueError(f"seconds must be a number from 0 to {MAX_SECONDS}")
        self._streams.lines.refuse(seconds)
        return web.json_response({"refused_for": seconds})

    async def expire(self, request: web.Request) -> web.Response:
        """The private sockets fall silent; with "close" they are closed as well, with 1008; with "silently"
        nobody is told."""
        asked = await request.json()
        if not self._venue.engine.has_account(asked["api_key"]):
            raise ValueError("no account has this api_key")
        self._venue.end_session(asked["api_key"], silently=bool(asked.get("silently")))
        if asked.get("close"):
            self._streams.lines.close(asked["api_key"])
        return web.json_response({"expired": True})


async def _account(request: web.Request) -> str | None:
    """The one named by api_key; None, everybody, when none is named."""
    asked: dict[str, Any] = await request.json() if request.can_read_body else {}
    return asked.get("api_key")
