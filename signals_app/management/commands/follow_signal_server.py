from __future__ import annotations

import signal
from functools import partial
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from ops.safe_loop import run_safe_loop
from signals_app.registry import live
from signals_app.sources.signal_server import steps


class Command(BaseCommand):
    help = "Follow the signal server, until told to stop."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        threads = [
            Thread(target=partial(run_safe_loop, name, step, stop=stop), name=name, daemon=True)
            for name, step in steps(settings.SIGNAL_SERVER, stop, live.current).items()
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join(2)
