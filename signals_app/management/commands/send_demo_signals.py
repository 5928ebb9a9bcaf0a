from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections import Counter
from typing import Any

import websockets
from django.core.management.base import BaseCommand, CommandError, CommandParser

from signals_app.demo_traffic import DemoTraffic

REPORT_SECONDS = 10.0
MAX_BACKOFF_SECONDS = 10.0


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` made them before; here they would import every page
    help = "Send made-up signals to /ws/signals/ like any outside sender, until told to stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default=os.environ.get("SIGNALS_URL", ""))
        parser.add_argument("--seed", type=int, default=11)
        parser.add_argument("--every", type=float, default=1.0, help="mean seconds between two frames")

    def handle(self, *args: Any, **options: Any) -> None:
        token = os.environ.get("DEMO_SIGNAL_TOKEN", "")
        if not options["url"] or not token:
            raise CommandError("Set SIGNALS_URL (or --url) and DEMO_SIGNAL_TOKEN; `manage.py up` sets both.")
        asyncio.run(_until_stopped(Sender(options["url"], token, options["seed"], options["every"])))


class Sender:
    def __init__(self, url: str, token: str, seed: int, every: float) -> None:
        self._url, self._token, self._every = url, token, every
        self._frames = DemoTraffic(seed).frames()
        self._verdicts: Counter[str] = Counter()
        self._failures = 0  # to connect, in a row

    async def run(self) -> None:
        while True:
            try:
                await self._converse()
            except (OSError, websockets.WebSocketException) as error:
                self._failures += 1
                print(f"not connected ({type(error).__name__}); trying again", flush=True)
            pause = min(0.5 * 2 ** min(self._failures, 10), MAX_BACKOFF_SECONDS)
            await asyncio.sleep(pause * random.uniform(0.7, 1.0))  # noqa: S311

    async def _converse(self) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        async with websockets.connect(self._url, additional_headers=headers) as socket:
            welcome = json.loads(await socket.recv())
            if welcome["type"] != "auth_success":
                raise ConnectionError(welcome.get("reason", "refused"))
            self._failures = 0
            while True:
                await socket.send(next(self._frames))
                answer = json.loads(await socket.recv())
                if answer["type"] != "verdict":
                    raise ConnectionError(answer.get("reason", "refused"))
                self._verdicts[answer["status"]] += 1
                await asyncio.sleep(random.expovariate(1 / self._every))

    async def report(self) -> None:
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            counted = ", ".join(f"{status} {n}" for status, n in sorted(self._verdicts.items()))
            print(f"verdicts so far: {counted or 'none'}", flush=True)


async def _until_stopped(sender: Sender) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    works = (sender.run(), sender.report(), stopped.wait())
    tasks = [asyncio.create_task(work) for work in works]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    for task in done:
        task.result()  # a bug in a task ends the program with its traceback, not in silence
