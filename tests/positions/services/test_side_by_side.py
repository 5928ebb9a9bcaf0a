"""An account whose exchange does not answer holds up nobody but itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from threading import Event
from types import SimpleNamespace

import pytest
from django.utils import timezone

from exchanges import session
from exchanges.client import ExchangeClient
from positions import tasks
from positions.models import Order
from positions.services import canary, sweeping
from positions.services.sweeping import for_each_account
from tests.builders import a_strategy, an_account
from tests.ops.waiting import until
from tests.positions.services.conftest import Desk

COMPLAINT = "row %s of this test"


class Exchanges:
    """Rows of the first account wait for an answer."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: Queue[str] = Queue()
        self.answers = Event()

    def act(self, row: str) -> None:
        self.begun.append(row)
        if row.startswith("silent"):
            assert self.answers.wait(10)
        self.done.put(row)

    def sweep(self, *rows: str) -> int:
        return for_each_account([(int(row[-2]), row) for row in rows], self.act, COMPLAINT)


@pytest.fixture
def exchanges(transactional_db, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exchanges]:
    monkeypatch.setattr(sweeping, "_way", sweeping._side_by_side)
    made = Exchanges()
    yield made
    made.answers.set()


def test_the_others_go_on_in_this_sweep_and_in_the_next(exchanges: Exchanges) -> None:
    assert exchanges.sweep("silent 1a", "silent 1b", "quick 2a") == 3
    assert exchanges.done.get(timeout=60) == "quick 2a"
    exchanges.sweep("silent 1a", "quick 2b")
    assert exchanges.done.get(timeout=60) == "quick 2b"
    assert exchanges.begun.count("silent 1a") == 1, "its last turn is not over"
    exchanges.answers.set()
    assert [exchanges.done.get(timeout=60) for _ in range(2)] == ["silent 1a", "silent 1b"]

    def has_another_turn() -> bool:
        exchanges.sweep("silent 1c")
        return "silent 1c" in exchanges.begun

    until(has_another_turn, "the next turn of the account")


def test_a_turn_ends_in_time_for_what_has_become_more_urgent(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.0, 1.0, 9.0, 11.0])
    monkeypatch.setattr(sweeping, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    acted: list[str] = []
    assert for_each_account([(1, "first"), (1, "second"), (1, "third")], acted.append, COMPLAINT) == 3
    assert acted == ["first", "second"]


def test_a_turn_begins_with_what_the_last_ones_did_not_come_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs is found again at the head of every sweep, for it does not move."""
    now = [0.0]
    monkeypatch.setattr(sweeping, "time", SimpleNamespace(monotonic=lambda: now[0]))
    acted: list[str] = []

    def act(row: str) -> None:
        acted.append(row)
        now[0] += 6

    def turn(*rows: str) -> list[str]:
        acted.clear()
        for_each_account([(3, row) for row in rows], act, COMPLAINT)
        return list(acted)

    rows = ["a", "b", "c", "d", "e"]
    assert [turn(*rows), turn(*rows), turn(*rows)] == [["a", "b"], ["c", "d"], ["e", "a"]]
    assert turn("a", "b", "new") == ["b", "new"], "a new round began with a"
    assert turn("a") == ["a"]


@pytest.fixture
def waiting(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two callers that wait for the desk's account."""
    monkeypatch.setattr(session, "STALLED_SECONDS", 0.05)
    account, answers = desk.account, Event()

    async def silence(client: ExchangeClient) -> None:
        await asyncio.to_thread(answers.wait, 20)

    with ThreadPoolExecutor(2) as callers:
        for _ in range(2):
            callers.submit(session.call, account, silence)
        until(lambda: account.pk in session.stalled_accounts(), "the account to be known as silent")
        yield
        answers.set()


def test_a_hint_takes_no_thread_for_an_account_that_keeps_others_waiting(desk: Desk, waiting: None) -> None:
    other = Desk(desk.engine, a_strategy(an_account()))
    left, sent = (desk_of.order(desk_of.open("ETHUSDT"), "entry") for desk_of in (desk, other))
    for order in (left, sent):
        tasks.submit_order(str(order.pk))
        order.refresh_from_db()
    assert (left.status, sent.status) == ("initialized", "filled")
    for task in (tasks.cancel_order, tasks.amend_order):
        assert task(str(left.pk)) is None
    assert Order.objects.get(pk=left.pk).cancel_sent_at is None


def test_each_account_has_a_turn_of_the_canary(db, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: dict[int, sweeping.Work] = {}
    monkeypatch.setattr(sweeping, "_way", lambda what, works: turns.update(works))
    first, second = an_account(), an_account()
    canary.run_due(timezone.now())
    assert turns.keys() == {first.pk, second.pk}
