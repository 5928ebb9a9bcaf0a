"""The paper exchange as a server: Binance USDT-M's REST and WebSocket, and hooks under /paper/ to steer it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl

from aiohttp import web

from exchanges.paper import security
from exchanges.paper.binance_public import Call
from exchanges.paper.binance_rest import ENDPOINTS, Endpoint
from exchanges.paper.binance_stream import Streams
from exchanges.paper.book import VenueRefusal
from exchanges.paper.faults import Faults
from exchanges.paper.hooks import add_hooks
from exchanges.paper.request_log import RequestLog
from exchanges.paper.venue import PaperVenue, now_ms

logger = logging.getLogger(__name__)

STEP_SECONDS = 0.2


class PaperServer:
    def __init__(self, venue: PaperVenue, log: RequestLog) -> None:
        self.venue, self.log = venue, log
        self.streams, self.faults = Streams(venue), Faults()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1_000_000)
        add_hooks(app, self.venue, self.streams, self.faults, self.log)
        app.router.add_get("/private/ws", self.streams.private)
        for kind in ("public", "market"):
            app.router.add_get(f"/{kind}/ws", self.streams.public)
            app.router.add_get(f"/{kind}/ws/{{number}}", self.streams.public)
        app.router.add_route("*", "/{path:.*}", self.rest)
        app.cleanup_ctx.append(self._live)
        return app

    async def _live(self, app: web.Application) -> AsyncIterator[None]:
        self.venue.open()
        walking = asyncio.create_task(self._walk())
        yield
        walking.cancel()
        with suppress(asyncio.CancelledError):
            await walking
        self.venue.close()
        self.log.close()

    async def _walk(self) -> None:
        while True:
            await asyncio.sleep(STEP_SECONDS)
            if not self.venue.is_paused:
                self.venue.step(STEP_SECONDS)
            self.streams.publish(self.venue.engine.prices)

    async def rest(self, request: web.Request) -> web.StreamResponse:
        raw = request.query_string or (await request.read()).decode("utf-8", "replace")
        params = dict(parse_qsl(raw, keep_blank_values=True))
        api_key = request.headers.get("X-MBX-APIKEY", "")
        verdict = security.signature_verdict(api_key, raw)
        signature = params.pop("signature", None)
        entry = self.log.add(
            method=request.method, path=request.path, params=params, api_key=api_key, signature=verdict
        )
        del signature

        async def work() -> web.Response:
            return self._work(request, api_key, params, verdict, entry)

        answer = await self.faults.around(request, work)
        if "status" not in entry:
            self.log.finish(entry, None, None)
        return answer

    def _work(
        self,
        request: web.Request,
        api_key: str,
        params: dict[str, str],
        verdict: str,
        entry: dict[str, object],
    ) -> web.Response:
        try:
            body = self._perform(request, api_key, params, verdict)
        except VenueRefusal as refusal:
            self.log.finish(entry, refusal.http_status, refusal.code)
            return web.json_response(
                {"code": refusal.code, "msg": refusal.message}, status=refusal.http_status
            )
        self.log.finish(entry, 200, None)
        return web.json_response(body)

    def _perform(self, request: web.Request, api_key: str, params: dict[str, str], verdict: str) -> object:
        endpoint = ENDPOINTS.get((request.method, request.path))
        if endpoint is None:
            raise VenueRefusal(-5000, f"Path {request.path}, Method {request.method} is invalid", 404)
        self._admit(endpoint, api_key, params, verdict)
        return endpoint.handle(Call(self.venue, api_key, params))

    def _admit(self, endpoint: Endpoint, api_key: str, params: dict[str, str], verdict: str) -> None:
        if endpoint.security == "none":
            return
        security.check_key(api_key)
        if endpoint.security == "signed":
            security.check_signed(verdict, params, now_ms())
            self.venue.open_account(api_key)
        elif not self.venue.engine.has_account(api_key):
            self.venue.open_account(api_key)


async def serve(options: argparse.Namespace) -> None:
    venue = PaperVenue(
        seed=options.seed,
        speed=options.speed,
        regime=options.regime,
        balance=options.balance,
        state=options.state,
    )
    runner = web.AppRunner(
        PaperServer(venue, RequestLog(options.log)).app(), access_log=None, shutdown_timeout=1
    )
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port)
    await site.start()
    url = f"http://{options.host}:{runner.addresses[0][1]}"
    logger.info("paper exchange at %s", url)
    if options.ready_file:
        options.ready_file.write_text(url)
    await _until_stopped()
    await runner.cleanup()


async def _until_stopped() -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--speed", type=float, default=20.0, help="simulated seconds per real second")
    parser.add_argument("--regime", default="mixed", choices=["mixed", "trend", "range", "jump"])
    parser.add_argument("--balance", type=Decimal, default=Decimal(10_000), help="of each new account, USDT")
    parser.add_argument("--state", type=Path, help="file that keeps accounts and orders over restarts")
    parser.add_argument("--log", type=Path, help="file of requests, one JSON line each")
    parser.add_argument("--ready-file", type=Path, help="gets the address when the server listens")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A paper exchange that speaks Binance USDT-M futures.")
    add_arguments(parser)
    logging.basicConfig(level=logging.INFO)
    asyncio.run(serve(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
