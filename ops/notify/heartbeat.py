"""Calls the outside watcher each minute, only while all is well: who hears nothing for some minutes knows that
something is wrong, also when nothing here can tell anybody.

Its address is a secret: whoever knows it can call in our place.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from django.conf import settings

from ops.health import report
from ops.health.facts import Facts, facts
from ops.health.lines import State
from ops.notify.services import beating

EVERY = timedelta(minutes=1)
CALL_SECONDS = 10.0


def beat(now: datetime) -> None:
    """One call, or the reason why there is none, as a row."""
    if not settings.HEARTBEAT_URL.get_secret_value():
        return
    if reason := reason_to_be_silent(facts.get()):
        beating.was_silent(reason, now)
    else:
        error = _call(settings.HEARTBEAT_URL.get_secret_value())
        beating.was_tried(error, now)


def reason_to_be_silent(now: Facts) -> str:
    """What is not known is a reason, too."""
    if now.database_ms is None or now.redis_ms is None:
        return "the database does not answer" if now.database_ms is None else "Redis does not answer"
    programs = report.programs(now)
    dead = [programs[name].name for name in ("beat", "sweeps") if programs[name].state is not State.GOOD]
    if dead:
        return f"no sign of life: {', '.join(dead)}"
    if not now.checks:
        return "nobody has asked yet what must always be true"
    wrong = [one["name"] for one in now.checks if one["is_true"] is not True]
    return f"not true, or not known: {'; '.join(wrong)}" if wrong else ""


def _call(url: str) -> str:
    """Why it was not heard; never with the address."""
    try:
        with urlopen(Request(url, headers={"User-Agent": "tradingbot"}), timeout=CALL_SECONDS):  # noqa: S310  (http alone, by the environment)
            return ""
    except HTTPError as error:
        return f"it answered {error.code}"
    except Exception as error:  # its text may hold the address
        return f"it could not be reached ({type(error).__name__})"
