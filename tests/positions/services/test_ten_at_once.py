"""Entries of one account that leave side by side: what must be known of the exchange first is asked once for all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.db import connections

from exchanges import session
from exchanges.errors import ExchangeError, NotReached
from exchanges.paper.inprocess import InProcessClient
from exchanges.types import MarginMode, PositionMode, PositionSide
from positions.models import Order
from positions.services import orders, preparing
from positions.services.shared_questions import SharedQuestions
from tests.ops.waiting import until
from tests.positions.services.conftest import Desk
from tests.positions.services.test_mode_at_exchange import in_front

LEGS = [(symbol, side) for symbol in ("BTCUSDT", "ETHUSDT") for side in PositionSide]


class Exchange:
    """Answers when everybody is about to ask."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.coming: list[object] = []

    def client(self) -> type[InProcessClient]:
        venue = self

        class Counting(InProcessClient):
            async def position_mode(self, symbol: str) -> PositionMode:
                await venue.hears("position mode")
                return await super().position_mode(symbol)

            async def ensure_margin_mode(self, symbol: str, mode: MarginMode) -> None:
                await venue.hears(f"margin mode of {symbol}")
                await super().ensure_margin_mode(symbol, mode)

            async def ensure_leverage(self, symbol: str, leverage: int) -> None:
                await venue.hears(f"leverage of {symbol}")
                await super().ensure_leverage(symbol, leverage)

        return Counting

    async def hears(self, question: str) -> None:
        self.asked[question] += 1
        await asyncio.to_thread(until, lambda: len(self.coming) == len(LEGS), "everybody who comes")


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[Exchange]:
    made, prepare = Exchange(), preparing.prepare

    def noted(order: Order) -> None:
        made.coming.append(order)
        prepare(order)

    monkeypatch.setattr(orders, "prepare", noted)
    preparing.forget()
    with in_front(made.client()):
        yield made
    preparing.forget()


@pytest.mark.django_db(transaction=True)
def test_each_thing_is_asked_once(desk: Desk, exchange: Exchange) -> None:
    session.call(desk.account, lambda client: client.balance())  # the first question opens it
    desk.engine.set_dual_side(desk.paper_name, True)
    entries = [desk.order(desk.open(*leg), "entry").pk for leg in LEGS]
    side_by_side(orders.submit, entries)
    assert [Order.objects.get(pk=one).status for one in entries] == ["filled"] * len(entries)
    assert exchange.asked == {
        "position mode": 1,
        "margin mode of BTC/USDT:USDT": 1,
        "margin mode of ETH/USDT:USDT": 1,
        "leverage of BTC/USDT:USDT": 1,
        "leverage of ETH/USDT:USDT": 1,
    }


def side_by_side(act: Callable[[Any], object], arguments: list[Any]) -> None:
    def work(argument: object) -> None:
        try:
            act(argument)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(arguments)) as pool:
        list(pool.map(work, arguments))


class Key:
    """Tells how often it was looked for."""

    looked_for = 0

    def __hash__(self) -> int:
        self.looked_for += 1
        return 1


def asked_by_three(question: Callable[[], str]) -> list[str | BaseException | None]:
    """Each asks before the first has its answer."""
    shared, key, answers = SharedQuestions(), Key(), Event()

    def late() -> str:
        answers.wait(10)
        return question()

    def ask(_: int) -> str | BaseException:
        try:
            return shared.ask(key, late)
        except ExchangeError as failure:
            return failure

    with ThreadPoolExecutor(3) as pool:
        told = pool.map(ask, range(3))
        until(lambda: key.looked_for >= 4, "three who ask and one who notes it")
        answers.set()
        return list(told)


def test_an_answer_is_everybodys() -> None:
    asked: list[int] = []

    def question() -> str:
        asked.append(1)
        return "hedge"

    assert (asked_by_three(question), len(asked)) == (["hedge"] * 3, 1)


def test_a_failure_is_everybodys() -> None:
    asked: list[int] = []

    def question() -> str:
        asked.append(1)
        raise NotReached("nobody there", retry_after=2)

    told = asked_by_three(question)
    assert ([type(one) for one in told], len(asked)) == ([NotReached] * 3, 1)


def test_whoever_asks_later_asks_anew() -> None:
    shared, answers = SharedQuestions(), iter(["hedge", "one_way"])
    assert [shared.ask("mode", lambda: next(answers)) for _ in range(2)] == ["hedge", "one_way"]
