from __future__ import annotations

import argparse
import asyncio
from typing import Any

from django.core.management.base import BaseCommand

from exchanges.paper import server


class Command(BaseCommand):
    requires_system_checks = ()  # it needs nothing of the project: no database, no models
    help = "Run the paper exchange: Binance USDT-M futures over HTTP and WebSocket, with prices of its own."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        server.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(server.serve(argparse.Namespace(**options)))
