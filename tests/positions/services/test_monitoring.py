"""Every sentence finds the corruption planted for it, and all are silent in a clean run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.utils import timezone

from exchanges.models import AccountBalance, AccountWatch
from exchanges.paper.venue import now_ms
from positions import invariants
from positions.lifecycle import CloseReason
from positions.models import Fill, InvariantCheck, Order, Position, RiskEvent
from positions.services import monitoring
from positions.services.closing import request_close
from positions.services.reconciliation import reconcile_account
from tests.positions.services.conftest import Desk
from trailing.models import TrailingStop

AN_HOUR = timedelta(hours=1)


def age_everything() -> None:
    """All of it happened an hour ago."""
    then = timezone.now() - AN_HOUR
    Order.objects.update(updated_at=then, created_at=then)
    Position.objects.update(updated_at=then, opened_at=then)
    Position.objects.filter(status="closed").update(closed_at=then)
    Fill.objects.update(executed_at=then)
    AccountWatch.objects.filter(baseline_at__isnull=False).update(baseline_at=then - timedelta(minutes=1))


@pytest.fixture
def traded(desk: Desk) -> Desk:
    """One position open with its stop, one closed, all of it told, the wallet's baseline taken before."""
    desk.engine.open_account(desk.paper_name, D(10_000))
    reconcile_account(desk.account.pk)
    monitoring.check_invariants()
    position = desk.filled()
    desk.stop(position)
    other = desk.filled("ETHUSDT")
    desk.stop(other)
    request_close(other.pk, reason=CloseReason.MANUAL, requested_by="owner")
    desk.submit(other, "close")
    reconcile_account(desk.account.pk)
    Order.objects.filter(status="pending_cancel").update(status="canceled")
    desk.engine.cancel_all_algo(desk.paper_name, "ETHUSDT", now_ms())
    age_everything()
    reconcile_account(desk.account.pk)
    return desk


def test_a_clean_run_contradicts_nothing(traded: Desk) -> None:
    assert monitoring.check_invariants(), list(InvariantCheck.objects.values_list("name", "findings"))
    assert not RiskEvent.objects.exists()
    assert InvariantCheck.objects.filter(is_true=True).count() == len(invariants.SENTENCES) + 1


def change_schema(statement: str) -> None:
    connection.check_constraints()  # nothing may wait for the end of this transaction
    with connection.cursor() as cursor:
        cursor.execute(statement)


def open_position() -> Position:
    return Position.objects.get(status="open")


def a_fill_is_lost() -> None:
    Fill.objects.filter(position=open_position()).delete()


def a_fill_is_doubled() -> None:
    change_schema("ALTER TABLE trades DROP CONSTRAINT fill_once")
    fill = Fill.objects.filter(position=open_position()).get()
    fill.pk = None
    fill.save()


def the_exchange_holds_less() -> None:
    Position.objects.filter(status="open").update(differs_since=timezone.now() - AN_HOUR)


def nobody_knows_a_leg() -> None:
    since = (timezone.now() - AN_HOUR).isoformat()
    AccountWatch.objects.update(unknown_legs={"SOL/USDT:USDT long 3": since})


def one_exchange_order_for_two_rows() -> None:
    Order.objects.filter(purpose="entry").update(exchange_order_id="77", symbol="BTCUSDT")


def an_order_without_a_row() -> None:
    AccountWatch.objects.update(unasked_orders=["tb-0000000000000000-e1"])


def the_stop_is_gone() -> None:
    Order.objects.filter(position=open_position(), purpose="protect").update(status="expired")


def an_answer_never_came() -> None:
    Order.objects.filter(position=open_position(), purpose="protect").update(status="submitted")


def an_order_outlives_its_position() -> None:
    Order.objects.filter(position__status="closed", purpose="protect").update(status="accepted")


def a_row_was_never_sent() -> None:
    Order.objects.filter(position=open_position(), purpose="protect").update(status="initialized")


def the_trailing_row_is_gone() -> None:
    TrailingStop.objects.all().delete()


def an_orphan_trailing_row() -> None:
    closed = Position.objects.get(status="closed")
    change_schema("ALTER TABLE trailing_stop_state DROP CONSTRAINT trailing_only_on_live_position")
    TrailingStop.objects.create(position=closed, stop_loss_percent=2, activation_percent=1, callback_rate=1)


def money_went_somewhere() -> None:
    AccountBalance.objects.update(wallet_balance=D(9000))
    AccountWatch.objects.update(wallet_differs_since=timezone.now() - AN_HOUR)


def nobody_asked_the_exchange() -> None:
    AccountWatch.objects.update(reconciled_at=timezone.now() - AN_HOUR)


PLANTED = [
    (a_fill_is_lost, "sum of fills equals position"),
    (a_fill_is_doubled, "no order is filled beyond what it asked for"),
    (the_exchange_holds_less, "our positions equal the exchange's"),
    (nobody_knows_a_leg, "our positions equal the exchange's"),
    (one_exchange_order_for_two_rows, "no order is filled beyond what it asked for"),
    (an_order_without_a_row, "every exchange order of ours has a row"),
    (the_stop_is_gone, "every open position has a stop on the exchange"),
    (an_answer_never_came, "no order waits for an answer for ever"),
    (an_order_outlives_its_position, "no order waits for an answer for ever"),
    (a_row_was_never_sent, "no order waits for an answer for ever"),
    (the_trailing_row_is_gone, "trailing rows belong to live positions"),
    (an_orphan_trailing_row, "trailing rows belong to live positions"),
    (money_went_somewhere, "wallet change equals profit less fees plus funding"),
    (nobody_asked_the_exchange, "every account is compared with its exchange"),
]


@pytest.mark.parametrize(("plant", "sentence"), PLANTED, ids=lambda value: getattr(value, "__name__", None))
def test_what_is_planted_is_found_and_told_once(
    traded: Desk, plant: Callable[[], None], sentence: str
) -> None:
    plant()
    age_everything()
    assert not monitoring.check_invariants()
    assert not monitoring.check_invariants()
    check = InvariantCheck.objects.get(name=sentence)
    assert (check.is_true, bool(check.findings)) == (False, True)
    told = RiskEvent.objects.filter(event_type="invariant_broken", details__sentence=sentence)
    assert told.get().risk_level == "critical"


def test_every_sentence_has_a_corruption_that_breaks_it() -> None:
    assert {sentence for _, sentence in PLANTED} == set(invariants.SENTENCES)


def test_a_sentence_that_holds_again_is_told_anew_when_it_breaks_again(traded: Desk) -> None:
    for _ in range(2):
        an_order_without_a_row()
        assert not monitoring.check_invariants()
        AccountWatch.objects.update(unasked_orders=[])
        assert monitoring.check_invariants()
    assert RiskEvent.objects.count() == 2
    assert not InvariantCheck.objects.exclude(broken_since=None).exists()


def test_a_question_that_fails_is_unknown_and_not_true(traded: Desk) -> None:
    change_schema("ALTER TABLE trades RENAME COLUMN fee TO gone")
    assert not monitoring.check_invariants()
    assert InvariantCheck.objects.get(name="trailing rows belong to live positions").is_true
    unknown = InvariantCheck.objects.get(name="wallet change equals profit less fees plus funding")
    assert unknown.is_true is None


def test_a_new_deadlock_is_told(traded: Desk) -> None:
    monitoring.check_invariants()
    InvariantCheck.objects.filter(name=monitoring.NO_DEADLOCK).update(findings=["-1"])
    assert not monitoring.check_invariants()
    assert RiskEvent.objects.get().details["sentence"] == monitoring.NO_DEADLOCK
    assert monitoring.check_invariants()


def test_a_deposit_is_a_gap_until_the_owner_accepts_it(traded: Desk) -> None:
    monitoring.check_invariants()
    AccountBalance.objects.update(wallet_balance=D(20_000))
    monitoring.check_invariants()
    AccountWatch.objects.update(wallet_differs_since=timezone.now() - AN_HOUR)
    assert not monitoring.check_invariants()
    monitoring.accept_wallet(traded.account.pk)
    assert monitoring.check_invariants()
