"""The process that tells: one thread for each target that is being told, so that one that hangs holds up itself alone.

It is a process of its own because nothing that trades may wait for it, and because it must be able to tell that the
others are dead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread

from django.db import connections
from django.utils import timezone

from ops.notify import heartbeat
from ops.notify.apprise_sender import send
from ops.notify.services import delivering, spreading
from ops.notify.services.delivering import Send
from ops.safe_loop import run_safe_loop
from tradingbot import pulse
from tradingbot.alone import alone

LOCK = "ops.notify"
LOOK_SECONDS = 1.0
FORGET_EVERY = 3600.0


class Notifier:
    def __init__(self, send: Send = send) -> None:
        self._send = send
        self._telling: dict[int, Thread] = {}
        self._forgot_at = float("-inf")

    def step(self) -> None:
        """Spreads what happened and begins to tell it; waits for nobody. One process at a time is at it."""
        with alone(LOCK) as is_free:
            if is_free:
                self._work()
        pulse.tell("notify")

    def _work(self) -> None:
        now = timezone.now()
        while spreading.spread(now) == spreading.AT_ONCE:
            pass
        spreading.sum_up(now)
        if time.monotonic() - self._forgot_at > FORGET_EVERY:
            spreading.forget_old(now)
            self._forgot_at = time.monotonic()
        for target in delivering.due_targets(now):
            self._tell(target)

    def _tell(self, target: int) -> None:
        at_work = self._telling.get(target)
        if at_work is None or not at_work.is_alive():
            work = _in_own_session(lambda: delivering.deliver(target, self._send))
            thread = Thread(target=work, name=f"notify-{target}", daemon=True)
            self._telling[target] = thread
            thread.start()

    def wait(self, seconds: float) -> None:
        """For those who are being told, at the end of a process."""
        deadline = time.monotonic() + seconds
        for thread in list(self._telling.values()):
            thread.join(max(0.0, deadline - time.monotonic()))


def _in_own_session(work: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    return run


def run(stop: Event) -> None:
    """Until told to stop; the database may be away for as long as it likes."""
    notifier = Notifier()
    steps = {
        "ops.notify": (notifier.step, LOOK_SECONDS),
        "ops.heartbeat": (lambda: heartbeat.beat(timezone.now()), heartbeat.EVERY.total_seconds()),
    }
    for name, (step, pause) in steps.items():
        loop = Thread(
            target=lambda n=name, s=step, p=pause: run_safe_loop(n, s, stop=stop, pause=p), daemon=True
        )
        loop.start()
    stop.wait()
    notifier.wait(1.0)
