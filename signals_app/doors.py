"""What the doors share: threads for their commits, the senders they know, and what is left when a commit fails."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from ops.system_log import log_system_event
from signals_app.limits import strangers
from signals_app.models import SignalStatus
from signals_app.networks import client_address
from signals_app.reasons import ReasonCode
from signals_app.registry import Registry, live
from signals_app.services.arrivals import Arrival, Verdict
from signals_app.services.intake import log_failure
from tradingbot.own_threads import OwnThreads

logger = logging.getLogger(__name__)

UNRECORDED = Verdict(SignalStatus.IGNORED, reason_code=ReasonCode.INTERNAL_ERROR)
UNKNOWN_TOKEN = "this token is not known"  # noqa: S105
# commits of several senders run side by side, each on a connection that is kept
in_thread = OwnThreads(8, "signals").run


async def registry() -> Registry:
    """From memory; the thread is needed for the very first time only."""
    loaded = live.loaded
    return await in_thread(live.current) if loaded is None else loaded


def failed(arrival: Arrival, error: Exception) -> Verdict:
    """Of a message that we failed on, with a row where even that can be written. Never raises."""
    logger.error("a message of %s could not be handled", arrival.source, exc_info=error)
    try:
        return log_failure(arrival, error)
    except Exception:
        logger.exception("nor could a row be written")
        return UNRECORDED


def address_of(scope: Mapping[str, Any]) -> str:
    """Of who sent it, by the word of proxies we trust alone."""
    peer = (scope.get("client") or ("",))[0]
    told = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return client_address(peer, ",".join(told), settings.TRUSTED_PROXIES)


def bearer(scope: Mapping[str, Any]) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return str(value[7:].decode("latin-1")).strip()
    return None


def without_token(raw: bytes | str, token: str) -> bytes | str:
    """Wherever a sender wrote its own token: a message is kept, and shown."""
    if isinstance(raw, str):
        return raw.replace(token, "...")
    return raw.replace(token.encode("utf-8", "surrogatepass"), b"...")


def meet_stranger(door: str, address: str) -> bool:
    """Whether it should wait for its answer. Told without the token, and not for each attempt of a flood."""
    if strangers.is_flooding(address):
        return True
    log_system_event("WARNING", __name__, f"a wrong token at the {door}", address=address)
    return False
