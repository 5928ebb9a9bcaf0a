"""Which refusals are about the kind of an order, and not about its numbers."""

from __future__ import annotations

import pytest

from exchanges.venue_codes import is_order_type_refused


@pytest.mark.parametrize(
    ("venue", "code", "message", "verdict"),
    [
        ("binance", "-4120", "Order type not supported for this endpoint.", True),
        ("binance", "-1116", "Invalid orderType.", True),
        ("binance", "-2021", "Order would immediately trigger.", False),
        ("binance", "-4045", "Reach max stop order limit.", False),
        ("binance", "", "", False),
        ("bybit", "10001", "OrderType is not supported", True),
        ("bybit", "10001", "Conditional orders are not allowed for this symbol", True),
        ("bybit", "10001", "Qty invalid", False),
        ("bybit", "10020", "Request not supported.", True),
        ("bybit", "110093", "expect Falling, but trigger_price[1] >= current[1]", False),
    ],
)
def test_the_kind_of_order_is_refused(venue: str, code: str, message: str, verdict: bool) -> None:
    assert is_order_type_refused(venue, code, message) is verdict
