"""How much one client may ask, minute by minute."""

from __future__ import annotations

import pytest

from exchanges.paper.binance_rest import ENDPOINTS
from exchanges.paper.binance_weights import ORDERS, weight_of
from exchanges.paper.rate_limits import Limits, MustWait, RateLimits

ME, HOME = "paper-1", "127.0.0.1"
START = 1_700_000_040_000  # a whole minute
MINUTE = 60_000


def made(**words: int) -> RateLimits:
    return RateLimits(Limits(**words))


def refusal(limits: RateLimits, weight: int = 1, at: int = START) -> MustWait:
    with pytest.raises(MustWait) as caught:
        limits.weigh(ME, HOME, weight, at)
    return caught.value


def test_a_minutes_weight_is_what_there_is() -> None:
    limits = made(weight_per_minute=10)
    for _ in range(2):
        limits.weigh(ME, HOME, 5, START)
    no = refusal(limits, at=START + 12_345)
    assert (no.http_status, no.code, no.retry_after) == (429, -1003, 48)
    assert limits.headers(ME, HOME, START) == {"X-MBX-USED-WEIGHT-1M": "10"}
    limits.weigh(ME, HOME, 10, START + MINUTE)
    assert limits.headers(ME, HOME, START + MINUTE) == {"X-MBX-USED-WEIGHT-1M": "10"}


def test_what_fits_no_more_is_not_counted() -> None:
    limits = made(weight_per_minute=10)
    limits.weigh(ME, HOME, 8, START)
    refusal(limits, 3)
    limits.weigh(ME, HOME, 2, START)


def test_accounts_are_weighed_apart_unless_by_address() -> None:
    limits = made(weight_per_minute=1)
    limits.weigh(ME, HOME, 1, START)
    limits.weigh("paper-2", HOME, 1, START)
    limits.weigh("", HOME, 1, START)  # without a key the address is known alone
    shared = RateLimits(Limits(weight_per_minute=1, weight_by_address=True))
    shared.weigh("paper-2", HOME, 1, START)
    assert refusal(shared).code == -1003


@pytest.mark.parametrize(
    ("words", "step", "back_after"),
    [({"orders_per_10s": 3}, 1_000, 7), ({"orders_per_minute": 3}, 10_000, 30)],
)
def test_orders_have_limits_of_their_own(words: dict[str, int], step: int, back_after: int) -> None:
    limits = made(**words)
    for number in range(3):
        limits.count_order(ME, HOME, START + number * step)
    with pytest.raises(MustWait) as caught:
        limits.count_order(ME, HOME, START + 3 * step)
    no = caught.value
    assert (no.http_status, no.code, no.retry_after) == (429, -1015, back_after)
    limits.count_order("paper-2", HOME, START + 3 * step)
    limits.count_order(ME, HOME, START + 3 * step + back_after * 1000)


def test_order_counts_are_told() -> None:
    limits = made()
    for at in (START, START + 1, START + 10_000):
        limits.count_order(ME, HOME, at)
    told = limits.order_headers(ME, START + 10_000)
    assert told == {"X-MBX-ORDER-COUNT-10S": "1", "X-MBX-ORDER-COUNT-1M": "3"}


def test_who_goes_on_is_banned_and_longer_each_time() -> None:
    limits = made(weight_per_minute=1, ban_after=2, ban_seconds=120)
    limits.weigh(ME, HOME, 1, START)
    assert [refusal(limits).http_status for _ in range(4)] == [429, 429, 418, 418]
    assert refusal(limits).retry_after == 120
    assert str(START + 120_000) in refusal(limits).message
    assert refusal(limits, at=START + 119_001).retry_after == 1  # the window is new, the ban is not over
    after = START + 120_000
    limits.weigh(ME, HOME, 1, after)
    assert [refusal(limits, at=after).http_status for _ in range(3)] == [429, 429, 418]
    assert refusal(limits, at=after).retry_after == 240


def test_who_waits_is_forgiven() -> None:
    limits = made(weight_per_minute=1, ban_after=1)
    for minute in range(5):
        limits.weigh(ME, HOME, 1, START + minute * MINUTE)
        assert refusal(limits, at=START + minute * MINUTE).http_status == 429


@pytest.mark.parametrize(
    ("method", "path", "params", "weight"),
    [
        ("GET", "/fapi/v1/openOrders", {}, 40),
        ("GET", "/fapi/v1/openOrders", {"symbol": "BTCUSDT"}, 1),
        ("GET", "/fapi/v1/forceOrders", {}, 50),
        ("GET", "/fapi/v1/klines", {"limit": "99"}, 1),
        ("GET", "/fapi/v1/klines", {}, 5),
        ("GET", "/fapi/v1/klines", {"limit": "99999"}, 10),
        ("GET", "/fapi/v1/depth", {"limit": "5"}, 2),
        ("GET", "/fapi/v1/depth", {"limit": "x"}, 10),
        ("GET", "/fapi/v1/income", {}, 30),
        ("GET", "/fapi/v1/nothing", {}, 1),
        ("DELETE", "/fapi/v1/order", {}, 1),
        ("POST", "/fapi/v1/order", {}, 0),
        ("POST", "/fapi/v1/algoOrder", {}, 0),
    ],
)
def test_weights(method: str, path: str, params: dict[str, str], weight: int) -> None:
    assert weight_of(method, path, params) == weight


def test_every_call_weighs_something_or_is_an_order() -> None:
    assert set(ENDPOINTS) >= ORDERS
    assert all(weight_of(*call, {}) > 0 for call in set(ENDPOINTS) - ORDERS)
