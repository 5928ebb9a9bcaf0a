"""The least a durable signal-to-order path can cost on this machine with these servers: a raw WebSocket frame, one
commit, one stream hop to another process, one raw HTTP request. No framework, no decisions."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from contextlib import suppress
from multiprocessing.connection import Connection

import psycopg
import redis.asyncio as redis
import websockets
from aiohttp import ClientSession, web

STREAM = "floor"


class Floor:
    """Three processes, as in the product: front, worker, exchange."""

    def __init__(self, environment: dict[str, str]) -> None:
        context = multiprocessing.get_context("spawn")
        self._processes = []
        self.exchange_port, self.front_port = 0, 0
        for name, target in (("exchange_port", _exchange), ("worker", _worker), ("front_port", _front)):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=target, args=(theirs, environment, self.exchange_port), daemon=True
            )
            process.start()
            self._processes.append(process)
            setattr(self, name, ours.recv())

    async def arrivals(self) -> dict[str, float]:
        async with ClientSession() as http, http.get(f"http://127.0.0.1:{self.exchange_port}/") as answer:
            seen: dict[str, float] = await answer.json()
        return seen

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
            process.join(5)


def _exchange(ready: Connection, environment: dict[str, str], _: int) -> None:
    seen: dict[str, float] = {}

    async def take(request: web.Request) -> web.Response:
        seen[request.query["id"]] = time.time()
        await request.read()
        return web.json_response({})

    async def tell(request: web.Request) -> web.Response:
        return web.json_response(seen)

    async def serve() -> None:
        app = web.Application()
        app.router.add_post("/", take)
        app.router.add_get("/", tell)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(serve())


def _worker(ready: Connection, environment: dict[str, str], exchange_port: int) -> None:
    async def work() -> None:
        client = redis.Redis.from_url(environment["REDIS_URL"], socket_timeout=None)
        await client.delete(STREAM)
        last = "0"
        ready.send(0)
        async with ClientSession() as http:
            while True:
                for _, entries in await client.xread({STREAM: last}, block=1000):
                    for last, fields in entries:  # noqa: B007
                        key = fields[b"id"].decode()
                        async with http.post(
                            f"http://127.0.0.1:{exchange_port}/?id={key}", data=b"x" * 200
                        ) as answer:
                            await answer.read()

    with suppress(KeyboardInterrupt):
        asyncio.run(work())


def _front(ready: Connection, environment: dict[str, str], _: int) -> None:
    async def serve() -> None:
        database = psycopg.connect(environment["DATABASE_URL"], autocommit=True)
        database.execute("CREATE UNLOGGED TABLE IF NOT EXISTS floor (id text PRIMARY KEY, raw text)")
        database.execute("SET synchronous_commit = on")
        client = redis.Redis.from_url(environment["REDIS_URL"], socket_timeout=None)

        async def handle(socket: websockets.ServerConnection) -> None:
            async for frame in socket:
                key = json.loads(frame)["id"]
                database.execute("INSERT INTO floor VALUES (%s, %s) ON CONFLICT DO NOTHING", [key, frame])
                await client.xadd(STREAM, {"id": key})
                await socket.send("{}")

        async with websockets.serve(handle, "127.0.0.1", 0, compression=None) as server:
            ready.send(next(iter(server.sockets)).getsockname()[1])
            await asyncio.Event().wait()

    asyncio.run(serve())
