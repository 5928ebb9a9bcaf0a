from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand

from trailing.market import MarketProcess


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` made them before; here they would import every page
    help = "Listen to prices and to the private streams of all accounts, until told to stop."

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(_run())


async def _run() -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await MarketProcess().run(stopped)
