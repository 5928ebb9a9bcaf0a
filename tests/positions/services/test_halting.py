"""The kill switch: nothing that was decided before it was pulled is sent after it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D
from threading import Event, Thread

import pytest
from django.db import connection, connections, transaction

from exchanges import session
from exchanges.models import ExchangeAccount, GlobalState, StateChange, TradingState
from exchanges.paper.inprocess import InProcessClient
from exchanges.switch import switch_of
from exchanges.trading_state import Cause, Move
from exchanges.types import OrderReport, OrderRequest, OrderType
from positions.models import Order, Position, RiskEvent
from positions.services import halting, lookups, preparing
from positions.services.closing import request_close
from positions.services.opening import open_position
from positions.sizing import Skip
from positions.terms import Terms
from tests.builders import a_strategy, an_account
from tests.positions.services.conftest import Desk

LINES = ["before the claim", "during the preparation", "before the request"]


def limit_entry(desk: Desk) -> Position:
    price = desk.engine.prices["BTCUSDT"] - 1000
    outcome = open_position(desk.propose(entry=Terms(OrderType.LIMIT, price=price)))
    return Position.objects.get(pk=outcome.position_id)  # type: ignore[union-attr]


def client_of(desk: Desk) -> InProcessClient:
    async def itself(client: InProcessClient) -> InProcessClient:
        return client

    return session.call(desk.account, itself)


def meanwhile(desk: Desk, method: str, act: Callable[[], object]) -> None:
    """Somebody else acts just before the client of this process does, once."""
    client = client_of(desk)
    honest = getattr(type(client), method)

    async def interrupted(*arguments: object, **named: object) -> object:
        delattr(client, method)
        worker = Thread(target=lambda: (act(), connections.close_all()))
        worker.start()
        worker.join(30)
        return await honest(client, *arguments, **named)

    setattr(client, method, interrupted)


def test_a_queued_entry_is_denied_and_its_position_never_opened(desk: Desk) -> None:
    position = desk.open()
    answer = halting.halt(desk.account.pk, "enough for today", by="ada")
    order = desk.submit(position, "entry")
    position.refresh_from_db()
    assert (answer.move, answer.called_off, answer.in_flight) == (Move.CHANGE, 1, ())
    assert (order.status, order.reason) == ("denied", "the account is halted: enough for today")
    assert (position.status, position.close_reason) == ("closed", "never_opened")
    assert desk.held() == 0


@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("stop", [halting.halt, halting.reduce])
def test_a_working_entry_is_canceled_and_what_it_filled_stays_protected(
    desk: Desk, stop: Callable[..., halting.Answer], everywhere: bool
) -> None:
    held, waiting = desk.filled("ETHUSDT"), limit_entry(desk)
    desk.submit(waiting, "entry")
    stop(None if everywhere else desk.account.pk, "enough", by="ada")
    assert desk.order(waiting, "entry").status == "pending_cancel"
    lookups.cancel(desk.order(waiting, "entry").pk)
    waiting.refresh_from_db()
    assert waiting.status == "closed"
    assert desk.stop(held).status == "accepted"
    assert desk.engine.open_orders(desk.paper_name) == []


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_exits_go_on_in_every_state(desk: Desk, state: TradingState) -> None:
    position = desk.filled()
    halting._switch(None, state, "enough", "ada", None)
    request_close(position.pk, reason="manual", requested_by="ada")  # type: ignore[arg-type]
    assert desk.submit(position, "close").status == "filled"


def test_all_accounts_are_stopped_at_once_and_so_is_one_that_is_opened_later(desk: Desk) -> None:
    halting.halt(None, "the venue lies", by="ada")
    later = Desk(desk.engine, a_strategy(an_account(), notional=D(1000)))
    for one in (desk, later):
        outcome = open_position(one.propose())
        assert isinstance(outcome, Skip)
        assert outcome.reason == "every account is halted: the venue lies"
        assert one.account.trading_state == TradingState.ACTIVE
    assert GlobalState.objects.get().state_by == "ada"
    assert RiskEvent.objects.get(account=None).event_type == "all_accounts_halted"
    halting.activate(None, "it is over", by="ada")
    assert isinstance(open_position(desk.propose()), Skip) is False


def test_the_stricter_of_both_counts_and_says_whose_it_is(desk: Desk) -> None:
    account = desk.account.pk
    halting.reduce(None, "quiet day", by="ada")
    halting.halt(account, "-2015 Invalid API-key")
    assert (switch_of(account).state, switch_of(account).is_everywhere) == (TradingState.HALTED, False)
    halting.activate(account, "a new key", by="ada")
    assert (switch_of(account).state, switch_of(account).reason) == (TradingState.REDUCING, "quiet day")


def test_every_change_is_a_row_and_raises_the_epoch(desk: Desk) -> None:
    account = desk.account.pk
    halting.halt(account, "daily loss", cause=Cause.LIMITS)
    assert halting.halt(account, "daily loss", cause=Cause.LIMITS).move is Move.KEEP
    assert halting.activate(account, "a new day", cause=Cause.LIMITS).move is Move.CHANGE
    halting.halt(account, "-2015 Invalid API-key")
    assert halting.activate(account, "a new day", cause=Cause.LIMITS).move is Move.REFUSE
    told = [(c.to_state, c.reason, c.cause, c.epoch) for c in StateChange.objects.order_by("pk")]
    assert told == [
        ("halted", "daily loss", "limits", 1),
        ("active", "a new day", "limits", 2),
        ("halted", "-2015 Invalid API-key", "venue", 3),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize("line", LINES)
def test_whoever_was_held_up_meets_the_switch_at_its_next_line(
    desk: Desk, line: str, everywhere: bool, resumed: bool
) -> None:
    """Also when all is over by then: what was decided before is not wanted after."""
    of = None if everywhere else desk.account.pk

    def pull() -> None:
        halting.halt(of, "stop", by="ada")
        if resumed:
            halting.activate(of, "go on", by="ada")

    position = desk.open()
    if line == "before the claim":
        # the switch was pulled, and its own calling off has not got to this order
        Order.objects.update(status="submitted")
        pull()
        Order.objects.update(status="initialized")
    elif line == "during the preparation":
        meanwhile(desk, "position_mode", pull)
    else:
        meanwhile(desk, "ensure_leverage", pull)
    preparing.forget()
    order = desk.submit(position, "entry")
    expected = halting.OVERTAKEN if resumed else "stop"
    assert (order.status, expected in order.reason) == ("rejected", True), order.reason
    position.refresh_from_db()
    assert (position.status, desk.held()) == ("closed", 0)


@pytest.mark.django_db(transaction=True)
def test_what_is_on_the_wire_is_named_and_then_protected_like_any_position(desk: Desk) -> None:
    position = desk.open()
    answers: list[halting.Answer] = []
    meanwhile(desk, "create_order", lambda: answers.append(halting.halt(None, "stop", by="ada")))
    preparing.forget()
    entry = desk.submit(position, "entry")
    assert answers[0].in_flight == (entry.pk,)
    position.refresh_from_db()
    assert (entry.status, position.status, desk.held()) == ("filled", "open", D("0.010"))
    assert desk.stop(position).status == "accepted"


def test_an_entry_that_comes_to_light_later_is_canceled_by_the_sweep(desk: Desk) -> None:
    position = limit_entry(desk)

    async def lost(client: InProcessClient, request: OrderRequest) -> OrderReport:
        await type(client).create_order(client, request)
        raise RuntimeError("the answer got lost")

    client = client_of(desk)
    client.create_order = lambda request: lost(client, request)  # type: ignore[method-assign]
    entry = desk.submit(position, "entry")
    assert halting.halt(desk.account.pk, "stop", by="ada").in_flight == (entry.pk,)
    halting.activate(desk.account.pk, "go on", by="ada")
    lookups.resolve(entry.pk)
    assert desk.order(position, "entry").status == "accepted"
    assert halting.call_off_entries(None) == 1
    assert desk.order(position, "entry").status == "pending_cancel"


def test_entries_decided_after_the_end_of_a_halt_are_sent(desk: Desk) -> None:
    halting.halt(None, "stop", by="ada")
    halting.activate(None, "go on", by="ada")
    position = desk.filled()
    assert (position.status, halting.call_off_entries(None)) == ("open", 0)


@pytest.mark.django_db(transaction=True)
def test_whoever_was_frozen_with_the_account_in_its_hands_cannot_hold_up_a_halt(desk: Desk) -> None:
    """Its session is ended after a second; it had sent nothing, and can commit nothing any more."""
    has_it, may_go, failed = Event(), Event(), []

    def frozen() -> None:
        try:
            with transaction.atomic():
                ExchangeAccount.objects.select_for_update(no_key=True).get(pk=desk.account.pk)
                has_it.set()
                may_go.wait(30)
        except Exception as error:
            failed.append(type(error).__name__)
        finally:
            connection.close()

    worker = Thread(target=frozen)
    worker.start()
    assert has_it.wait(30)
    answer = halting.halt(desk.account.pk, "stop", by="ada")
    may_go.set()
    worker.join(30)
    assert (answer.state, failed) == (TradingState.HALTED, ["OperationalError"])
