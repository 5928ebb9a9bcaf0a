"""The names of everything that can go wrong, for plans, storms and whoever plays the exchange. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class RequestKind(StrEnum):
    """`after`: the work is done, and the client does not learn it. The others without it: nothing was done."""

    CLOSE_BEFORE = "close_before"
    CLOSE_AFTER = "close_after"
    DELAY_BEFORE = "delay_before"  # done late; refused when the request's window has passed by then
    DELAY_AFTER = "delay_after"
    ANSWER = "answer"
    ANSWER_AFTER = "answer_after"
    HTML = "html"
    HTML_AFTER = "html_after"
    EMPTY = "empty"
    EMPTY_AFTER = "empty_after"
    HALF_BODY = "half_body"  # done
    TOO_MANY = "too_many"
    BANNED = "banned"
    CLOCK_SKEW = "clock_skew"  # checked by a clock that is skew_ms off
    EVENT_FIRST = "event_first"  # done, told on the private stream, and only then answered


class EventKind(StrEnum):
    DUPLICATE = "duplicate"
    REORDER = "reorder"  # changes places with the next one
    LATE = "late"  # it and what follows it come later
    DROP = "drop"
    SILENT = "silent"  # the sockets stay open and say nothing more
    CUT = "cut"
    REFUSE = "refuse"  # cut, and no new socket for a while
    EXPIRE = "expire"  # the listenKey ends with its last event
    EXPIRE_SILENTLY = "expire_silently"


REQUEST_KINDS, EVENT_KINDS = tuple(RequestKind), tuple(EventKind)
WORK_IS_DONE = frozenset(
    {
        RequestKind.CLOSE_AFTER,
        RequestKind.DELAY_BEFORE,
        RequestKind.DELAY_AFTER,
        RequestKind.ANSWER_AFTER,
        RequestKind.HTML_AFTER,
        RequestKind.EMPTY_AFTER,
        RequestKind.HALF_BODY,
        RequestKind.EVENT_FIRST,
    }
)
FAILED_STATUSES = (500, 502, 503, 504, 408)
_ORDER_PATHS = (
    "/order", "/algoOrder", "/allOpenOrders", "/algoOpenOrders", "/batchOrders",
    "/order/create", "/order/amend", "/order/cancel", "/order/cancel-all", "/position/trading-stop",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault as it happens: seconds of a delay, of a refusal or to wait before the next try; status and body
    of an answer; skew_ms of the clock."""

    kind: str
    seconds: float = 1.0
    status: int = 503
    body: str = ""
    skew_ms: int = 5000


def is_order_call(method: str, path: str) -> bool:
    """Places, changes or cancels orders."""
    return method in ("POST", "PUT", "DELETE") and path.endswith(_ORDER_PATHS)


def is_meant(method: str, path: str, patterns: Sequence[str], *, orders_only: bool) -> bool:
    """A pattern is a path, or a method and a path, with * for anything."""
    if orders_only and not is_order_call(method, path):
        return False
    return any(fnmatchcase(f"{method} {path}" if " " in one else path, one) for one in patterns)
