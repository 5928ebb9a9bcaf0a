"""Trouble on demand: which request, what goes wrong, how often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

KINDS = ("close_before", "close_after", "delay_before", "delay_after", "answer", "half_body")
HUNG_UP = 599  # never sent: the connection is gone
Work = Callable[[], Awaitable[web.Response]]


@dataclass(slots=True)
class Fault:
    """kind is one of KINDS; seconds for the delays, status and body for `answer` (sent instead of the work)."""

    method: str
    path: str
    kind: str
    times: int = 1
    seconds: float = 1.0
    status: int = 503
    body: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        if type(self.times) is not int or not 0 < self.times < 1_000_000 or not 0 <= self.seconds <= 60:
            raise ValueError("times must be a positive whole number and seconds between 0 and 60")
        if type(self.status) is not int or not 200 <= self.status <= 599 or not isinstance(self.body, str):
            raise ValueError("status must be a number from 200 to 599 and body a text")

    def meets(self, request: web.Request) -> bool:
        return self.times > 0 and (self.method, self.path) == (request.method, request.path)


class Faults:
    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def plan(self, **words: Any) -> None:
        """Raises ValueError or TypeError for words that make no fault."""
        self._planned.append(Fault(**words))

    def clear(self) -> None:
        self._planned.clear()

    async def around(self, request: web.Request, work: Work) -> web.StreamResponse:
        fault = next((fault for fault in self._planned if fault.meets(request)), None)
        if fault is None:
            return await work()
        fault.times -= 1
        return await _PERFORM[fault.kind](fault, request, work)


async def _close_before(fault: Fault, request: web.Request, work: Work) -> web.StreamResponse:
    return _hang_up(request)


async def _close_after(fault: Fault, request: web.Request, work: Work) -> web.StreamResponse:
    await work()
    return _hang_up(request)


async def _delay_before(fault: Fault, request: web.Request, work: Work) -> web.StreamResponse:
    await asyncio.sleep(fault.seconds)
    return await work()


async def _delay_after(fault: Fault, request: web.Request, work: Work) -> web.StreamResponse:
    answer = await work()
    await asyncio.sleep(fault.seconds)
    return answer


async def _answer(fault: Fault, request: web.Request, work: Work) -> web.StreamResponse:
    return web.Response(status=fault.status, text=fault.body)


async def _half_body(fault: Fault, request: web.Request, work: Work) -> web.StreamResponse:
    whole = (await work()).body
    assert isinstance(whole, bytes)  # noqa: S101  (our own JSON answers are)
    half = web.StreamResponse(headers={"Content-Length": str(len(whole)), "Content-Type": "application/json"})
    await half.prepare(request)
    await half.write(whole[: len(whole) // 2])
    return _hang_up(request)


def _hang_up(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=HUNG_UP)


_PERFORM = {
    "close_before": _close_before,
    "close_after": _close_after,
    "delay_before": _delay_before,
    "delay_after": _delay_after,
    "answer": _answer,
    "half_body": _half_body,
}
