"""The kinds of trouble a request can meet: does the exchange do the work, and what does the caller hear.

What is heard goes through the product's own table of errors, as an answer over HTTP would.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from exchanges.ccxt_errors import Wire, translate
from exchanges.errors import ExchangeError


@dataclass(frozen=True, slots=True)
class Fault:
    """`works`: the exchange carries the request out. `cause` is ccxt's class for it."""

    works: bool
    cause: str
    status: int | None = None
    answer: object = None
    retry_after: int | None = None


def _no(code: int, message: str, status: int = 400, cause: str = "ExchangeError") -> Fault:
    return Fault(False, cause, status, {"code": code, "msg": message})


_LOST = {"code": -1007, "msg": "Timeout waiting for response from backend server."}
_PAGE = "<html><body>Bad Gateway</body></html>"
# the words of exchanges.paper.fault_kinds where it has them
FAULTS: Mapping[str, Fault] = {
    "close_before": Fault(False, "NetworkError"),
    "close_after": Fault(True, "NetworkError"),
    "delay_before": Fault(False, "RequestTimeout"),  # carried out after the caller has given up
    "delay_after": Fault(True, "RequestTimeout"),
    "answer": Fault(False, "ExchangeNotAvailable", 503, _LOST),
    "answer_after": Fault(True, "ExchangeNotAvailable", 503, _LOST),
    "html": Fault(False, "ExchangeNotAvailable", 502, _PAGE),
    "html_after": Fault(True, "BadResponse", 200, _PAGE),
    "empty": Fault(False, "NullResponse", 200, {}),
    "empty_after": Fault(True, "NullResponse", 200, {}),  # an order without an id
    "half_body": Fault(True, "BadResponse", 200, '{"orderId": 1000'),
    "too_many": Fault(
        False, "RateLimitExceeded", 429, {"code": -1003, "msg": "Too many requests."}, retry_after=3
    ),
    "banned": Fault(False, "DDoSProtection", 418, {"code": -1003, "msg": "IP banned until {until}."}),
    "clock_skew": _no(-1021, "Timestamp for this request is outside of the recvWindow."),
    "overload": _no(-1008, "Server is currently overloaded with other requests.", 503),
    "margin": _no(-2019, "Margin is insufficient."),
    "nothing_to_reduce": _no(-2022, "ReduceOnly Order is rejected."),
    "unreachable": Fault(False, "ExchangeNotAvailable"),
}
TIMEOUT_SECONDS = 10.0
_BYBIT_LOST = {"retCode": 10000, "retMsg": "Server Timeout"}


def _bybit_no(code: int, message: str, cause: str = "ExchangeError") -> Fault:
    return Fault(False, cause, 200, {"retCode": code, "retMsg": message})


# where the other exchange words it in its own way
BYBITS: Mapping[str, Fault] = {
    "answer": Fault(False, "ExchangeError", 200, _BYBIT_LOST),
    "answer_after": Fault(True, "ExchangeError", 200, _BYBIT_LOST),
    "half_body": Fault(True, "BadResponse", 200, '{"retCode":0,"retMsg":"O'),
    "too_many": _bybit_no(10006, "Too many visits. Exceeded the API Rate Limit.", "RateLimitExceeded"),
    "clock_skew": _bybit_no(10002, "invalid request, please check your server timestamp", "InvalidNonce"),
    "overload": _bybit_no(10429, "System level frequency protection"),
    "margin": _bybit_no(110007, "ab not enough for new order", "InsufficientFunds"),
    "nothing_to_reduce": _bybit_no(110017, "current position is zero", "InvalidOrder"),
}
# these go on for a while once they have begun
LASTING = ("banned", "unreachable")


def heard(kind: str, until: float, *, writing: bool, venue: str) -> ExchangeError:
    """`until`: when a lasting trouble ends, seconds of the epoch."""
    if (kind, venue) == (
        "banned",
        "bybit",
    ):  # its ban lasts ten minutes, and we keep to that: longer than a world
        kind = "unreachable"
    fault, wire = (BYBITS.get(kind) if venue == "bybit" else None) or FAULTS[kind], Wire()
    answer = fault.answer
    if isinstance(answer, dict) and "msg" in answer:
        answer = answer | {"msg": answer["msg"].format(until=int(max(until, time.time() + 1) * 1000))}
    if kind != "unreachable":
        wire.changed_something = writing  # long ago: its moment to leave is over by now
    if fault.status is not None:
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        wire.answered(fault.status, headers, answer)
    return translate(venue, _raised(fault.cause, kind), wire, writing=writing)


def _raised(cause: str, kind: str) -> Exception:
    error: Exception = type(cause, (Exception,), {})(kind)
    if kind == "unreachable":
        error.__cause__ = type("ClientConnectorError", (Exception,), {})()
    return error
