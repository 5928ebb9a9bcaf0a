"""Whoever was frozen on the way to the exchange sends nothing when it wakes too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from exchanges.credentials import Credentials
from exchanges.deadline import is_too_late, leaving_before
from exchanges.errors import ExchangeError, NotSent
from exchanges.types import OrderRequest, OrderType, PositionSide, Side
from exchanges.venue_clients import client_with
from tests.exchanges.capture import capturing

SECOND = timedelta(seconds=1)
ENTRY = OrderRequest(
    "BTC/USDT:USDT", Side.BUY, PositionSide.LONG, OrderType.MARKET, Decimal("0.010"), "tb-1-e1"
)


def test_a_deadline_is_of_one_request_and_ends_with_it() -> None:
    with leaving_before(datetime.now(UTC) - SECOND):
        assert is_too_late()
    with leaving_before(datetime.now(UTC) + SECOND):
        assert not is_too_late()
    assert not is_too_late()


@pytest.mark.asyncio
@pytest.mark.parametrize("venue", ["binance", "bybit"])
@pytest.mark.parametrize(("seconds", "arrived"), [(-1, 0), (60, 1)])
async def test_no_order_leaves_after_its_moment(venue: str, seconds: int, arrived: int) -> None:
    async with capturing() as capture:
        client = client_with(Credentials(venue, "key", "secret", capture.url))
        try:
            with (
                leaving_before(datetime.now(UTC) + seconds * SECOND),
                pytest.raises(ExchangeError) as refused,
            ):
                await client.create_order(ENTRY)
        finally:
            await client.close()
    assert isinstance(refused.value, NotSent) is (arrived == 0)
    assert len([one for one in capture.seen if one.method != "GET"]) == arrived
