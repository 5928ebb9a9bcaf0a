"""The paper exchange as a server: Binance USDT-M's REST and WebSocket, and hooks under /paper/ to steer it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl

from aiohttp import web

from exchanges.paper import security
from exchanges.paper.binance_public import Call
from exchanges.paper.binance_rest import ENDPOINTS, Endpoint
from exchanges.paper.binance_stream import Streams
from exchanges.paper.binance_weights import ORDERS, weight_of
from exchanges.paper.book import VenueRefusal
from exchanges.paper.faults import Faults
from exchanges.paper.hooks import add_hooks
from exchanges.paper.rate_limits import MustWait
from exchanges.paper.request_faults import HUNG_UP, Scene, perform
from exchanges.paper.request_log import Line, RequestLog
from exchanges.paper.venue import PaperVenue, now_ms

logger = logging.getLogger(__name__)

STEP_SECONDS = 0.2
CLIENT_IDS = ("newClientOrderId", "origClientOrderId", "clientAlgoId")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came. signature is valid, invalid or none."""

    method: str
    path: str
    params: dict[str, str]
    api_key: str
    signature: str
    address: str

    @property
    def is_order(self) -> bool:
        return (self.method, self.path) in ORDERS

    @classmethod
    def from_raw(cls, request: web.Request, raw: str) -> Asked:
        """`raw` is the text the client signed, byte for byte: the query, or the body when there is no query."""
        params = dict(parse_qsl(raw, keep_blank_values=True))
        params.pop("signature", None)
        api_key = request.headers.get("X-MBX-APIKEY", "")
        verdict = security.signature_verdict(api_key, raw)
        return cls(request.method, request.path, params, api_key, verdict, request.remote or "")

    def log_line(self) -> Line:
        client_id = next((self.params[name] for name in CLIENT_IDS if name in self.params), None)
        return {**asdict(self), "client_order_id": client_id}


class PaperServer:
    def __init__(self, venue: PaperVenue, log: RequestLog) -> None:
        self.venue, self.log = venue, log
        self.faults = Faults()
        self.streams = Streams(venue, self.faults)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1_000_000)
        add_hooks(app, self.venue, self.streams, self.faults, self.log)
        app.router.add_get("/private/ws", self.streams.private)
        for kind in ("public", "market"):
            app.router.add_get(f"/{kind}/ws", self.streams.public)
            app.router.add_get(f"/{kind}/ws/{{number}}", self.streams.public)
        app.router.add_route("*", "/{path:.*}", self.rest)
        app.cleanup_ctx.append(self._live)
        app.on_shutdown.append(self._say_goodbye)
        return app

    async def _live(self, app: web.Application) -> AsyncIterator[None]:
        self.venue.open()
        self.streams.publish()
        walking = asyncio.create_task(self._walk())
        yield
        walking.cancel()
        with suppress(asyncio.CancelledError):
            await walking
        self.venue.close()
        self.log.close()

    async def _say_goodbye(self, app: web.Application) -> None:
        self.streams.go_away()

    async def _walk(self) -> None:
        while True:
            await asyncio.sleep(STEP_SECONDS)
            try:
                self._step()
            except Exception:
                logger.exception("a price step failed; the market goes on with the next one")

    def _step(self) -> None:
        if not self.venue.is_paused:
            self.venue.step(STEP_SECONDS)
        self.streams.publish()

    async def rest(self, request: web.Request) -> web.StreamResponse:
        raw = request.raw_path.partition("?")[2] or (await request.read()).decode("utf-8", "replace")
        asked = Asked.from_raw(request, raw)
        entry = self.log.begin(**asked.log_line())

        async def work() -> web.Response:
            return self._work(asked, entry)

        trouble = self.faults.for_request(asked.method, asked.path)
        scene = trouble and Scene(trouble, request, work, self.venue, self.streams.lines)
        answer = await (perform(scene) if scene else work())
        if "status" not in entry:
            self.log.finish(entry, None if answer.status == HUNG_UP else answer.status, None)
        return answer

    def _work(self, asked: Asked, entry: Line) -> web.Response:
        headers: dict[str, str] = {}
        try:
            status, body, code = 200, self._perform(asked), None
        except VenueRefusal as refusal:
            status, code = refusal.http_status, refusal.code
            body = {"code": code, "msg": refusal.message}
            if isinstance(refusal, MustWait):
                headers["Retry-After"] = str(refusal.retry_after)
        except Exception:
            logger.exception("%s %s failed", asked.method, asked.path)
            status, code = 500, -1000
            body = {"code": code, "msg": "An unknown error occurred while processing the request."}
        self.log.finish(entry, status, code)
        return web.json_response(body, status=status, headers={**headers, **self._usage(asked)})

    def _usage(self, asked: Asked) -> dict[str, str]:
        limits, at = self.venue.rate_limits, now_ms()
        used = dict(limits.headers(asked.api_key, asked.address, at))
        return {**used, **limits.order_headers(asked.api_key, at)} if asked.is_order else used

    def _perform(self, asked: Asked) -> object:
        """Limits go by the true time: a wrong clock must not open a window again."""
        weight = weight_of(asked.method, asked.path, asked.params)
        self.venue.rate_limits.weigh(asked.api_key, asked.address, weight, now_ms())
        endpoint = ENDPOINTS.get((asked.method, asked.path))
        if endpoint is None:
            raise VenueRefusal(-5000, f"Path {asked.path}, Method {asked.method} is invalid", 404)
        self._admit(endpoint, asked)
        if asked.is_order:
            self.venue.rate_limits.count_order(asked.api_key, asked.address, now_ms())
        return endpoint.handle(Call(self.venue, asked.api_key, asked.params))

    def _admit(self, endpoint: Endpoint, asked: Asked) -> None:
        if endpoint.security == "none":
            return
        security.check_key(asked.api_key)
        if endpoint.security == "signed":
            security.check_signed(asked.signature, asked.params, self.venue.now_ms())
        self.venue.open_account(asked.api_key)


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
        _write_whole(options.ready_file, url)
    await _until_stopped()
    await runner.cleanup()


def _write_whole(path: Path, text: str) -> None:
    """Who looks sees nothing or all of it."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(text)
    unfinished.replace(path)


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
