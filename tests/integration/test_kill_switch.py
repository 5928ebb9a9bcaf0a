"""The kill switch with real processes: frozen workers send nothing, and flat is what the exchanges themselves say."""

from __future__ import annotations

import json
import signal
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import product
from typing import Any
from urllib.request import urlopen

import pytest
from django.db.models import QuerySet

from exchanges.models import FlatReport, FlatRun
from exchanges.paper.demo import DEMO_PRICES
from positions.cover import ABSENT
from positions.models import Order, Position
from positions.services import halting
from positions.services.flattening import flatten
from tests.integration.stack import Stack, Trader
from tests.ops.waiting import until
from tests.sampling import sample

LEGS = list(product(DEMO_PRICES, ("GO LONG", "GO SHORT")))
PROVEN_ABSENT = f"{ABSENT}: the exchange knows no such order after its window had passed"
VENUES = ("binance", "bybit", "bybit")
LEVERAGE = {"binance": "/fapi/v1/leverage", "bybit": "/v5/position/set-leverage"}


@pytest.fixture
def traders(complete: Stack) -> Iterator[list[Trader]]:
    """Accounts on both venues that follow the same words."""
    words = f" {uuid.uuid4().hex[:6]}"
    with ExitStack() as lines:
        made = [Trader(complete, words, venue, opposite_signal="hedge") for venue in VENUES]
        for trader in made:
            lines.enter_context(trader.lines)
        yield made
        complete.paper.clear_faults()


def entries(traders: list[Trader]) -> list[Order]:
    mine = [trader.account for trader in traders]
    return list(Order.objects.filter(account__in=mine, purpose="entry").order_by("created_at"))


def states(traders: list[Trader]) -> dict[str, dict[str, Any]]:
    """What the exchange's own engine holds, whatever its doors answer."""
    with urlopen(f"{traders[0].stack.paper.url}/paper/state", timeout=60) as answer:  # noqa: S310
        accounts = json.load(answer)["accounts"]
    return {trader.account.name: accounts[trader.key] for trader in traders}


def is_empty(state: dict[str, Any]) -> bool:
    return not (state["positions"] or state["open_orders"] or state["open_algos"])


@contextmanager
def frozen(stack: Stack) -> Iterator[None]:
    stack.worker.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        stack.worker.signal(signal.SIGCONT)


def nothing_left(traders: list[Trader]) -> bool:
    asked = [line for trader in traders for line in trader.order_requests()]
    return not asked and all(is_empty(state) for state in states(traders).values())


def test_frozen_workers_wake_after_a_halt_and_send_nothing(traders: list[Trader]) -> None:
    stack = traders[0].stack
    for venue in set(VENUES):  # what is claimed is held up while it is prepared, for less than a claim lives
        stack.paper.hook(
            "faults", method="POST", path=LEVERAGE[venue], kind="delay_before", seconds=1, times=9
        )
    traders[0].send("GO LONG")
    until(lambda: {one.status for one in entries(traders)} == {"submitted"}, "the claims")
    with frozen(stack):
        answer = halting.halt(None, "frozen amid its work", "ada")
    claimed = entries(traders)
    assert set(answer.in_flight) == {one.pk for one in claimed}
    until(lambda: {one.status for one in entries(traders)} == {"rejected"}, "the claims to be given up")
    # one frozen while it held the account's lock had its session ended: of its order the exchange was asked
    gave_up = {"every account is halted: frozen amid its work", PROVEN_ABSENT}
    assert {one.reason for one in entries(traders)} <= gave_up
    assert nothing_left(traders)

    halting.activate(None, "thawed", "ada")
    with frozen(stack):
        for symbol in ("ETHUSDT", "SOLUSDT", "XRPUSDT"):
            verdict = traders[0].send("GO LONG", symbol=symbol)
            assert [entry["status"] for entry in verdict["entries"]] == ["opened"] * len(traders), verdict
        answer = halting.halt(None, "frozen before its work", "ada")
    assert (answer.called_off, answer.in_flight) == (3 * len(traders), ())
    halting.activate(None, "thawed again", "ada")
    stack.paper.clear_faults()
    traders[0].send("GO LONG", symbol="BNBUSDT")
    until(lambda: all(trader.order_requests() for trader in traders), "orders of what was decided after")
    asked = {line["params"]["symbol"] for trader in traders for line in trader.order_requests()}
    assert asked == {"BNBUSDT"}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("legs", sample([5, 14], 2))
def test_flat_is_proven_on_each_venue_although_one_fails_midway_and_a_worker_is_killed(
    traders: list[Trader], legs: int
) -> None:
    """So many on three accounts. Whoever asks for the report reads what is left, and why, until nothing is."""
    stack = traders[0].stack
    made = Position.objects.filter(account__in=[trader.account for trader in traders])
    for symbol, phrase in LEGS[:legs]:
        traders[0].send(phrase, symbol=symbol)
        until(partial(_are_protected, made), f"{symbol} to be protected", 60)
    # on a machine that is busy with other tests an entry may be too late to be sent
    ours = Position.objects.filter(pk__in=list(made.filter(is_live=True).values_list("pk", flat=True)))
    assert (ours.count() > legs, ours.values("account").distinct().count()) == (True, len(traders))

    # one closing order comes through, whichever is first; all others of the venue find no door
    create = {"method": "POST", "path": "/v5/order/create"}
    stack.paper.hook("faults", **create, kind="delay_before", seconds=0)
    stack.paper.hook("faults", **create, kind="close_before", times=100_000)
    before = len(stack.requests())
    run = flatten(None, "the venue lies", "ada")
    failing = ours.filter(account__venue="bybit")
    until(lambda: failing.filter(is_live=False).exists(), "the first of them to be closed")
    stack.paper.hook("faults", path="/v5/*", kind="close_before", times=100_000)
    with stack.worker.gone():
        pass

    reports = {report.account.venue: report for report in run.reports.select_related("account")}
    until(lambda: _is(reports["binance"], "flat"), "Binance to be proven flat", 60)
    until(lambda: _of(reports["bybit"]).error, "the question that is not answered", 60)
    told = _of(reports["bybit"])
    held = states(traders)[told.account.name]["positions"]
    assert (told.outcome, told.asked_at) == ("closing", None) or told.left
    assert held, "it failed midway"
    assert len([one for one in told.left if one["kind"] == "position"]) >= len(held)
    assert all(one["is_ours"] and one["why"] for one in told.left)

    stack.paper.clear_faults()
    until(lambda: FlatRun.objects.filter(pk=run.pk, ended_at__isnull=False).exists(), "the end", 90)
    assert set(run.reports.values_list("outcome", flat=True)) == {"flat"}
    assert all(is_empty(state) for state in states(traders).values())
    assert not ours.filter(is_live=True).exists()
    assert not ours.exclude(close_reason="kill_switch").exists()
    sent = [line["client_order_id"] or "" for line in stack.requests()[before:] if line["method"] == "POST"]
    kinds = [name.rpartition("-")[2][:1] for name in sent]
    assert (kinds.count("c") >= ours.count(), kinds.count("e")) == (True, 0)


def _are_protected(made: QuerySet[Position]) -> bool:
    protected = made.filter(status="open", orders__purpose="protect", orders__status="accepted")
    return not made.filter(is_live=True).exclude(pk__in=protected).exists()


def _of(report: FlatReport) -> FlatReport:
    return FlatReport.objects.select_related("account").get(pk=report.pk)


def _is(report: FlatReport, outcome: str) -> bool:
    return _of(report).outcome == outcome
