"""From a failed ccxt call to one of our errors: number first, exception class second, otherwise "unknown".

ccxt's own exception text is never used: it holds signed URLs. Our errors carry the venue's number and
sentence only.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

from exchanges.budget_rules import Lane
from exchanges.deadline import is_too_late
from exchanges.errors import (
    AccountUnusable,
    Banned,
    ExchangeError,
    InsufficientMargin,
    InvalidRequest,
    NotReached,
    NotSent,
    OrderNotFound,
    OutcomeUnknown,
    Refused,
)
from exchanges.venue_codes import BAN_SECONDS, RATE_LIMIT_SECONDS, error_for_code, is_listed, is_rate_limit

LONGEST_MESSAGE = 300
_BANS = (418, 403)  # of the two venues
_LOOKS_SECRET = re.compile(r"[A-Za-z0-9]{40,}")  # keys, signatures, listenKeys; our client ids stop at 36

# ccxt class names, most special first; meaningful only next to a number, or when nothing was sent
_CLASSES: Mapping[str, type[ExchangeError]] = {
    "InsufficientFunds": InsufficientMargin,
    "OrderNotFound": OrderNotFound,
    "PermissionDenied": AccountUnusable,
    "AccountSuspended": AccountUnusable,
    "AuthenticationError": AccountUnusable,
    "InvalidOrder": InvalidRequest,
    "BadRequest": InvalidRequest,  # also BadSymbol
    "ArgumentsRequired": InvalidRequest,
    "NotSupported": InvalidRequest,
    "OperationRejected": Refused,
}


@dataclass(slots=True)
class Wire:
    """What one call did on the wire; the recording exchange class fills it in."""

    lane: Lane = Lane.READING
    send_before: float = float("inf")
    changed_something: bool = False
    status: int | None = None
    answer: object = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def begins(self, method: str) -> None:
        """Raises NotSent when a change comes too late: absence is proven by counting from its beginning."""
        if method.upper() != "GET" and (time.monotonic() > self.send_before or is_too_late()):
            raise NotSent("held up before it was sent", retry_after=0.5)
        self.changed_something = self.changed_something or method.upper() != "GET"
        self.status, self.answer, self.headers = None, None, {}

    def answered(self, status: int, headers: Mapping[str, str], answer: object) -> None:
        self.status, self.answer, self.headers = status, answer, headers


CONNECTED = object()  # what a stream's listener hears when its socket is open
WIRE: ContextVar[Wire | None] = ContextVar("WIRE", default=None)


def translate(venue: str, error: Exception, wire: Wire, *, writing: bool) -> ExchangeError:
    """The error to raise. While writing, whatever failed before the first POST left is proven not sent."""
    if isinstance(error, ExchangeError):
        return error
    told = None if _may_have_arrived(venue, wire) else told_to_wait(venue, wire)
    found = told or _by_number(venue, error, wire) or _by_cause(error, wire)
    if writing and not wire.changed_something and isinstance(found, OutcomeUnknown):
        return (NotSent if found.code else NotReached)(str(found), code=found.code)
    return found


def venue_answer(answer: object) -> tuple[str, str]:
    """The venue's number and sentence, or two empty texts. A zero or 200 is not an error number."""
    if not isinstance(answer, Mapping):
        return "", ""
    code = str(answer.get("code", answer.get("retCode", "")))
    message = str(answer.get("msg", answer.get("retMsg", "")) or "")
    return ("", "") if code in ("0", "200", "None") else (code, scrubbed(message))


def scrubbed(message: str) -> str:
    return _LOOKS_SECRET.sub("...", message)[:LONGEST_MESSAGE]


def told_to_wait(venue: str, wire: Wire) -> NotSent | None:
    """The venue's demand to ask less, with the time it named or the shortest that it can mean."""
    code, message = venue_answer(wire.answer)
    if wire.status not in (418, 429) and not is_rate_limit(venue, code) and not _is_bare_ban(venue, wire):
        return None
    is_ban = wire.status in _BANS or "banned" in message.lower()
    kind, floor = (Banned, BAN_SECONDS[venue]) if is_ban else (NotSent, RATE_LIMIT_SECONDS)
    wait = _retry_after(wire.headers) or _reset_in(wire.headers) or _ban_left(message) or floor
    return kind(message or f"HTTP {wire.status}", code=code, retry_after=wait)


def _is_bare_ban(venue: str, wire: Wire) -> bool:
    """Bybit's gate says no more to an address that asked too often."""
    return venue == "bybit" and wire.status == 403 and not venue_answer(wire.answer)[0]


def _may_have_arrived(venue: str, wire: Wire) -> bool:
    """A bare 403 names no request: around an order it ends the asking and proves nothing."""
    return wire.changed_something and _is_bare_ban(venue, wire)


def _header(headers: Mapping[str, str], wanted: str) -> str:
    return next((value for name, value in headers.items() if name.lower() == wanted), "")


def _reset_in(headers: Mapping[str, str]) -> float | None:
    """Bybit names the moment, in milliseconds; one that has passed is that of the answer."""
    text = _header(headers, "x-bapi-limit-reset-timestamp")
    left = int(text) / 1000 - time.time() if text.isdigit() else 0.0
    return left if left > 0 else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = _header(headers, "retry-after")
    return float(text) if text.strip().isdigit() and int(text) > 0 else None


def _ban_left(message: str) -> float | None:
    """Binance names the end of a ban in milliseconds: 'IP banned until 1659146400000.'"""
    until = re.search(r"until (\d{13})", message)
    left = int(until.group(1)) / 1000 - time.time() if until else 0.0
    return left if left > 0 else None


def _by_number(venue: str, error: Exception, wire: Wire) -> ExchangeError | None:
    code, message = venue_answer(wire.answer)
    if not code:
        return None
    if is_listed(venue, code):
        return error_for_code(venue, code, message)
    cls = _class_of(error)
    return cls(message, code=code) if cls and wire.status != 408 else OutcomeUnknown(message, code=code)


def _by_cause(error: Exception, wire: Wire) -> ExchangeError:
    """No number: either nothing left this machine, or nobody knows."""
    if _names(error.__cause__) & {"ClientConnectorError"}:
        return NotReached("The exchange could not be reached.")
    cls = _class_of(error)
    if cls and not wire.changed_something and (wire.status is None or wire.status < 300):
        return cls(f"{type(error).__name__}: refused before anything was sent")
    status = "" if wire.status is None else f" (HTTP {wire.status})"
    return OutcomeUnknown(f"{type(error).__name__}{status}")


def _class_of(error: Exception) -> type[ExchangeError] | None:
    names = _names(error)
    return next((ours for theirs, ours in _CLASSES.items() if theirs in names), None)


def _names(error: BaseException | None) -> set[str]:
    return {cls.__name__ for cls in type(error).__mro__}
