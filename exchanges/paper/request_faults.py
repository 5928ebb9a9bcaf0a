"""What a client meets when its request runs into trouble."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from exchanges.paper.dialect import Dialect, Said
from exchanges.paper.fault_kinds import RequestKind, Trouble
from exchanges.paper.private_lines import PrivateLines
from exchanges.paper.venue import PaperVenue

HUNG_UP = 599  # never sent: the connection is gone
PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
Work = Callable[[], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Scene:
    """One request, what shall happen to it, and the work it asks for."""

    trouble: Trouble
    request: web.Request
    work: Work
    venue: PaperVenue
    lines: PrivateLines
    dialect: Dialect
    account: str


async def perform(scene: Scene) -> web.StreamResponse:
    return await _PERFORM[scene.trouble.kind](scene)


async def _close_before(scene: Scene) -> web.StreamResponse:
    return _hang_up(scene)


async def _close_after(scene: Scene) -> web.StreamResponse:
    await scene.work()
    return _hang_up(scene)


async def _delay_before(scene: Scene) -> web.StreamResponse:
    await asyncio.sleep(scene.trouble.seconds)
    return await scene.work()


async def _delay_after(scene: Scene) -> web.StreamResponse:
    answer = await scene.work()
    await asyncio.sleep(scene.trouble.seconds)
    return answer


async def _answer(scene: Scene) -> web.StreamResponse:
    return web.Response(status=scene.trouble.status, text=scene.trouble.body)


async def _html(scene: Scene) -> web.StreamResponse:
    return web.Response(text=PAGE, content_type="text/html")


async def _empty(scene: Scene) -> web.StreamResponse:
    return web.Response(content_type="application/json")


def _after_the_work(answer: Callable[[Scene], Awaitable[web.StreamResponse]]) -> _Act:
    async def act(scene: Scene) -> web.StreamResponse:
        await scene.work()
        return await answer(scene)

    return act


async def _half_body(scene: Scene) -> web.StreamResponse:
    whole = (await scene.work()).body
    assert isinstance(whole, bytes)  # noqa: S101  (our own JSON answers are)
    half = web.StreamResponse(headers={"Content-Length": str(len(whole)), "Content-Type": "application/json"})
    await half.prepare(scene.request)
    await half.write(whole[: len(whole) // 2])
    return _hang_up(scene)


async def _too_many(scene: Scene) -> web.StreamResponse:
    return _to_wait(scene.dialect.too_many(scene.venue, _whole_seconds(scene)))


async def _banned(scene: Scene) -> web.StreamResponse:
    return _to_wait(scene.dialect.banned(scene.venue, _whole_seconds(scene)))


def _to_wait(said: Said) -> web.StreamResponse:
    return web.json_response(said.body, status=said.status, headers=said.headers)


def _whole_seconds(scene: Scene) -> int:
    return max(math.ceil(scene.trouble.seconds), 1)


async def _clock_skew(scene: Scene) -> web.StreamResponse:
    """The work itself never waits, so nobody else sees this clock."""
    with scene.venue.skewed(scene.trouble.skew_ms):
        return await scene.work()


async def _event_first(scene: Scene) -> web.StreamResponse:
    """Sent is not yet read: the answer waits a moment longer."""
    answer = await scene.work()
    await scene.lines.flushed(scene.account, scene.trouble.seconds)
    await asyncio.sleep(scene.trouble.seconds)
    return answer


def _hang_up(scene: Scene) -> web.StreamResponse:
    if scene.request.transport is not None:
        scene.request.transport.abort()
    return web.Response(status=HUNG_UP)


_Act = Callable[[Scene], Awaitable[web.StreamResponse]]
_PERFORM: Mapping[str, _Act] = {
    RequestKind.CLOSE_BEFORE: _close_before,
    RequestKind.CLOSE_AFTER: _close_after,
    RequestKind.DELAY_BEFORE: _delay_before,
    RequestKind.DELAY_AFTER: _delay_after,
    RequestKind.ANSWER: _answer,
    RequestKind.ANSWER_AFTER: _after_the_work(_answer),
    RequestKind.HTML: _html,
    RequestKind.HTML_AFTER: _after_the_work(_html),
    RequestKind.EMPTY: _empty,
    RequestKind.EMPTY_AFTER: _after_the_work(_empty),
    RequestKind.HALF_BODY: _half_body,
    RequestKind.TOO_MANY: _too_many,
    RequestKind.BANNED: _banned,
    RequestKind.CLOCK_SKEW: _clock_skew,
    RequestKind.EVENT_FIRST: _event_first,
}
