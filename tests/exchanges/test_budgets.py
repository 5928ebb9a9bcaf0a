"""One budget for everybody who uses a key: never exceeded, stops before polls, and obedient to the venue's answers."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import multiprocessing
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import pytest
import redis
from django.conf import settings
from pytest_django.fixtures import Settings

from exchanges import budgets
from exchanges.budget_rules import RULES, Cost, Lane, Unit, lane_of
from exchanges.budgets import Budget
from exchanges.credentials import Credentials
from exchanges.errors import Banned, NotSent
from exchanges.types import OrderRequest, OrderType, PositionSide, Side

HOST = "https://fapi.example"
POLL = ("GET", f"{HOST}/fapi/v1/openOrders?timestamp=1")  # weight 40
LOOK_UP = ("GET", f"{HOST}/fapi/v1/order?symbol=BTCUSDT&origClientOrderId=x")  # weight 1
ORDER = ("POST", f"{HOST}/fapi/v1/order")
STOP = ("POST", f"{HOST}/fapi/v1/algoOrder")
Answer = TypeVar("Answer")
_places = itertools.count(1)
_started = time.time_ns()


@pytest.fixture
def place() -> str:
    """A venue that nobody has asked anything yet."""
    return f"http://place-{_started}-{next(_places)}:1"


@pytest.fixture(autouse=True)
def _redis_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "_away_until", float("-inf"))
    monkeypatch.setattr(budgets, "_complained_at", float("-inf"))


def budget_at(place: str, key: str = "a-key") -> Budget:
    return Budget(Credentials("binance", key, "secret", place))


def using(place: str, act: Callable[[Budget], Awaitable[Answer]], key: str = "a-key") -> Answer:
    """As another process would: a budget, a loop and a connection of its own."""

    async def run() -> Answer:
        budget = budget_at(place, key)
        try:
            return await act(budget)
        finally:
            await budget.close()

    return asyncio.run(run())


def admitted(place: str, request: tuple[str, str], lane: Lane, tries: int, key: str = "a-key") -> int:
    async def ask(budget: Budget) -> int:
        count = 0
        for _ in range(tries):
            try:
                await budget.admit(*request, lane)
            except NotSent:
                continue
            count += 1
        return count

    return using(place, ask, key)


def refusal(place: str, request: tuple[str, str], lane: Lane, key: str = "a-key") -> NotSent:
    with pytest.raises(NotSent) as caught:
        using(place, lambda budget: budget.admit(*request, lane), key)
    return caught.value


def hears(place: str, lane: Lane, told: NotSent | None = None, key: str = "a-key", **headers: str) -> None:
    """An answer arrives in one process."""

    async def hear(budget: Budget) -> None:
        admission = await budget.admit(*LOOK_UP, lane)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        await budget.hear(admission, named, told)

    using(place, hear, key)


# never more than allowed


def test_many_at_once_take_exactly_what_is_there(place: str) -> None:
    """1440 of the 2400 are for reading: 36 listings of all orders."""
    with ThreadPoolExecutor(8) as threads:
        counts = list(threads.map(lambda _: admitted(place, POLL, Lane.READING, 20), range(8)))
    assert sum(counts) == 36


def _in_a_process(place: str, found: multiprocessing.Queue[int]) -> None:
    found.put(admitted(place, ORDER, Lane.ENTRY, 200))


def test_processes_share_the_orders_of_a_key(place: str) -> None:
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    children = [context.Process(target=_in_a_process, args=(place, found)) for _ in range(3)]
    for child in children:
        child.start()
    counts = [found.get(timeout=60) for _ in children]
    for child in children:
        child.join()
    assert sum(counts) == 240, "80 % of 300 orders in 10 seconds"
    assert admitted(place, ORDER, Lane.ENTRY, 5, key="another key") == 5


def test_no_second_ever_holds_more_than_allowed(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever one lets a second begin: a new window of ours must not lie half in an old one of the venue."""
    rules = RULES["binance"]
    orders_a_second = replace(rules.limits[1], allowed=50, seconds=1)
    monkeypatch.setitem(RULES, "binance", replace(rules, limits=(orders_a_second,)))  # type: ignore[arg-type]

    def hammer(_: int) -> list[float]:
        async def until_enough(budget: Budget) -> list[float]:
            times: list[float] = []
            while len(times) < 40:
                try:
                    await budget.admit(*ORDER, Lane.PROTECTIVE)
                except NotSent:
                    continue
                times.append(time.monotonic())
            return times

        return using(place, until_enough)

    with ThreadPoolExecutor(4) as threads:
        times = sorted(itertools.chain.from_iterable(threads.map(hammer, range(4))))
    assert len(times) == 160
    for number, start in enumerate(times):
        within = [at for at in times[number:] if at < start + 0.95]
        assert len(within) <= 50


# who goes first


@pytest.mark.parametrize("weaker", [Lane.READING, Lane.ENTRY, Lane.REDUCING])
def test_what_uses_up_its_share_leaves_room_for_what_matters_more(place: str, weaker: Lane) -> None:
    used = RULES["binance"].limits[0].share_of(weaker)
    hears(place, Lane.PROTECTIVE, X_MBX_USED_WEIGHT_1M=str(used))
    lanes = list(Lane)
    could = [admitted(place, LOOK_UP, lane, 1) == 1 for lane in lanes]
    assert could == [lane < lanes.index(weaker) for lane in range(len(lanes))]


def test_a_stop_is_placed_though_polls_and_entries_have_used_up_their_shares(place: str) -> None:
    assert admitted(place, POLL, Lane.READING, 50) == 36
    assert admitted(place, ORDER, Lane.ENTRY, 300) == 240
    assert admitted(place, ORDER, Lane.REDUCING, 60) == 45
    assert admitted(place, STOP, Lane.PROTECTIVE, 20) == 15, "up to the venue's own 300 in 10 seconds"


def test_a_refusal_says_what_is_used_up_and_for_how_long(place: str) -> None:
    admitted(place, ORDER, Lane.ENTRY, 240)
    error = refusal(place, ORDER, Lane.ENTRY)
    assert str(error).startswith("the 240 of 300 orders per 10 seconds for entry requests are used up for ")
    assert 8 < error.retry_after <= 11


def test_the_lane_of_an_order_is_read_from_what_it_is_for() -> None:
    entry = OrderRequest("S", Side.BUY, PositionSide.LONG, OrderType.MARKET, 1, "id")  # type: ignore[arg-type]
    close = replace(entry, reduce_only=True)
    assert [lane_of(r) for r in (entry, close, replace(close, order_type=OrderType.STOP_MARKET))] == [
        Lane.ENTRY,
        Lane.REDUCING,
        Lane.PROTECTIVE,
    ]


# what the venue says


def test_what_the_venue_counted_corrects_us_upwards_everywhere(place: str) -> None:
    hears(place, Lane.READING, X_MBX_USED_WEIGHT_1M="1439")
    assert admitted(place, LOOK_UP, Lane.READING, 5) == 1
    hears(place, Lane.PROTECTIVE, X_MBX_USED_WEIGHT_1M="12")
    assert admitted(place, LOOK_UP, Lane.READING, 1) == 0, (
        "downwards it proves nothing: other requests are on their way"
    )


def test_orders_made_elsewhere_with_this_key_are_counted(place: str) -> None:
    hears(place, Lane.READING, X_MBX_ORDER_COUNT_10S="239")
    assert admitted(place, ORDER, Lane.ENTRY, 5) == 1
    assert admitted(place, ORDER, Lane.ENTRY, 1, key="another key") == 1


def test_a_rate_limit_met_by_one_stops_all_but_stops(place: str) -> None:
    hears(place, Lane.READING, NotSent("slow down", code="-1003", retry_after=17))
    for lane, request in ((Lane.READING, POLL), (Lane.ENTRY, ORDER), (Lane.REDUCING, ORDER)):
        assert 16 < refusal(place, request, lane, key="another key").retry_after <= 17
    assert admitted(place, STOP, Lane.PROTECTIVE, 1) == 1


def test_a_rate_limit_that_a_stop_met_stops_everything(place: str) -> None:
    hears(place, Lane.PROTECTIVE, NotSent("slow down", code="-1003", retry_after=17))
    assert refusal(place, STOP, Lane.PROTECTIVE).retry_after > 16


def test_too_many_orders_is_about_the_orders_of_that_key(place: str) -> None:
    hears(place, Lane.ENTRY, NotSent("too many orders", code="-1015", retry_after=9))
    assert refusal(place, ORDER, Lane.ENTRY).retry_after > 8
    assert admitted(place, ORDER, Lane.ENTRY, 1, key="another key") == 1
    assert admitted(place, POLL, Lane.READING, 1) == 1


def test_a_ban_silences_stops_too(place: str) -> None:
    hears(place, Lane.READING, Banned("banned", code="-1003", retry_after=120))
    for lane in Lane:
        assert refusal(place, STOP, lane).retry_after > 119


def test_a_shorter_demand_does_not_end_a_longer_one(place: str) -> None:
    async def both(budget: Budget) -> None:
        admission = await budget.admit(*LOOK_UP, Lane.READING)
        await budget.hear(admission, {}, Banned("banned", retry_after=120))
        await budget.hear(admission, {}, Banned("banned", retry_after=2))

    using(place, both)
    assert refusal(place, STOP, Lane.PROTECTIVE).retry_after > 100


# without Redis


@pytest.fixture
def no_redis(settings: Settings) -> Iterator[None]:
    kept = settings.REDIS_URL
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    yield
    settings.REDIS_URL = kept


def test_without_redis_requests_go_out_and_one_warning_says_so(
    place: str, no_redis: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert admitted(place, POLL, Lane.READING, 100) == 100
    assert len([r for r in caplog.records if "budgets are not shared" in r.message]) == 1


def test_without_redis_a_process_obeys_what_it_was_told_itself(place: str, no_redis: None) -> None:
    hears(place, Lane.READING, Banned("banned", retry_after=120))
    assert refusal(place, STOP, Lane.PROTECTIVE).retry_after > 100


def test_a_redis_that_comes_back_counts_again(
    place: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    assert admitted(place, POLL, Lane.READING, 40) == 40
    settings.REDIS_URL = kept
    monkeypatch.setattr(budgets, "_away_until", time.monotonic())
    assert admitted(place, POLL, Lane.READING, 40) == 36


def test_no_key_is_written_to_redis(place: str) -> None:
    secret = "K" * 64
    admitted(place, ORDER, Lane.ENTRY, 1, key=secret)
    names = redis.Redis.from_url(settings.REDIS_URL).keys(f"{settings.REDIS_PREFIX}:budget:*")
    assert names
    assert not [name for name in names if secret.encode() in name]


# the tables


@pytest.mark.parametrize("venue", RULES)
def test_every_request_fits_into_every_lane(venue: str) -> None:
    """A cost above its share could never be paid."""
    rules = RULES[venue]
    for cost in (*rules.costs.values(), rules.unlisted):
        for limit in rules.limits:
            for asked in ({}, {"symbol": "BTCUSDT"}):
                assert cost.of(limit.unit, asked) <= limit.share_of(Lane.READING)


def test_listing_everything_is_dearer_than_one_contract() -> None:
    cost = RULES["binance"].cost_of("get", "/fapi/v1/openOrders")
    assert (cost.of(Unit.WEIGHT, {"symbol": "BTCUSDT"}), cost.of(Unit.WEIGHT, {})) == (1, 40)
    assert RULES["binance"].cost_of("POST", "/fapi/v1/order") == Cost(weight=0, one_of=Unit.ORDERS)
    assert RULES["binance"].cost_of("GET", "/fapi/v9/new").weight == 40


@pytest.mark.parametrize(("limit", "weight"), [("99", 1), ("100", 2), ("1000", 5), ("1500", 10), ("", 10)])
def test_candles_cost_by_how_many_are_asked_for(limit: str, weight: int) -> None:
    cost = RULES["binance"].cost_of("GET", "/fapi/v1/klines")
    assert cost.of(Unit.WEIGHT, {"symbol": "BTCUSDT", "limit": limit}) == weight


# Bybit: a second of its own for each kind of request

BYBIT = "https://api.example/v5"
PLACE, TAKE_BACK, ASK = (
    ("POST", f"{BYBIT}/order/create"),
    ("POST", f"{BYBIT}/order/cancel"),
    ("GET", f"{BYBIT}/order/realtime"),
)


def at_bybit(place: str, act: Callable[[Budget], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        budget = Budget(Credentials("bybit", "a-key", "secret", place))
        try:
            return await act(budget)
        finally:
            await budget.close()

    return asyncio.run(run())


def taken(place: str, request: tuple[str, str], lane: Lane, tries: int) -> int:
    async def ask(budget: Budget) -> int:
        count = 0
        for _ in range(tries):
            with contextlib.suppress(NotSent):
                await budget.admit(*request, lane)
                count += 1
        return count

    return at_bybit(place, ask)


def answered(place: str, request: tuple[str, str], told: NotSent | None = None, **headers: str) -> None:
    async def hear(budget: Budget) -> None:
        admission = await budget.admit(*request, Lane.READING)
        await budget.hear(admission, {name.replace("_", "-"): value for name, value in headers.items()}, told)

    at_bybit(place, hear)


def test_orders_that_are_used_up_leave_room_for_cancels_and_questions(place: str) -> None:
    assert taken(place, PLACE, Lane.PROTECTIVE, 12) == 10
    assert taken(place, TAKE_BACK, Lane.REDUCING, 12) == 9
    assert taken(place, ASK, Lane.READING, 5) == 5


def test_what_is_left_is_heard_of_the_kind_that_was_asked_for(place: str) -> None:
    answered(place, TAKE_BACK, X_Bapi_Limit="10", X_Bapi_Limit_Status="1")
    assert taken(place, TAKE_BACK, Lane.READING, 3) == 0
    assert taken(place, PLACE, Lane.ENTRY, 3) == 3


def test_a_limit_of_one_kind_stops_that_kind_alone(place: str) -> None:
    answered(place, ASK, NotSent("Too many visits.", code="10006", retry_after=5.0))
    assert taken(place, ASK, Lane.READING, 2) == 0
    assert taken(place, PLACE, Lane.ENTRY, 2) == 2
    answered(place, PLACE, NotSent("IP rate limit.", code="10018", retry_after=5.0))
    assert taken(place, TAKE_BACK, Lane.REDUCING, 2) == 0
    assert taken(place, PLACE, Lane.PROTECTIVE, 2) == 2
