"""What each venue's error number means for us. Facts only: no I/O, no clock.

A number that is not listed here proves nothing, so it becomes OutcomeUnknown: around a POST of an order the only
safe reading of "some error" is "maybe executed".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from exchanges.errors import (
    AccountUnusable,
    Banned,
    ExchangeError,
    InsufficientMargin,
    InvalidRequest,
    NothingToReduce,
    NotSent,
    OrderNotFound,
    OutcomeUnknown,
    PositionModeDiffers,
    PriceTooFar,
    Refused,
    WouldTriggerImmediately,
)

RATE_LIMIT_SECONDS = 10.0
OVERLOAD_SECONDS = 2.0
# the shortest; the real end is read from the answer when it says one
BAN_SECONDS: Mapping[str, float] = {"binance": 120.0, "bybit": 600.0}

_NOT_THIS_KIND = re.compile(r"(?:order ?type|conditional order).*(?:not|invalid|unsupported)", re.IGNORECASE)

_Maker = Callable[[str, str], ExchangeError]


def error_for_code(venue: str, code: str, message: str) -> ExchangeError:
    """The error to raise for an answer with this number. `message` is the venue's own sentence."""
    maker = _TABLES[venue].get(code)
    if maker is None:
        return OutcomeUnknown(message, code=code)
    if venue == "bybit" and code == "10001":
        return _bybit_parameter_error(message)
    return maker(message, code)


def is_listed(venue: str, code: str) -> bool:
    """True when the number alone decides; otherwise ask the HTTP status."""
    return code in _TABLES[venue]


def is_already_so(venue: str, code: str) -> bool:
    """The venue says the wanted state is already there: a success for whoever asked for it."""
    return code in _ALREADY_SO[venue]


def is_order_type_refused(venue: str, code: str, message: str) -> bool:
    """The venue does not take orders of this kind there (any more), whatever their numbers are."""
    if venue == "bybit" and code == "10001":  # every bad parameter has this one number
        return bool(_NOT_THIS_KIND.search(message))
    return code in _KIND_REFUSED[venue]


def is_own_failure(code: str) -> bool:
    """The venue says that it does not work itself (internal error, cut off, timed out). No number is two venues'."""
    return code in _OWN_FAILURES


def is_rate_limit(venue: str, code: str) -> bool:
    return code in {"binance": ("-1003", "-1015"), "bybit": ("10006", "10018")}[venue]


def is_clock_skew(venue: str, code: str) -> bool:
    return code == {"binance": "-1021", "bybit": "10002"}[venue]


def _kind(cls: type[ExchangeError]) -> _Maker:
    return lambda message, code: cls(message, code=code)


def _later(seconds: float) -> _Maker:
    return lambda message, code: NotSent(message, code=code, retry_after=seconds)


def _table(*groups: tuple[_Maker, str]) -> Mapping[str, _Maker]:
    return {code: maker for maker, codes in groups for code in codes.split()}


def _binance_rate_limit(message: str, code: str) -> ExchangeError:
    """HTTP 429 and the ban (HTTP 418) share one number; only the sentence tells them apart."""
    if "banned" in message.lower():
        return Banned(message, code=code, retry_after=BAN_SECONDS["binance"])
    return NotSent(message, code=code, retry_after=RATE_LIMIT_SECONDS)


def _bybit_parameter_error(message: str) -> ExchangeError:
    """10001 is every bad parameter; one of its sentences says the account's position mode is not ours."""
    text = message.lower()
    if "position idx not match position mode" in text:
        return PositionModeDiffers(message, code="10001")
    if "zero position" in text:
        return NothingToReduce(message, code="10001")
    return InvalidRequest(message, code="10001")


_BINANCE_FAILS = "-1000 -1001 -1006 -1007"
_BYBIT_FAILS = "10000 10016 170007"
_OWN_FAILURES = frozenset(f"{_BINANCE_FAILS} {_BYBIT_FAILS}".split())

_BINANCE = _table(
    (_kind(OutcomeUnknown), _BINANCE_FAILS),
    (_kind(OutcomeUnknown), "-4116 -20132"),  # duplicate client id: an earlier send arrived, look it up
    (_later(OVERLOAD_SECONDS), "-1008"),
    (_binance_rate_limit, "-1003"),
    (_later(RATE_LIMIT_SECONDS), "-1015"),
    (_later(1.0), "-1021"),
    (_kind(AccountUnusable), "-1022 -2014 -2015"),
    (_kind(AccountUnusable), "-2023 -4192 -4400"),  # in liquidation, cooling-off, quantitative rules
    (_kind(PositionModeDiffers), "-4061"),
    (_kind(InvalidRequest), "-1013 -1102 -1106 -1111 -1116 -1121 -4003 -4004 -4005 -4014 -4015 -4023"),
    (_kind(InvalidRequest), "-2007 -4028 -4120 -4130 -4135 -4136 -4164"),
    (_kind(PriceTooFar), "-4016 -4024"),
    (_kind(OrderNotFound), "-2011 -2013"),
    (_kind(InsufficientMargin), "-2018 -2019"),
    (_kind(WouldTriggerImmediately), "-2021"),
    (_kind(NothingToReduce), "-2022 -4118"),
    (
        _kind(Refused),
        "-2010 -2020 -2025 -2027 -2028 -4045 -4048 -4067 -4068 -4131 -5021 -5022 -5024 -5025 -5026",
    ),
    (_kind(Refused), "-4046 -4059 -5027"),  # already so
)

_BYBIT = _table(
    (_kind(OutcomeUnknown), _BYBIT_FAILS),
    (_kind(OutcomeUnknown), "10014 110030 110072"),  # duplicate: an earlier send arrived, look it up
    (_kind(OutcomeUnknown), "110079"),  # being processed
    (_later(1.0), "10002"),
    (_later(RATE_LIMIT_SECONDS), "10006 10018"),
    (_later(OVERLOAD_SECONDS), "10429 429 20003"),
    (_kind(AccountUnusable), "10003 10004 33004 10005 10010"),
    (_kind(InvalidRequest), "10001 110013 110094 170003"),
    (_kind(PriceTooFar), "110003 170193"),
    (_kind(OrderNotFound), "110001 110008 110010"),
    (_kind(InsufficientMargin), "110004 110006 110007 110012 110014 110045"),
    (_kind(WouldTriggerImmediately), "110092 110093"),
    (_kind(NothingToReduce), "110017"),
    (_kind(Refused), "110009 110020 110061 110024 110028 110090 170209 3400045"),
    (_kind(Refused), "110025 110026 110043 34040"),  # already so
)

_TABLES: Mapping[str, Mapping[str, _Maker]] = {"binance": _BINANCE, "bybit": _BYBIT}

# unsupported operation, invalid order type, another endpoint; at Bybit: no such path, request not supported
_KIND_REFUSED: Mapping[str, frozenset[str]] = {
    "binance": frozenset({"-1020", "-1116", "-4120"}),
    "bybit": frozenset({"10017", "10020"}),
}

_ALREADY_SO: Mapping[str, frozenset[str]] = {
    "binance": frozenset({"-4046", "-4059", "-5027"}),
    "bybit": frozenset({"110025", "110026", "110043", "34040"}),
}
