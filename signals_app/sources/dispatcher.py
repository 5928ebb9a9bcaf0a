"""Decides what doors that must answer quickly have only accepted: as soon as they say so, and once a second anyway."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from ops.own_session import own_session
from signals_app.registry import Registry, live
from signals_app.services.dispatch import dispatch_accepted
from signals_app.services.intake import ACCEPTED_CHANNEL

NAME = "signals.dispatch"
BATCH = 100
POLL_SECONDS = 1.0


def dispatch_on(stop: Event, registry: Callable[[], Registry] = live.current) -> None:
    """Until told to stop. Listens before it looks: what is accepted in between is told."""
    with own_session() as listener:
        listener.execute(f"LISTEN {ACCEPTED_CHANNEL}")
        while not stop.is_set():
            while not stop.is_set() and dispatch_accepted(BATCH, registry()):
                pass
            for _ in listener.notifies(timeout=POLL_SECONDS, stop_after=1):
                pass
