"""The loops of the market process go on, whatever happens to one of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection, connections

from exchanges.client import ExchangeStream
from exchanges.models import AccountWatch, ExchangeAccount
from exchanges.types import PriceTick
from ops.health.services import asking
from tests.builders import a_position, an_account
from trailing import listening, market, watching
from trailing.listening import keep_listening
from trailing.market import MarketProcess

SECONDS = 5
BTC = "BTC/USDT:USDT"


def within_seconds(work: Callable[[], Awaitable[object]]) -> None:
    async def run() -> None:
        await asyncio.wait_for(work(), SECONDS)

    asyncio.run(run())


@pytest.mark.django_db
def test_a_stream_is_listened_to_again_although_its_break_could_not_be_noted(monkeypatch) -> None:
    monkeypatch.setattr(listening, "MAX_BACKOFF_SECONDS", 0.0)
    account = an_account()
    opened = 0

    async def listen(stream: ExchangeStream, succeeded: Callable[[], None]) -> None:
        nonlocal opened
        opened += 1
        if opened == 3:
            raise asyncio.CancelledError
        raise ConnectionError("the network is away")

    async def broke(failures: int, text: str) -> None:
        raise OperationalError("so is the database")

    async def story() -> None:
        with pytest.raises(asyncio.CancelledError):
            await keep_listening("prices", account, listen, broke)

    within_seconds(story)
    assert opened == 3


def test_a_stream_that_ended_by_itself_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    begun = 0

    async def story() -> None:
        again = asyncio.Event()

        async def stream() -> None:
            nonlocal begun
            begun += 1
            if begun == 1:
                raise ValueError("apiKey=secret")
            again.set()
            await asyncio.Event().wait()

        process = MarketProcess()
        process._replace({"prices": stream})
        await asyncio.wait([process._running["prices"]])
        process._replace({"prices": stream})
        await again.wait()
        process._replace({})

    within_seconds(story)
    assert "prices ended by itself (ValueError)" in caplog.text
    assert "secret" not in caplog.text


def test_prices_are_told_until_a_stream_for_other_contracts_has_had_time_to_open(monkeypatch) -> None:
    monkeypatch.setattr(market, "HANDOVER_SECONDS", 0.5)

    async def story() -> None:
        async def stream() -> None:
            await asyncio.Event().wait()

        process = MarketProcess()
        one, other = ("prices", "binance", "last", "one"), ("prices", "binance", "last", "one and other")
        account = "private", 1, None
        process._replace({one: stream, account: stream})
        old, private = process._running[one], process._running[account]
        process._replace({other: stream})
        await asyncio.wait([private])
        assert not old.done()
        await asyncio.wait([old])
        assert old.cancelled()
        assert not process._leaving
        assert process._running.keys() == {other}
        process._replace({})

    within_seconds(story)


@pytest.mark.django_db(transaction=True)
def test_new_keys_make_a_new_private_stream_and_lost_ones_concern_no_other_account(
    settings, monkeypatch, caplog
) -> None:
    settings.DRY_RUN = False  # nothing is asked: the streams here only wait
    kept, changed = (an_account(is_live_confirmed=True, api_key="first-key") for _ in range(2))
    begun: list[int] = []

    async def private(process: MarketProcess, account: ExchangeAccount) -> None:
        begun.append(account.pk)
        await asyncio.Event().wait()

    monkeypatch.setattr(MarketProcess, "_private", private)

    async def story() -> None:
        process = MarketProcess()
        process._database = ThreadPoolExecutor(1)

        async def look() -> set[object]:
            await process._take_roster(await process._in_thread(market._load_accounts))
            await asyncio.sleep(0)
            return set(process._running)

        first = await look()
        assert (sorted(begun), await look()) == ([kept.pk, changed.pk], first)
        replaced = ExchangeAccount.objects.filter(pk=changed.pk).update
        await process._in_thread(lambda: replaced(api_key="second-key"))
        assert (len(await look() & first), sorted(begun)) == (1, [kept.pk, changed.pk, changed.pk])
        await process._in_thread(_lose_the_keys_of, changed)
        (left,) = await look()
        assert left in first
        assert "key" not in repr(first).replace("_key", "")
        process._replace({})
        await process._in_thread(connections.close_all)

    within_seconds(story)
    assert f"account {changed.name} is not listened to" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_person_may_have_every_stream_opened_anew(settings, monkeypatch) -> None:
    settings.DRY_RUN = False  # nothing is asked: the streams here only wait
    account = an_account(is_live_confirmed=True, api_key="first-key")
    AccountWatch.objects.create(account=account)
    a_position("BTC", account=account)

    async def waits(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(MarketProcess, "_private", waits)
    monkeypatch.setattr(MarketProcess, "_prices", waits)

    async def story() -> None:
        process = MarketProcess()
        process._database = ThreadPoolExecutor(1)

        async def look() -> set[object]:
            await process._take_roster(await process._in_thread(market._load_accounts))
            return set(process._running)

        first = await look()
        assert {key[0] for key in first} == {"private", "prices"}
        assert await look() == first
        await process._in_thread(asking.reconnect, "ada")
        again = await look()
        assert (len(again), again & first) == (len(first), set())
        process._replace({})
        await process._in_thread(connections.close_all)

    within_seconds(story)


def _lose_the_keys_of(account: ExchangeAccount) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE exchanges_exchangeaccount SET api_key = 'of another FIELD_KEYS' WHERE id = %s",
            [account.pk],
        )


def test_prices_are_published_although_some_could_not_be(monkeypatch) -> None:
    monkeypatch.setattr(market, "FLUSH_SECONDS", 0.0)
    published: list[Any] = []

    def publish(names: object, fresh: object) -> None:
        published.append(fresh)
        if len(published) == 1:
            raise RuntimeError("no broadcast")

    monkeypatch.setattr(watching, "publish", publish)

    async def story() -> None:
        process = MarketProcess()
        flushing = asyncio.create_task(process._flush())
        while len(published) < 2:
            process._desk.take("binance", [PriceTick(BTC, Decimal(1), datetime.now(UTC))])
            await asyncio.sleep(0)
        flushing.cancel()

    within_seconds(story)


def test_what_nobody_asked_of_a_future_is_told_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        stopped = asyncio.Event()
        stopped.set()
        process = MarketProcess()

        async def no_loop() -> None:
            return None

        process._roster = process._bands = process._flush = no_loop  # type: ignore[method-assign]
        process._in_thread = lambda *work: no_loop()  # type: ignore[method-assign, assignment]
        await process.run(stopped)
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "not retrieved", "exception": ValueError("signature=abc")})

    with caplog.at_level(logging.ERROR):
        within_seconds(story)
    assert "not retrieved (ValueError)" in caplog.text
    assert "signature" not in caplog.text
