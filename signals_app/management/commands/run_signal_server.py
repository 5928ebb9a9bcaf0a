from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from signals_app.sources.demo_server import DemoServer
from signals_app.sources.demo_waves import window
from tradingbot import environment

WINDOW_MINUTES = 60


class Command(BaseCommand):
    help = (
        "A signal server as older bots know it, with made-up waves or the signals of a file. The token is "
        "SIGNAL_WS_TOKEN. Lines on standard input make trouble: drop, silent, refuse, well."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8765)
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--file", type=Path, help="a JSON list of signals, read anew for every snapshot")
        parser.add_argument("--repeat", type=float, default=30.0, help="seconds between two snapshots")

    def handle(self, *args: Any, **options: Any) -> None:
        token = environment.load().signal_ws_token.get_secret_value()
        if not token:
            raise CommandError("Set SIGNAL_WS_TOKEN, the same as for the bot that connects.")
        records = partial(of_file, options["file"]) if options["file"] else partial(_made_up, options["seed"])
        server = DemoServer(token, records, options["port"], options["repeat"])
        with server.running(options["host"]):
            print(f"ws://{options['host']}:{server.port}", flush=True)
            for line in sys.stdin:
                _obey(server, line.strip())
            threading.Event().wait()  # nobody gives orders any more; SIGTERM ends it


def _made_up(seed: int) -> list[dict[str, Any]]:
    return window(seed, datetime.now(UTC), WINDOW_MINUTES)


def of_file(path: Path) -> list[dict[str, Any]]:
    """A file that is being written is an empty snapshot; the next one has it."""
    try:
        records = json.loads(path.read_text())
    except (OSError, ValueError):
        return []
    return records if isinstance(records, list) else []


def _obey(server: DemoServer, wish: str) -> None:
    trouble = server.trouble
    match wish:
        case "drop":
            server.drop_all()
        case "silent":
            trouble.is_silent = True
        case "refuse":
            trouble.refuses_everybody = True
        case "well":
            trouble.is_silent = trouble.refuses_everybody = False
        case _:
            print("drop, silent, refuse or well", flush=True)
