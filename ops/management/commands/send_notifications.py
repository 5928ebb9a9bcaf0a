from __future__ import annotations

import os
import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand

from ops.notify.notifier import run
from ops.system_log import writer


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` made them before; here they would import every page
    help = "Tell the notification targets what happened, and call the outside watcher, until told to stop."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        run(stop)
        writer.end()
        os._exit(0)  # what hangs at somebody's server is not waited for
