"""Synchronous callers, many threads, one warm client per account, and nothing inherited by a fork."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from pytest_django.fixtures import Settings

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.errors import NotSent, OutcomeUnknown
from exchanges.types import OrderRequest, OrderType, PositionMode, PositionSide, Side
from tests.exchanges.capture import Capture, capturing, never
from tests.exchanges.test_registry import AnAccount

ENTRY = OrderRequest("BTC/USDT:USDT", Side.BUY, PositionSide.LONG, OrderType.MARKET, Decimal("0.01"), "tb-1")


@pytest.fixture
def venue(settings: Settings) -> Iterator[Capture]:
    """The capture server on a loop of its own, as a real venue would be."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    context = capturing()
    capture = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(5)
    settings.DRY_RUN, settings.PAPER_EXCHANGE_URL, settings.PAPER_HOSTS = True, capture.url, []
    yield capture
    session.close_all()
    asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


async def itself(client: ExchangeClient) -> ExchangeClient:
    return client


def mode_of(account: AnAccount) -> PositionMode:
    return session.call(account, lambda client: client.position_mode("BTC/USDT:USDT"))


def test_a_plain_function_gets_the_answer(venue: Capture) -> None:
    assert mode_of(AnAccount()) is PositionMode.HEDGE


def test_many_threads_share_one_client_per_account(venue: Capture) -> None:
    with ThreadPoolExecutor(16) as threads:
        clients = list(threads.map(lambda n: session.call(AnAccount(pk=n % 2), itself), range(64)))
    assert len({id(client) for client in clients}) == 2


def test_changed_credentials_make_a_new_client(venue: Capture) -> None:
    before = session.call(AnAccount(), itself)
    assert session.call(AnAccount(), itself) is before
    assert session.call(AnAccount(name="renamed"), itself) is not before


def test_the_clients_errors_reach_the_caller(venue: Capture) -> None:
    venue.answers["GET", "/fapi/v1/positionSide/dual"] = (429, "{}")
    with pytest.raises(NotSent):
        mode_of(AnAccount())


def test_no_answer_in_time_is_unknown(venue: Capture) -> None:
    mode_of(AnAccount())  # what is timed is the order alone
    venue.answers["POST", "/fapi/v1/order"] = never()
    with pytest.raises(OutcomeUnknown, match="within"):
        session.call(AnAccount(), lambda client: client.create_order(ENTRY), timeout=1.5)
    assert len(venue.sent("POST", "/fapi/v1/order")) == 1


def test_a_read_does_not_wait_for_a_slow_order(venue: Capture) -> None:
    mode_of(AnAccount())
    venue.answers["POST", "/fapi/v1/order"] = never()
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(
            lambda: session.call(AnAccount(), lambda client: client.create_order(ENTRY), timeout=3)
        )
        while not venue.sent("POST", "/fapi/v1/order"):
            time.sleep(0.01)
        mode_of(AnAccount())
        assert not slow.done()
        with pytest.raises(OutcomeUnknown):
            slow.result(60)


def test_after_close_all_the_next_call_starts_anew(venue: Capture) -> None:
    before = session.call(AnAccount(), itself)
    session.close_all()
    session.close_all()
    assert session.call(AnAccount(), itself) is not before


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_makes_its_own_session(venue: Capture) -> None:
    mode_of(AnAccount())
    child = os.fork()
    if child == 0:  # no pytest machinery in here: say it with the exit code
        try:
            os._exit(0 if mode_of(AnAccount()) is PositionMode.HEDGE else 1)
        finally:
            os._exit(2)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        pytest.fail("the child hangs in its parent's session")
    assert os.waitstatus_to_exitcode(status) == 0
    assert mode_of(AnAccount()) is PositionMode.HEDGE
