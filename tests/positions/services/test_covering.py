"""A stop counts as protection when it would sell all that is held, and only while it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from exchanges.marks import publish_prices
from exchanges.paper.venue import now_ms
from exchanges.types import PriceTick
from positions import invariants
from positions.models import Order, Position
from positions.patience import pause_after
from positions.queries import held_positions
from positions.services import lookups
from positions.services.reconciliation import reconcile_account
from tests.positions.services.conftest import Desk
from tests.positions.services.test_ladder import send
from tests.trailing.processes import take_hints
from trailing import services as trailing
from trailing import sweeping

BTC = "BTCUSDT"


@pytest.fixture
def protected(desk: Desk) -> Position:
    """0.010 at 100000, a stop for all of it."""
    desk.engine.spread_ticks = 0
    desk.engine.set_price(BTC, D(100_000), 0)
    position = desk.filled()
    trailing.protect(position.pk)
    desk.submit(position, "protect")
    position.refresh_from_db()
    assert position.unprotected_since is None
    return position


def a_person(desk: Desk, side: str, quantity: str, *, told: bool = True) -> None:
    trades = desk.engine.account(desk.paper_name).trades
    before = len(trades)
    desk.engine.place(
        desk.paper_name, symbol=BTC, side=side, type="MARKET", quantity=D(quantity), position_side="LONG",
        now_ms=now_ms() + 1,
    )  # fmt: skip
    for trade in trades[before:] if told else ():
        desk.tell(trade)


def larger_stops_are_refused(desk: Desk) -> None:
    desk.engine.rules[BTC] = replace(desk.engine.rules[BTC], max_quantity=D("0.012"))


def later(position: Position, **by: float) -> None:
    """So much time passes for what our rows know of it."""
    for row in [position, *Order.objects.filter(position=position)]:
        moments = {"updated_at": row.updated_at - timedelta(**by)}
        if isinstance(row, Position) and row.unprotected_since is not None:
            moments["unprotected_since"] = row.unprotected_since - timedelta(**by)
        type(row).objects.filter(pk=row.pk).update(**moments)
    position.refresh_from_db()


def sweep(position: Position) -> None:
    sweeping.sweep(timezone.now())
    send(position)
    position.refresh_from_db()


def stops(position: Position) -> list[tuple[int, str, D]]:
    made = Order.objects.filter(position=position, purpose="protect").order_by("generation")
    return list(made.values_list("generation", "status", "quantity"))


def test_a_position_is_unprotected_while_no_stop_is_for_all_of_it(desk: Desk, protected: Position) -> None:
    a_person(desk, "BUY", "0.010")
    protected.refresh_from_db()
    assert protected.unprotected_since is not None
    assert held_positions()[0].is_unprotected
    later(protected, seconds=5)
    sweep(protected)
    assert (protected.unprotected_since, protected.unprotected_seconds >= 5) == (None, True)
    assert not held_positions()[0].is_unprotected
    assert stops(protected)[-1] == (2, "accepted", D("0.020"))


def test_a_position_half_protected_for_too_long_is_closed(desk: Desk, protected: Position) -> None:
    larger_stops_are_refused(desk)
    a_person(desk, "BUY", "0.010")
    sweep(protected)
    later(protected, seconds=29)
    sweep(protected)
    assert (protected.status, stops(protected)[0][1]) == ("open", "accepted")
    later(protected, seconds=2)
    sweep(protected)
    assert (protected.close_reason, protected.close_requested_by) == (
        "unprotected",
        "no stop could be placed",
    )


def test_what_must_be_true_asks_for_the_whole_quantity(protected: Position) -> None:
    Position.objects.update(quantity=D("0.020"), opened_at=timezone.now() - timedelta(hours=1))
    assert list(invariants.every_open_position_has_a_stop(timezone.now())) == [
        f"position {protected.pk} has no stop for all it holds"
    ]
    Position.objects.update(quantity=D("0.010"))
    assert list(invariants.every_open_position_has_a_stop(timezone.now())) == []


def test_what_comes_while_a_larger_stop_is_on_its_way_has_a_time_of_its_own(
    desk: Desk, protected: Position
) -> None:
    """An entry that fills in many small parts is always a part ahead of its stop."""
    a_person(desk, "BUY", "0.010")
    later(protected, seconds=29)
    trailing.protect(protected.pk)
    a_person(desk, "BUY", "0.010")
    send(protected)
    later(protected, seconds=2)
    sweeping.sweep(timezone.now())
    protected.refresh_from_db()
    assert protected.status == "open"
    send(protected)
    protected.refresh_from_db()
    assert (protected.unprotected_since, stops(protected)[-1]) == (None, (3, "accepted", D("0.030")))


def test_the_standing_stop_covers_again_what_a_sale_has_left(desk: Desk, protected: Position) -> None:
    larger_stops_are_refused(desk)
    a_person(desk, "BUY", "0.010")
    a_person(desk, "SELL", "0.010")
    protected.refresh_from_db()
    assert protected.unprotected_since is None


def test_a_stop_that_is_refused_again_and_again_is_asked_for_less_often(
    desk: Desk, protected: Position
) -> None:
    larger_stops_are_refused(desk)
    a_person(desk, "BUY", "0.010")
    for refused, pause in ((1, 1), (2, 2), (3, 4), (4, 8)):
        sweep(protected)
        assert len(stops(protected)) == 1 + refused
        last_try(protected, seconds_ago=pause - 10)
        sweep(protected)
        assert len(stops(protected)) == 1 + refused, "not before its pause is over"
        last_try(protected, seconds_ago=pause)


def last_try(position: Position, *, seconds_ago: float) -> None:
    newest = Order.objects.filter(position=position, purpose="protect").latest("generation")
    at = timezone.now() - timedelta(seconds=seconds_ago)
    Order.objects.filter(pk=newest.pk).update(updated_at=at)


def test_pauses_double_up_to_a_minute() -> None:
    assert [pause_after(n).total_seconds() for n in (1, 2, 3, 6, 7, 8, 1000)] == [1, 2, 4, 32, 60, 60, 60]


def test_a_stop_that_fired_and_sells_nothing_does_not_count_for_long(desk: Desk, protected: Position) -> None:
    Order.objects.filter(position=protected, purpose="protect").update(status="triggered")
    later(protected, seconds=8)
    sweeping.sweep(timezone.now())
    assert [status for _, status, _ in stops(protected)] == ["triggered"]
    later(protected, seconds=3)
    sweeping.sweep(timezone.now())
    protected.refresh_from_db()
    assert protected.unprotected_since is not None
    assert [status for _, status, _ in stops(protected)] == ["triggered", "initialized"]


def test_a_stop_that_fired_long_ago_lets_a_crossed_price_close(desk: Desk, protected: Position) -> None:
    Order.objects.filter(position=protected, purpose="protect").update(status="triggered")
    later(protected, seconds=11)
    publish_prices("binance", [(BTC, PriceTick("BTC/USDT:USDT", D(90_000), timezone.now()))])
    sweeping.sweep(timezone.now())
    protected.refresh_from_db()
    assert (protected.status, protected.close_reason) == ("closing", "stop_loss")


def test_a_stop_that_fired_long_ago_hides_no_position_from_the_comparison(
    desk: Desk, protected: Position
) -> None:
    a_person(desk, "SELL", "0.010", told=False)
    Order.objects.filter(position=protected, purpose="protect").update(status="triggered")
    later(protected, seconds=9)
    reconcile_account(desk.account.pk)
    protected.refresh_from_db()
    assert protected.absent_since is None
    later(protected, seconds=2)
    reconcile_account(desk.account.pk)
    protected.refresh_from_db()
    assert protected.absent_since is not None or protected.status == "closed"


def test_a_stop_that_fired_and_was_refused_is_replaced_at_once(
    desk: Desk, protected: Position, django_capture_on_commit_callbacks: Any
) -> None:
    """The exchange refuses to sell more than is held, and that a person sold some was not told yet."""
    a_person(desk, "SELL", "0.004", told=False)
    desk.engine.set_price(BTC, D(97_000), 0)
    take_hints()
    with django_capture_on_commit_callbacks(execute=True):
        lookups.resolve(desk.order(protected, "protect").pk)
    protected.refresh_from_db()
    assert (desk.order(protected, "protect").status, protected.quantity) == ("rejected", D("0.010"))
    assert protected.unprotected_since is not None
    assert ("trailing.tasks.protect", [str(protected.pk)]) in take_hints()
