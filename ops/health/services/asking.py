"""What a person asks for from the health page."""

from __future__ import annotations

from django.utils import timezone

from exchanges.models import AccountWatch
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


def reconnect(by: str) -> str:
    """The market process sees it within seconds: each stream gets a successor, and prices are told by the old one until
    that is open."""
    asked = AccountWatch.objects.update(reconnect_asked_at=timezone.now())
    if not asked:
        return "Nothing to connect anew: no account was listened to yet."
    log_system_event("INFO", __name__, "all streams are opened anew, as was asked for", by=by)
    return "Asked for. Every stream is opened anew within seconds; orders and stops at the exchanges stay as they are."
