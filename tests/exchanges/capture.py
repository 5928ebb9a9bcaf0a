"""A small venue on loopback: it writes down what arrives and answers what a test told it to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import WSMsgType, web

DATA = Path(__file__).parent / "data"

Trouble = Callable[[web.Request], Awaitable[web.StreamResponse]]


def sample(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text())


@dataclass
class Seen:
    method: str
    path: str
    params: dict[str, Any]


@dataclass
class Capture:
    """`answers` maps (method, path) to a JSON value, a (status, text) pair, or a function that misbehaves."""

    url: str = ""
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    sockets: list[tuple[str, web.WebSocketResponse]] = field(default_factory=list)
    signs_in: bool = True  # Bybit's private socket

    def __post_init__(self) -> None:
        self.answers |= {
            ("GET", "/fapi/v1/time"): lambda: {"serverTime": int(time.time() * 1000)},
            ("GET", "/fapi/v1/exchangeInfo"): sample("binance_exchange_info"),
            ("GET", "/fapi/v1/positionSide/dual"): {"dualSidePosition": True},
            ("POST", "/fapi/v1/listenKey"): {"listenKey": "L" * 64},
            ("GET", "/v5/market/time"): lambda: {
                "retCode": 0,
                "result": {"timeNano": str(time.time_ns())},
                "time": int(time.time() * 1000),
            },
            ("GET", "/v5/market/instruments-info"): sample("bybit_instruments"),
        }

    def sent(self, method: str, path: str) -> list[dict[str, Any]]:
        return [seen.params for seen in self.seen if (seen.method, seen.path) == (method, path)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request)
        self.seen.append(Seen(request.method, request.path, await _params(request)))
        planned = self.answers.get((request.method, request.path), (404, "nothing planned"))
        if asyncio.iscoroutinefunction(planned):
            return await planned(request)
        if callable(planned):
            planned = planned()
        if isinstance(planned, tuple):
            status, text, *headers = planned
            kind = "application/json" if text.startswith(("{", "[")) else "text/html"
            return web.Response(
                status=status, text=text, content_type=kind, headers=headers[0] if headers else None
            )
        return web.json_response(planned)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append((request.path_qs, socket))
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                question = json.loads(message.data)
                self.seen.append(Seen("WS", request.path, question))
                await socket.send_json(_acknowledged(question, self.signs_in))
        return socket

    async def arrived(self, method: str, path: str) -> None:
        for _ in range(500):
            if self.sent(method, path):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"nothing arrived at {method} {path}")

    async def opened(self, path: str, count: int = 1) -> web.WebSocketResponse:
        """Wait until that many sockets of this path were opened; the latest."""
        for _ in range(500):
            found = [socket for where, socket in self.sockets if where.startswith(path)]
            if len(found) >= count:
                return found[-1]
            await asyncio.sleep(0.01)
        raise AssertionError(f"no socket at {path}; there are {[where for where, _ in self.sockets]}")


def _acknowledged(question: dict[str, Any], signs_in: bool) -> dict[str, Any]:
    """Bybit names the operation, Binance the number of the question."""
    if "op" in question:
        told = {"op": question["op"], "req_id": question.get("req_id")}
        if told["op"] == "auth" and not signs_in:
            return {"success": False, "ret_msg": "API key is invalid.", "conn_id": "1", "op": "auth"}
        return {"success": True, "ret_msg": "", "conn_id": "1", **told}
    return {"result": None, "id": question.get("id")}


async def _params(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    if text.startswith("{"):
        return dict(json.loads(text))
    return dict(parse_qsl(request.query_string)) | dict(parse_qsl(text))


def hang_up() -> Trouble:
    """The work is done, but the connection closes before the answer."""

    async def trouble(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return trouble


def half_an_answer() -> Trouble:
    async def trouble(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "400", "Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"orderId": 1, "symbol"')
        assert request.transport is not None
        request.transport.close()
        return response

    return trouble


def never() -> Trouble:
    async def trouble(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    return trouble


@contextlib.asynccontextmanager
async def capturing() -> AsyncIterator[Capture]:
    venue = Capture()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", venue.answer)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    venue.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield venue
    finally:
        for _, socket in venue.sockets:
            await socket.close()
        await runner.cleanup()
