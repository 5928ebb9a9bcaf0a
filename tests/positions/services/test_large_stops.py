"""A position larger than one order may sell is protected by several that are one stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges.models import AccountWatch, Instrument
from exchanges.paper.venue import now_ms
from exchanges.types import ReportStatus
from positions import invariants
from positions.lifecycle import CloseReason
from positions.models import Order, Position
from positions.position_page import record_of
from positions.queries import held_positions
from positions.services import lookups, orders
from positions.services.closing import request_close
from positions.services.reconciliation import reconcile_account
from tests.positions.services.conftest import Desk
from tests.positions.services.test_covering import BTC, a_person, last_try, sweep
from tests.positions.services.test_ladder import send, settle
from trailing import services as trailing
from trailing.models import TrailingStop


@pytest.fixture
def large(desk: Desk) -> Position:
    """0.010 at 100000 where one order may sell 0.0045."""
    desk.engine.spread_ticks = 0
    desk.engine.set_price(BTC, D(100_000), 0)
    position = desk.filled()
    desk.engine.rules[BTC] = replace(desk.engine.rules[BTC], max_quantity=D("0.0045"))
    Instrument.objects.filter(exchange_symbol=BTC).update(max_quantity=D("0.0045"))
    trailing.protect(position.pk)
    send(position)
    position.refresh_from_db()
    return position


def stops(position: Position, *statuses: str) -> list[tuple[int, int, D]]:
    made = Order.objects.filter(position=position, purpose="protect", status__in=statuses or ("accepted",))
    return list(made.order_by("generation", "part").values_list("generation", "part", "quantity"))


WHOLE = [(1, 1, D("0.004")), (1, 2, D("0.003")), (1, 3, D("0.003"))]


def test_it_is_protected_at_once(desk: Desk, large: Position) -> None:
    assert stops(large) == WHOLE
    assert (large.unprotected_since, held_positions()[0].stop_price) == (None, D(98_000))
    assert len(desk.engine.open_algos(desk.paper_name)) == 3
    names = list(
        Order.objects.filter(position=large, purpose="protect").values_list("client_order_id", flat=True)
    )
    assert len(set(names)) == 3
    trailing.protect(large.pk)
    assert stops(large, "initialized") == [], "nothing is missing"


def test_it_is_unprotected_until_the_last_of_them_is_confirmed(desk: Desk, large: Position) -> None:
    lost = desk.engine.open_algos(desk.paper_name)[0]
    desk.engine.cancel_algo(desk.paper_name, client_algo_id=lost.client_algo_id, now_ms=now_ms())
    lookups.resolve(Order.objects.get(client_order_id=lost.client_algo_id).pk, gone=ReportStatus.CANCELED)
    large.refresh_from_db()
    assert large.unprotected_since is not None
    assert held_positions()[0].is_unprotected
    trailing.protect(large.pk)
    first, *others = Order.objects.filter(position=large, status="initialized").order_by("part")
    for order in others:
        orders.submit(order.pk)
    large.refresh_from_db()
    assert large.unprotected_since is not None
    orders.submit(first.pk)
    settle(large)
    large.refresh_from_db()
    assert large.unprotected_since is None
    assert stops(large) == [(2, part, quantity) for _, part, quantity in WHOLE]


def test_a_better_stop_replaces_all_of_them_when_it_is_whole(desk: Desk, large: Position) -> None:
    TrailingStop.objects.update(stop_price=D(99_000), stop_reason="breakeven")
    trailing.protect(large.pk)
    *others, last = Order.objects.filter(position=large, status="initialized").order_by("part")
    for order in others:
        orders.submit(order.pk)
    assert [row for row in stops(large) if row[0] == 1] == WHOLE
    orders.submit(last.pk)
    settle(large)
    assert stops(large) == [(2, part, quantity) for _, part, quantity in WHOLE]
    assert {algo.trigger_price for algo in desk.engine.open_algos(desk.paper_name)} == {99_000}


def test_where_one_of_them_is_refused_the_standing_stop_stays(desk: Desk, large: Position) -> None:
    TrailingStop.objects.update(stop_price=D(99_000), stop_reason="breakeven")
    trailing.protect(large.pk)
    desk.engine.rules[BTC] = replace(desk.engine.rules[BTC], max_quantity=D("0.0035"))
    send(large)
    rejected = Order.objects.filter(position=large, status="rejected")
    rejected.update(updated_at=timezone.now() + timedelta(minutes=1))  # its pause lasts on a slow machine too
    settle(large)
    assert stops(large) == WHOLE
    assert stops(large, "rejected") == [(2, 1, D("0.004"))]
    large.refresh_from_db()
    assert large.unprotected_since is None
    trailing.protect(large.pk)
    assert stops(large, "initialized") == [], (
        "the pause after a refusal is for the stop, whichever order it was"
    )


def test_they_shrink_together(desk: Desk, large: Position) -> None:
    a_person(desk, "SELL", "0.004")
    sweep(large)
    settle(large)
    assert stops(large) == [(2, 1, D("0.003")), (2, 2, D("0.003"))]
    a_person(desk, "SELL", "0.003")
    sweep(large)
    settle(large)
    assert stops(large) == [(3, 1, D("0.003"))]
    large.refresh_from_db()
    assert large.unprotected_since is None


def test_they_fire_together_and_close_it(desk: Desk, large: Position) -> None:
    desk.engine.set_price(BTC, D(97_900), 0)
    settle(large)
    large.refresh_from_db()
    assert (large.status, large.close_reason, desk.held()) == ("closed", "stop_loss", 0)
    assert len(stops(large, "filled")) == 3


def test_what_fired_leaves_the_others_for_the_rest(desk: Desk, large: Position) -> None:
    """No new stop is asked for between their executions."""
    desk.engine.set_price(BTC, D(97_900), 0)
    lookups.resolve(Order.objects.get(position=large, purpose="protect", part=1).pk)
    large.refresh_from_db()
    assert (large.quantity, large.unprotected_since) == (D("0.006"), None)
    trailing.protect(large.pk)
    assert stops(large, "initialized") == []


def test_a_close_takes_all_of_them_back(desk: Desk, large: Position) -> None:
    request_close(large.pk, reason=CloseReason.MANUAL, requested_by="test")
    for _ in range(3):
        send(large)
    settle(large)
    assert (desk.held(), desk.engine.open_algos(desk.paper_name)) == (0, [])


def test_what_must_be_true_counts_them_together(large: Position) -> None:
    Position.objects.update(opened_at=timezone.now() - timedelta(hours=1))
    assert list(invariants.every_open_position_has_a_stop(timezone.now())) == []
    Order.objects.filter(position=large, purpose="protect", part=3).update(status="canceled")
    assert list(invariants.every_open_position_has_a_stop(timezone.now())) == [
        f"position {large.pk} has no stop for all it holds"
    ]


def test_the_comparison_proves_them_together(desk: Desk, large: Position) -> None:
    reconcile_account(desk.account.pk)
    assert AccountWatch.objects.get().positions_proven_protected == 1
    lost = desk.engine.open_algos(desk.paper_name)[0]
    desk.engine.cancel_algo(desk.paper_name, client_algo_id=lost.client_algo_id, now_ms=now_ms())
    reconcile_account(desk.account.pk)
    assert AccountWatch.objects.get().positions_proven_protected == 0


def test_a_maximum_that_became_smaller_is_learned_before_the_position_is_closed_for_it(
    desk: Desk, large: Position
) -> None:
    """Refused as it was, asked for in smaller orders as soon as the contract's new rules are known."""
    desk.engine.rules[BTC] = replace(desk.engine.rules[BTC], max_quantity=D("0.002"))
    a_person(desk, "BUY", "0.001")
    sweep(large)
    Instrument.objects.filter(exchange_symbol=BTC).update(max_quantity=D("0.002"))
    last_try(large, seconds_ago=60)
    Order.objects.filter(position=large, status="rejected").update(
        updated_at=timezone.now() - timedelta(minutes=1)
    )
    sweep(large)
    settle(large)
    assert sum(quantity for _, _, quantity in stops(large)) == D("0.011")
    assert max(quantity for _, _, quantity in stops(large)) == D("0.002")
    large.refresh_from_db()
    assert (large.status, large.unprotected_since) == ("open", None)


def test_its_page_and_its_first_risk_know_one_stop(large: Position) -> None:
    record = record_of(large.pk, timezone.now())
    assert record is not None
    assert record.stops[0].trigger_price == D(98_000)
