"""FLAT: nothing held, nothing working, and the exchange's own listing says so; or what is left, and why."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from exchanges.errors import AccountUnusable, OutcomeUnknown, Refused
from exchanges.models import ExchangeAccount, FlatReport, FlatRun, Instrument, TradingState
from exchanges.paper.venue import now_ms
from exchanges.trading_state import Cause, Move
from exchanges.types import OrderType
from positions.canary_models import CanaryRun
from positions.flat_page import sentence_of
from positions.flatness import Listing
from positions.lifecycle import OrderPurpose, OrderStatus
from positions.models import Order, Position, RiskEvent
from positions.services import (
    canary,
    canary_orders,
    flat_proof,
    flattening,
    halting,
    insisting,
    lookups,
    orders,
    placing,
)
from positions.services.flattening import flatten
from positions.services.resuming import resume
from positions.terms import Terms
from tests.builders import a_strategy, an_account
from tests.positions.services.conftest import Desk
from tests.positions.services.test_orders import Trouble

LATER = timedelta(minutes=2)


def second_desk(desk: Desk) -> Desk:
    return Desk(desk.engine, a_strategy(an_account(), notional=D(1000)))


def work() -> None:
    """What the workers do of themselves."""
    flattening.close_due()
    for status, act in (
        (OrderStatus.INITIALIZED, orders.submit),
        (OrderStatus.PENDING_CANCEL, lookups.cancel),
    ):
        for pk in Order.objects.filter(status=status).values_list("pk", flat=True):
            act(pk)


def prove() -> None:
    FlatReport.objects.update(tried_at=timezone.now() - LATER)
    flat_proof.prove_due(timezone.now())


def stranger(desk: Desk, side: str = "BUY", kind: str = "MARKET", **values: object) -> None:
    if not desk.engine.account(desk.paper_name).dual_side:
        desk.engine.set_dual_side(desk.paper_name, True)
    desk.engine.place(
        desk.paper_name, symbol="SOLUSDT", side=side, type=kind, quantity=D(10), position_side="LONG",
        client_order_id=f"web_{desk.engine.next_order_id}", now_ms=now_ms(), **values,
    )  # fmt: skip


def begun(account_id: int | None) -> FlatRun:
    """Killed after the commit of the wish, before anything was asked for."""
    halting.change(account_id, TradingState.HALTED, "enough", "ada", Cause.PERSON)
    return flattening._begin(account_id, "enough", "ada", False)


def outcomes() -> list[str]:
    return list(FlatReport.objects.order_by("account", "pk").values_list("outcome", flat=True))


def left(report: FlatReport) -> list[tuple[str, bool]]:
    return [(one["kind"], one["is_ours"]) for one in report.left]


def test_all_is_closed_and_the_listing_proves_it(desk: Desk) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT"):
        desk.stop(desk.filled(symbol))
    queued = desk.open("SOLUSDT")
    run = flatten(desk.account.pk, "the venue lies", "ada")
    report = run.reports.get()
    assert desk.order(queued, "entry").status == "denied"
    assert len(desk.engine.open_algos(desk.paper_name)) == 2  # the stops stand until it is flat
    work()
    work()
    prove()
    report.refresh_from_db()
    run.refresh_from_db()
    assert (report.outcome, report.left, run.ended_at is not None) == ("flat", [], True)
    assert report.asked_at > max(p.closed_at for p in Position.objects.exclude(pk=queued.pk))
    assert (desk.held(), desk.engine.open_algos(desk.paper_name)) == (0, [])
    closed = Position.objects.exclude(pk=queued.pk).values_list("close_reason", "close_requested_by")
    assert set(closed) == {("kill_switch", "ada")}
    assert RiskEvent.objects.filter(event_type="flat_proven").count() == 1


def test_nothing_is_proven_while_something_is_on_its_way(desk: Desk) -> None:
    desk.stop(desk.filled())
    report = flatten(None, "enough", "ada").reports.get()
    prove()
    report.refresh_from_db()
    assert (report.outcome, report.ended_at) == ("closing", None)
    assert [one["why"] for one in report.left] == [
        "its close order is initialized",
        "the stop stands until its position is flat",
        "waits to be sent",
    ]


def test_a_take_profit_and_a_part_go_first(desk: Desk) -> None:
    position = desk.filled()
    price = desk.engine.prices["BTCUSDT"] + 1000
    placing.place_order(
        position.pk, OrderPurpose.TAKE_PROFIT, D("0.004"), Terms(OrderType.LIMIT, price=price)
    )
    desk.submit(position, "take_profit")
    flatten(desk.account.pk, "enough", "ada")
    work()
    work()
    prove()
    assert (desk.held(), desk.engine.open_orders(desk.paper_name)) == (0, [])
    assert FlatReport.objects.get().outcome == "flat"


def test_one_venue_that_does_not_answer_does_not_stop_the_other(desk: Desk) -> None:
    other = second_desk(desk)
    for one in (desk, other):
        one.stop(one.filled())
    trouble = Trouble(other)
    for method in ("create_order", "cancel_order", "find_order", "positions", "open_orders"):
        trouble.answer_with(OutcomeUnknown("connection refused"), method=method)
    run = flatten(None, "enough", "ada")
    work()
    work()
    prove()
    first, second = run.reports.order_by("account")
    assert (first.outcome, second.outcome) == ("flat", "closing")
    assert (second.error, second.asked_at) == ("connection refused", None)
    assert "is submitted" in second.left[0]["why"]
    client = trouble.client()
    for method in ("create_order", "cancel_order", "find_order", "positions", "open_orders"):
        delattr(client, method)
    Order.objects.filter(status="submitted").update(submitted_at=timezone.now() - LATER)
    lookups.resolve(desk_close(other).pk)
    work()
    work()
    prove()
    second.refresh_from_db()
    run.refresh_from_db()
    assert (second.outcome, second.error, run.ended_at is not None) == ("flat", "", True)
    assert other.held() == 0


def desk_close(desk: Desk) -> Order:
    return Order.objects.filter(account=desk.account, purpose="close").latest("created_at")


def test_a_refused_close_is_told_with_the_exchanges_sentence_and_asked_again(desk: Desk) -> None:
    desk.filled()
    report = flatten(desk.account.pk, "enough", "ada").reports.get()
    trouble = Trouble(desk)
    trouble.answer_with(Refused("Reduce only is not allowed here", code="-2022"))
    work()
    prove()
    report.refresh_from_db()
    assert "its close was refused (-2022 Reduce only is not allowed here)" in report.left[0]["why"]
    trouble.over()
    Position.objects.update(close_again_at=timezone.now() - LATER)
    insisting.close_again(timezone.now())
    work()
    prove()
    report.refresh_from_db()
    assert report.outcome == "flat"


def test_what_is_a_strangers_is_told_apart_and_left_alone(desk: Desk) -> None:
    desk.filled()
    stranger(desk)
    stranger(desk, "BUY", "LIMIT", price=D(1), time_in_force="GTC")
    report = flatten(desk.account.pk, "enough", "ada").reports.get()
    work()
    prove()
    report.refresh_from_db()
    assert (report.outcome, left(report)) == ("closing", [("position", False), ("order", False)])
    FlatReport.objects.update(foreign_since=timezone.now() - LATER)
    prove()
    report.refresh_from_db()
    assert report.outcome == "foreign_left"
    assert desk.held() == 10
    assert len(desk.engine.open_orders(desk.paper_name)) == 1


def test_with_the_option_a_strangers_is_taken_over_and_closed_too(desk: Desk) -> None:
    stranger(desk)
    stranger(desk, "BUY", "LIMIT", price=D(1), time_in_force="GTC")
    report = flatten(desk.account.pk, "enough", "ada", include_foreign=True).reports.get()
    prove()
    FlatReport.objects.update(foreign_since=timezone.now() - timedelta(seconds=10))
    prove()
    work()
    work()
    prove()
    report.refresh_from_db()
    assert (report.outcome, report.left) == ("flat", [])
    assert (desk.held(), desk.engine.open_orders(desk.paper_name)) == (0, [])


def test_what_cannot_be_taken_ends_the_flat(desk: Desk) -> None:
    stranger(desk)
    Instrument.objects.filter(exchange_symbol="SOLUSDT").delete()
    report = flatten(desk.account.pk, "enough", "ada", include_foreign=True).reports.get()
    for _ in range(2):
        prove()
        FlatReport.objects.update(foreign_since=timezone.now() - LATER)
    prove()
    report.refresh_from_db()
    assert (report.outcome, left(report), desk.held()) == ("foreign_left", [("position", False)], 10)


def test_what_a_person_opens_days_later_is_not_taken_over(desk: Desk) -> None:
    report = flatten(desk.account.pk, "enough", "ada", include_foreign=True).reports.get()
    FlatRun.objects.update(begun_at=timezone.now() - timedelta(days=2))
    stranger(desk)
    prove()
    FlatReport.objects.update(foreign_since=timezone.now() - timedelta(seconds=10))
    prove()
    report.refresh_from_db()
    assert (report.outcome, Position.objects.count()) == ("foreign_left", 0)


def test_an_account_that_cannot_be_asked_does_not_keep_the_flat_of_all_open(desk: Desk) -> None:
    Trouble(desk).answer_with(AccountUnusable("it has no API keys."), method="open_orders")
    run = flatten(None, "enough", "ada")
    prove()
    run.refresh_from_db()
    report = run.reports.get()
    assert (report.outcome, report.error, report.asked_at) == ("not_asked", "it has no API keys.", None)
    assert run.ended_at is not None


def test_one_that_cannot_be_asked_and_holds_something_by_our_rows_stays_open(desk: Desk) -> None:
    desk.filled()
    Trouble(desk).answer_with(AccountUnusable("it has no API keys."), method="open_orders")
    run = flatten(None, "enough", "ada")
    prove()
    assert run.reports.get().outcome == "closing"


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_flat_that_a_person_ends_closes_nothing_that_is_opened_later(desk: Desk, everywhere: bool) -> None:
    of = None if everywhere else desk.account.pk
    run = flatten(of, "enough", "ada")
    halting.activate(of, "go on", "ada")
    position = desk.filled()
    assert flattening.close_due() == 0
    position.refresh_from_db()
    run.refresh_from_db()
    assert (position.status, run.ended_at is not None) == ("open", True)
    assert run.reports.get().outcome == "given_up"


@pytest.mark.parametrize("stopped", ["", "by limits"])
def test_our_own_limits_end_no_flat_of_all(desk: Desk, stopped: str) -> None:
    """A loss is reached while everything is closed, or a new day begins: both change the account's own state only."""
    position = desk.filled()
    if stopped:
        halting.reduce(desk.account.pk, "daily loss", cause=Cause.LIMITS)
    run = begun(None)
    if stopped:
        halting.activate(desk.account.pk, "a new day", cause=Cause.LIMITS)
    else:
        halting.reduce(desk.account.pk, "daily loss 5 %", cause=Cause.LIMITS)
    work()
    prove()
    position.refresh_from_db()
    assert (run.reports.get().outcome, position.status, desk.held()) == ("flat", "closed", 0)


def test_less_than_a_flat_changes_nothing_while_it_goes_on(desk: Desk) -> None:
    position = desk.filled()
    for of in (desk.account.pk, None):
        begun(of)
        answer = halting.reduce(of, "by hand", "bob")
        assert (answer.state, answer.move) == (TradingState.HALTED, Move.KEEP)
        assert "everything on it is being closed" in sentence_of(answer)
    work()
    prove()
    position.refresh_from_db()
    assert (position.status, set(outcomes())) == ("closed", {"flat"})
    assert halting.reduce(desk.account.pk, "by hand", "bob").state is TradingState.REDUCING


def test_one_that_is_let_go_on_is_closed_for_as_long_as_all_are_stopped(desk: Desk) -> None:
    position = desk.filled()
    halting.halt(desk.account.pk, "holidays", "bob")
    begun(None)
    resume(desk.account.pk, "bob")
    work()
    prove()
    position.refresh_from_db()
    assert (position.status, outcomes()) == ("closed", ["flat"])


def test_all_that_go_on_leave_the_flat_of_one_that_is_stopped_itself(desk: Desk) -> None:
    other = second_desk(desk)
    halting.halt(desk.account.pk, "holidays", "bob")
    begun(None)
    resume(None, "ada")
    assert outcomes() == ["closing", "given_up"]
    resume(desk.account.pk, "ada")
    assert outcomes() == ["given_up", "given_up"]
    assert not other.held()


def test_what_limits_let_go_on_after_a_person_did_is_not_closed(desk: Desk) -> None:
    """The person spoke of all accounts while a loss still stopped this one; its new day ends both."""
    desk.filled()
    begun(None)
    halting.reduce(desk.account.pk, "daily loss", cause=Cause.LIMITS)
    resume(None, "ada")
    assert outcomes() == ["closing"]
    halting.activate(desk.account.pk, "a new day", cause=Cause.LIMITS)
    assert outcomes() == ["given_up"]


def test_a_flat_that_is_given_up_says_what_it_left(desk: Desk) -> None:
    desk.filled()
    run = begun(desk.account.pk)
    resume(desk.account.pk, "ada")
    assert left(run.reports.get()) == [("position", True)]
    told = RiskEvent.objects.get(event_type="flat_given_up")
    assert (told.risk_level, "position BTC/USDT:USDT long" in told.details["left"]) == ("critical", True)


def test_an_order_that_fills_between_the_two_questions_is_seen(desk: Desk) -> None:
    stranger(desk, "BUY", "LIMIT", price=D(1), time_in_force="GTC")
    client = Trouble(desk).client()

    def fills_after(method: str) -> None:
        honest = getattr(client, method)

        async def then_it_fills() -> object:
            told = await honest()
            desk.engine.set_price("SOLUSDT", D("0.9"), now_ms())
            return told

        setattr(client, method, then_it_fills)

    fills_after("positions")
    fills_after("open_orders")
    report = flatten(desk.account.pk, "enough", "ada").reports.get()
    prove()
    report.refresh_from_db()
    assert (desk.held(), report.outcome, ("position", False) in left(report)) == (10, "closing", True)


def test_a_listing_proves_no_flat_that_began_after_the_question(desk: Desk) -> None:
    asked_at = timezone.now()
    report = flatten(desk.account.pk, "enough", "ada").reports.get()
    flat_proof._judge(desk.account, Listing(asked_at, [], []), asked_at)
    report.refresh_from_db()
    assert (report.outcome, report.asked_at) == ("closing", None)


def test_whoever_halted_it_what_the_exchange_refuses_now_is_not_resumed(desk: Desk) -> None:
    halting.halt(desk.account.pk, "holidays", "bob")
    trouble = Trouble(desk)
    trouble.answer_with(AccountUnusable("Invalid API-key", code="-2015"), method="balance")
    assert resume(desk.account.pk, "bob").is_refused
    delattr(trouble.client(), "balance")
    assert not resume(desk.account.pk, "bob").is_refused


def test_the_wish_survives_whoever_had_it(desk: Desk) -> None:
    """Killed after the commit of the wish, before anything was asked for: the sweep does the rest."""
    position = desk.filled()
    begun(desk.account.pk)
    work()
    prove()
    position.refresh_from_db()
    assert (position.status, FlatReport.objects.get().outcome) == ("closed", "flat")


def test_without_any_account_there_is_nothing_to_prove(db) -> None:
    run = flatten(None, "enough", "ada")
    assert FlatRun.objects.get(pk=run.pk).ended_at is not None


def test_what_the_exchange_refused_is_resumed_only_when_it_answers_again(desk: Desk) -> None:
    halting.halt(desk.account.pk, "-2015 Invalid API-key")
    trouble = Trouble(desk)
    trouble.answer_with(Refused("Invalid API-key", code="-2015"), method="balance")
    found = resume(desk.account.pk, "ada")
    assert found.is_refused
    assert "-2015 Invalid API-key" in found.findings[0]
    delattr(trouble.client(), "balance")
    found = resume(desk.account.pk, "ada")
    assert not found.is_refused
    assert "equity 10,000.00, 0 positions, 0 orders" in found.findings[0]
    desk.account.refresh_from_db()
    assert desk.account.trading_state == "active"


def test_letting_all_go_on_leaves_what_was_stopped_by_itself(desk: Desk) -> None:
    halting.halt(desk.account.pk, "holidays", "bob")
    halting.halt(None, "storm", "ada")
    found = resume(None, "ada")
    assert (found.answer.state, "it is halted itself" in found.findings[0]) == (TradingState.ACTIVE, True)
    desk.account.refresh_from_db()
    assert desk.account.trading_state == "halted"


def test_a_trial_order_of_the_canary_is_ours_and_none_is_placed_after_a_halt(desk: Desk) -> None:
    desk.engine.open_account(desk.paper_name, D(10_000))
    desk.engine.set_dual_side(desk.paper_name, True)
    made = CanaryRun.objects.create(
        account=desk.account, instrument=Instrument.objects.get(exchange_symbol="SOLUSDT"), mark_price=D(188),
        started_at=timezone.now(),
    )  # fmt: skip
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="cancel_order")
    far = Terms(OrderType.LIMIT, price=D(150))
    standing = canary_orders.try_out(made, far, D(1))
    assert standing.state == "standing"
    report = flatten(desk.account.pk, "enough", "ada").reports.get()
    above = Terms(OrderType.STOP_MARKET, trigger_price=D(250))
    assert canary_orders.try_out(made, above, D(1)).state == "not_sent"
    prove()
    report.refresh_from_db()
    assert [(one["what"], one["is_ours"]) for one in report.left] == [(standing.name, True)]
    delattr(Trouble(desk).client(), "cancel_order")
    canary.clean_up()
    prove()
    report.refresh_from_db()
    assert (report.outcome, report.left) == ("flat", [])


def test_what_breaks_for_one_account_keeps_no_other_unproven(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, judge = second_desk(desk), flat_proof._judge

    def broken(account: ExchangeAccount, *listing: Any) -> Any:
        if account.pk == desk.account.pk:
            raise RuntimeError("poison")
        return judge(account, *listing)

    monkeypatch.setattr(flat_proof, "_judge", broken)
    run = flatten(None, "enough", "ada")
    prove()
    outcomes = dict(run.reports.values_list("account", "outcome"))
    assert outcomes == {desk.account.pk: "closing", other.account.pk: "flat"}
