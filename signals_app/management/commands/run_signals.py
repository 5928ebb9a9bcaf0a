from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from exchanges.registry import warm_up
from ops.safe_loop import run_safe_loop
from ops.system_log import writer
from signals_app.registry import live
from signals_app.services.counting import end_counting
from signals_app.sources import dispatcher, redis_stream, signal_server
from signals_app.sources.stream_consumer import StreamConsumer

LONGEST_DELAY_SECONDS = 5.0
ENDS = (signal.SIGTERM, signal.SIGINT)
END_SECONDS = 1.0  # the rest of five seconds belongs to those who still have to write


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` made them before; here they would import every page
    help = (
        "Take signals from the Redis stream and from a signal server, and decide what was only accepted, until told "
        "to stop."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        warm_up()
        stop = Event()
        # waited for, not handled: a handler that comes while the event's own lock is held would wait for itself
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
        stream = redis_stream.SignalStream(redis_stream.stream_client(), str(os.getpid()))
        consumer = StreamConsumer(stream, stop)
        threads = [_started(name, step, stop) for name, step in _steps(stop, consumer).items()]
        signal.sigwait(ENDS)
        stop.set()
        deadline = time.monotonic() + END_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            end_counting()
            writer.end()
            consumer.let_go()
            os._exit(0)  # what hangs in a question is not asked to tidy up


def _steps(stop: Event, consumer: StreamConsumer) -> Mapping[str, Callable[[], object]]:
    """What is done again and again, each in a thread of its own."""
    return {
        redis_stream.NAME: consumer.take_turn,
        dispatcher.NAME: partial(dispatcher.dispatch_on, stop),
        **signal_server.steps(settings.SIGNAL_SERVER, stop, live.current),
    }


def _started(name: str, step: Callable[[], object], stop: Event) -> Thread:
    """A daemon: one that hangs does not keep the process; what it had in hand is another's then."""
    loop = partial(run_safe_loop, name, step, stop=stop, longest_delay=LONGEST_DELAY_SECONDS)
    thread = Thread(target=loop, name=name, daemon=True)
    thread.start()
    return thread
