"""The paper exchange as a server: Binance USDT-M's and Bybit linear's words, and hooks under /paper/ to steer it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from exchanges.paper.binance_dialect import BinanceDialect
from exchanges.paper.bybit_dialect import BybitDialect
from exchanges.paper.dialect import Asked, Dialect
from exchanges.paper.faults import Faults
from exchanges.paper.hooks import add_hooks
from exchanges.paper.outage import Outage
from exchanges.paper.request_faults import HUNG_UP, Scene, perform
from exchanges.paper.request_log import Line, RequestLog
from exchanges.paper.streams import Streams
from exchanges.paper.venue import HISTORY_MINUTES, PaperVenue

logger = logging.getLogger(__name__)

STEP_SECONDS = 0.2
BYBITS = "/v5/"


class PaperServer:
    def __init__(self, venue: PaperVenue, log: RequestLog) -> None:
        self.venue, self.log = venue, log
        self.faults = Faults()
        self.streams = Streams(venue, self.faults)
        self._binance: Dialect = BinanceDialect()
        self._bybit: Dialect = BybitDialect()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1_000_000)
        add_hooks(app, self.venue, self.streams, self.faults, self.log)
        Outage(self.streams).add_to(app)
        self.streams.add_routes(app)
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
        dialect = self._bybit if request.path.startswith(BYBITS) else self._binance
        asked = dialect.asked(request, raw)
        entry = self.log.begin(**asked.log_line())

        async def work() -> web.Response:
            return self._work(dialect, asked, entry)

        trouble = self.faults.for_request(asked.method, asked.path, asked.api_key)
        scene = trouble and Scene(
            trouble, request, work, self.venue, self.streams.lines, dialect, asked.api_key
        )
        answer = await (perform(scene) if scene else work())
        if scene and "status" not in entry:  # a fault answered, nothing was done
            entry["fault"] = str(scene.trouble.kind)
            self.log.finish(entry, None if answer.status == HUNG_UP else answer.status, None)
        return answer

    def _work(self, dialect: Dialect, asked: Asked, entry: Line) -> web.Response:
        try:
            said = dialect.answer(self.venue, asked)
        except Exception:
            logger.exception("%s %s failed", asked.method, asked.path)
            said = dialect.broken(self.venue)
        self.log.finish(entry, said.status, said.code)
        if self.venue.engine.has_acknowledged:
            asyncio.get_running_loop().call_later(self.venue.matched_after, self.venue.match)
        return web.json_response(said.body, status=said.status, headers=said.headers)


async def serve(options: argparse.Namespace) -> None:
    venue = PaperVenue(
        seed=options.seed,
        speed=options.speed,
        regime=options.regime,
        balance=options.balance,
        state=options.state,
        history_minutes=options.history,
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
    parser.add_argument(
        "--history", type=int, default=HISTORY_MINUTES, help="minutes that a fresh market has candles of"
    )
    parser.add_argument("--balance", type=Decimal, default=Decimal(10_000), help="of each new account, USDT")
    parser.add_argument("--state", type=Path, help="file that keeps accounts and orders over restarts")
    parser.add_argument("--log", type=Path, help="file of requests, one JSON line each")
    parser.add_argument("--ready-file", type=Path, help="gets the address when the server listens")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="A paper exchange that speaks Binance USDT-M and Bybit linear."
    )
    add_arguments(parser)
    logging.basicConfig(level=logging.INFO)
    asyncio.run(serve(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
