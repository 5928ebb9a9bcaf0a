"""Each venue's number becomes the error that says what to do next."""

from __future__ import annotations

import pytest

from exchanges import errors
from exchanges.venue_codes import error_for_code, is_already_so, is_listed

CASES = [
    ("binance", "-2019", errors.InsufficientMargin),
    ("binance", "-2018", errors.InsufficientMargin),
    ("binance", "-2021", errors.WouldTriggerImmediately),
    ("binance", "-2022", errors.NothingToReduce),
    ("binance", "-4118", errors.NothingToReduce),
    ("binance", "-5026", errors.Refused),
    ("binance", "-2011", errors.OrderNotFound),
    ("binance", "-2013", errors.OrderNotFound),
    ("binance", "-2015", errors.AccountUnusable),
    ("binance", "-1022", errors.AccountUnusable),
    ("binance", "-4061", errors.PositionModeDiffers),
    ("binance", "-1111", errors.InvalidRequest),
    ("binance", "-4164", errors.InvalidRequest),
    ("binance", "-4130", errors.InvalidRequest),
    ("binance", "-2007", errors.InvalidRequest),
    ("binance", "-4135", errors.InvalidRequest),
    ("binance", "-5022", errors.Refused),
    ("binance", "-4016", errors.PriceTooFar),
    ("binance", "-4024", errors.PriceTooFar),
    ("bybit", "110003", errors.PriceTooFar),
    ("binance", "-1003", errors.NotSent),
    ("binance", "-1008", errors.NotSent),
    ("binance", "-1021", errors.NotSent),
    ("binance", "-1000", errors.OutcomeUnknown),
    ("binance", "-1007", errors.OutcomeUnknown),
    ("binance", "-4116", errors.OutcomeUnknown),
    ("binance", "-20132", errors.OutcomeUnknown),
    ("binance", "-9999", errors.OutcomeUnknown),
    ("bybit", "110007", errors.InsufficientMargin),
    ("bybit", "110017", errors.NothingToReduce),
    ("bybit", "110001", errors.OrderNotFound),
    ("bybit", "110092", errors.WouldTriggerImmediately),
    ("bybit", "10003", errors.AccountUnusable),
    ("bybit", "10002", errors.NotSent),
    ("bybit", "10006", errors.NotSent),
    ("bybit", "10000", errors.OutcomeUnknown),
    ("bybit", "10016", errors.OutcomeUnknown),
    ("bybit", "110072", errors.OutcomeUnknown),
    ("bybit", "424242", errors.OutcomeUnknown),
]


@pytest.mark.parametrize(("venue", "code", "kind"), CASES)
def test_number_decides(venue: str, code: str, kind: type[errors.ExchangeError]) -> None:
    error = error_for_code(venue, code, "its sentence")
    assert type(error) is kind
    assert (error.code, str(error)) == (code, "its sentence")


def test_a_ban_waits_longer_than_a_rate_limit() -> None:
    limited = error_for_code("binance", "-1003", "Too many requests")
    banned = error_for_code("binance", "-1003", "Way too many requests; IP banned until 1659146400000.")
    assert isinstance(limited, errors.NotSent)
    assert isinstance(banned, errors.NotSent)
    assert banned.retry_after >= 120 > limited.retry_after > 0


def test_bybits_parameter_error_is_read_by_its_sentence() -> None:
    mode = error_for_code("bybit", "10001", "position idx not match position mode")
    flat = error_for_code("bybit", "10001", "can not set tp/sl/ts for zero position")
    other = error_for_code("bybit", "10001", "Qty invalid")
    assert [type(e) for e in (mode, flat, other)] == [
        errors.PositionModeDiffers,
        errors.NothingToReduce,
        errors.InvalidRequest,
    ]


@pytest.mark.parametrize(
    ("venue", "code"), [("binance", "-4059"), ("binance", "-4046"), ("bybit", "110043"), ("bybit", "34040")]
)
def test_already_so_is_a_success_for_whoever_asked_for_it(venue: str, code: str) -> None:
    assert is_already_so(venue, code)
    assert isinstance(error_for_code(venue, code, ""), errors.Refused)


def test_an_unlisted_number_is_not_listed() -> None:
    assert is_listed("binance", "-2019")
    assert not is_listed("binance", "-9999")
    assert not is_already_so("binance", "-2019")
