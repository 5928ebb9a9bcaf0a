"""What a person asks for from the health page."""

from __future__ import annotations

from ops.system_log import log_system_event
from tradingbot.celery import app

TASK, QUEUE = "positions.tasks.reconcile", "reconcile"
EXPIRES_SECONDS = 30


def reconcile_now(by: str) -> str:
    """A hint like the one of beat: the worker compares all accounts, alone. Their ages show what became of it."""
    try:
        app.send_task(TASK, queue=QUEUE, retry=False, ignore_result=True, expires=EXPIRES_SECONDS)
    except Exception as error:  # whatever the broker raises
        return f"Not asked for: the queue cannot be reached ({type(error).__name__})."
    log_system_event("INFO", __name__, "a comparison with all exchanges was asked for", by=by)
    return "Asked for. The accounts below show when they were compared last."
