from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exchanges.marks import publish_prices
from exchanges.paper.venue import now_ms
from exchanges.types import PositionSide, PriceTick
from positions.lifecycle import CloseReason, PositionStatus
from positions.models import Order, Position
from positions.services import lookups
from positions.services.closing import request_close
from positions.services.plans import kept
from positions.services.reducing import close_part
from tests.builders import a_position, a_trailing_stop
from tests.positions.services.conftest import Desk
from tests.trailing.conftest import sweep_and_ask
from tests.trailing.processes import take_hints
from trailing import asking, services, sweeping, tasks
from trailing.models import PlanVersion, TrailingStop
from trailing.plan import read_plan


def soon() -> datetime:
    """Later than all that a test does, however slow this machine is."""
    return timezone.now() + timedelta(seconds=10)


def protected(desk: Desk, symbol: str = "BTCUSDT", side: PositionSide = PositionSide.LONG) -> Position:
    """Filled, armed, its stop confirmed by the exchange."""
    position = desk.filled(symbol, side)
    services.protect(position.pk)
    assert desk.submit(position, "protect").status == "accepted"
    position.refresh_from_db()
    return position


def row_of(position: Position) -> TrailingStop:
    return TrailingStop.objects.get(pk=position.pk)


def stops(position: Position) -> list[tuple[int, str, D]]:
    made = Order.objects.filter(position=position, purpose="protect").order_by("generation")
    return list(made.values_list("generation", "status", "trigger_price"))


def state(position: Position) -> tuple[str, str, str]:
    return Position.objects.values_list("status", "close_reason", "close_requested_by").get(pk=position.pk)


def grow_old(position: Position) -> None:
    """The newest stop was placed a while ago."""
    Order.objects.filter(position=position).update(created_at=timezone.now() - timedelta(seconds=5))


# protect


def test_a_filled_position_is_armed_at_what_it_paid_and_gets_one_stop(desk: Desk) -> None:
    position = desk.filled()
    services.protect(position.pk)
    row = row_of(position)
    assert row.entry_price == position.average_entry_price == D("97250.1")
    assert (row.state, row.stop_price) == ("waiting", D("95305.0"))
    assert row.activation_price == D("98708.8515")
    assert stops(position) == [(1, "initialized", D("95305.0"))]
    stop = desk.submit(position, "protect")
    assert (stop.status, stop.quantity, stop.reduce_only, stop.side) == ("accepted", D("0.010"), True, "sell")
    (algo,) = desk.engine.open_algos(desk.paper_name)
    assert (algo.trigger_price, algo.quantity, algo.position_side) == (D("95305.0"), D("0.010"), "LONG")


def test_a_short_is_armed_as_the_mirror(desk: Desk) -> None:
    position = protected(desk, side=PositionSide.SHORT)
    assert row_of(position).stop_price == D("99194.9")  # 97249.9 * 1.02 = 99194.898, rounded up
    assert Order.objects.get(purpose="protect").side == "buy"


def test_protecting_again_adds_nothing(desk: Desk) -> None:
    position = protected(desk)
    services.protect(position.pk)
    assert len(stops(position)) == 1


def test_a_stop_in_flight_is_waited_for(desk: Desk) -> None:
    position = desk.filled()
    for status in ("initialized", "submitted"):
        services.protect(position.pk)
        Order.objects.filter(purpose="protect").update(status=status)
        services.protect(position.pk)
        assert len(stops(position)) == 1


@pytest.mark.parametrize(
    ("sold", "price", "is_hinted"), [("0", None, False), ("0.5", None, True), ("0", "95400", True)]
)
def test_a_stop_overtaken_on_its_way_is_followed_by_a_hint(
    desk: Desk, django_capture_on_commit_callbacks: Any, sold: str, price: str | None, is_hinted: bool
) -> None:
    """While it was sent nobody could begin another: the sweep would come seconds later."""
    position = desk.filled()
    services.protect(position.pk)
    if D(sold):
        close_part(position.pk, D(sold), requested_by="owner")
        desk.submit(position, "reduce")
    if price:
        TrailingStop.objects.update(stop_price=price)
    take_hints()
    with django_capture_on_commit_callbacks(execute=True):
        assert desk.submit(position, "protect").status == "accepted"
    assert take_hints() == ([("trailing.tasks.protect", [str(position.pk)])] if is_hinted else [])


def test_a_position_that_is_not_filled_yet_gets_no_stop(desk: Desk) -> None:
    started = soon()
    position = desk.open()
    services.protect(position.pk)
    services.advance(position.pk, D(97000), started)
    assert stops(position) == []
    assert row_of(position).state == "inactive"


def test_a_position_that_grew_gets_a_stop_for_all_it_holds(desk: Desk) -> None:
    position = protected(desk)
    Position.objects.update(quantity=D("0.015"))
    services.protect(position.pk)
    first, second = Order.objects.filter(purpose="protect").order_by("generation")
    assert (first.status, second.generation, second.quantity) == ("accepted", 2, D("0.015"))


def test_a_stop_that_is_gone_is_replaced(desk: Desk) -> None:
    position = protected(desk)
    Order.objects.filter(purpose="protect").update(status="expired")
    services.protect(position.pk)
    assert [(g, s) for g, s, _ in stops(position)] == [(1, "expired"), (2, "initialized")]


def test_a_row_is_armed_once(desk: Desk) -> None:
    """A worker that read the row before another armed and moved it does not set it back."""
    started = soon()
    position = desk.filled()
    stale = services.open_rows().get(pk=position.pk)
    services.protect(position.pk)
    services.advance(position.pk, D(100000), started)
    services._arm(stale)
    assert (stale.state, stale.stop_price) == ("active", D("99500.0"))
    assert row_of(position).state == "active"


# advance


def test_a_price_moves_the_row_by_one_update(desk: Desk) -> None:
    started = soon()
    position = protected(desk)
    with CaptureQueriesContext(connection) as queries:
        services.advance(position.pk, D(100000), started)
    written = [q["sql"] for q in queries if q["sql"].startswith("UPDATE")]
    assert len(written) == 1
    assert '"trailing_stop_state"' in written[0]
    row = row_of(position)
    assert (row.state, row.high_water_mark, row.stop_price) == ("active", D(100000), D("99500.0"))
    assert (row.activated_at, row.last_advanced_at, row.last_mark_price) == (started, started, D(100000))
    assert row.update_count == 1


def test_a_price_that_changes_nothing_writes_nothing(desk: Desk) -> None:
    started = soon()
    position = protected(desk)
    services.advance(position.pk, D(100000), started)
    services.advance(position.pk, D(99900), started + timedelta(seconds=1))
    assert (row_of(position).update_count, row_of(position).last_mark_price) == (1, D(100000))


@pytest.mark.parametrize(("side", "newer", "older"), [("long", 100000, 99000), ("short", 94000, 95000)])
def test_an_older_price_that_arrives_late_changes_nothing(
    desk: Desk, side: str, newer: int, older: int
) -> None:
    started = soon()
    position = protected(desk, side=PositionSide(side))
    stale = services.open_rows().get(pk=position.pk)
    services.advance(position.pk, D(newer), started)
    assert not services._judge(stale, D(older), started), "it was judged by what stood before"
    assert (row_of(position).high_water_mark, row_of(position).update_count) == (D(newer), 1)


@pytest.mark.django_db(transaction=True)
def test_prices_handled_side_by_side_end_at_the_best_one(desk: Desk) -> None:
    started = soon()
    position = protected(desk)

    def handle(price: int) -> None:
        try:
            services.advance(position.pk, D(price), started)
        finally:
            connections.close_all()

    prices = [100000 + step * 37 % 400 for step in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(handle, prices))
    row = row_of(position)
    assert (row.high_water_mark, row.state) == (D(max(prices)), "active")
    behind = D(max(prices)) * D("0.995")
    assert behind / D("1.0005") - 1 <= row.stop_price <= behind, (
        "but for an improvement too small for a request"
    )
    assert Order.objects.filter(purpose="protect", status="initialized").count() <= 1


def test_a_stop_may_move_before_activation(desk: Desk) -> None:
    """A finer tick size came with the contracts; the fixed stop moves nearer and trailing has not begun."""
    started = soon()
    position = protected(desk)
    type(position.instrument).objects.update(price_increment=D("0.01"))
    services.advance(position.pk, D(97300), started)
    row = row_of(position)
    assert (row.state, row.stop_price, row.activated_at) == ("waiting", D("95305.09"), None)


# the stop on the exchange follows


def test_a_better_stop_is_placed_before_the_old_one_is_called_off(desk: Desk) -> None:
    started = soon()
    position = protected(desk)
    grow_old(position)
    services.advance(position.pk, D(100000), started)
    assert stops(position) == [(1, "accepted", D("95305.0")), (2, "initialized", D("99500.0"))]
    desk.engine.set_price("BTCUSDT", D(100000), now_ms())
    desk.submit(position, "protect")
    old, new = Order.objects.filter(purpose="protect").order_by("generation")
    assert (old.status, new.status) == ("pending_cancel", "accepted")
    assert len(desk.engine.open_algos(desk.paper_name)) == 2
    lookups.cancel(old.pk)
    (left,) = desk.engine.open_algos(desk.paper_name)
    assert left.trigger_price == D("99500.0")


def test_a_stop_just_placed_is_not_replaced_yet(desk: Desk) -> None:
    started = soon()
    position = protected(desk)
    just_now = timezone.now() + timedelta(minutes=1)  # however slow this machine is
    Order.objects.filter(purpose="protect").update(trigger_price=D("99400.0"), created_at=just_now)
    services.advance(position.pk, D(100000), started)
    assert len(stops(position)) == 1


def test_a_stop_that_lags_far_behind_does_not_wait(desk: Desk) -> None:
    started = soon()
    position = protected(desk)
    services.advance(position.pk, D(100000), started)
    assert len(stops(position)) == 2


@pytest.mark.parametrize(("price", "generations"), [(100049, 1), (100051, 2)])
def test_a_stop_is_replaced_when_it_improves_enough(desk: Desk, price: int, generations: int) -> None:
    started = soon()
    position = protected(desk)
    Order.objects.filter(purpose="protect").update(trigger_price=D("99500.0"))
    services.advance(position.pk, D(100000), started)
    grow_old(position)
    services.advance(position.pk, D(price), started)
    assert row_of(position).high_water_mark == price
    assert len(stops(position)) == generations


# crossed


def test_a_confirmed_stop_on_the_exchange_has_a_moment_to_act(desk: Desk) -> None:
    started = soon()
    position = protected(desk)
    services.advance(position.pk, D(95000), started)
    assert (state(position)[0], row_of(position).crossed_at) == ("open", started)
    services.advance(position.pk, D(95001), started + timedelta(seconds=1.9))
    assert (state(position)[0], row_of(position).crossed_at) == ("open", started)
    services.advance(position.pk, D(95001), started + timedelta(seconds=2))
    assert state(position) == ("closing", "stop_loss", "trailing")
    assert Order.objects.filter(purpose="close").count() == 1
    assert len(stops(position)) == 1, "a crossed stop is not replaced"


def test_the_exchange_is_not_waited_for_when_its_stop_stands_further_away(desk: Desk) -> None:
    """A level was taken while nobody looked: breakeven is already behind the market, the old stop far below it."""
    started = soon()
    position = protected(desk)
    level = {"at": {"type": "percent", "percent": 1}, "close_ratio": "0.5"}
    Position.objects.update(plan=kept(read_plan({"take_profits": {"levels": [level]}})))
    TrailingStop.objects.update(levels_taken=1)
    services.advance(position.pk, row_of(position).entry_price, started)
    assert state(position)[:2] == ("closing", "after_level")


def test_an_older_price_that_arrives_late_does_not_fire_the_stop_it_was_told_before(desk: Desk) -> None:
    started = soon()
    position = protected(desk)
    services.advance(position.pk, D(100000), started)
    stop = row_of(position).stop_price
    services.advance(position.pk, stop - 1, started - timedelta(seconds=0.25))
    assert (row_of(position).crossed_at, state(position)[0]) == (None, "open")
    services.advance(position.pk, stop - 1, started)
    assert state(position)[0] == "closing"


def test_without_a_confirmed_stop_we_close_at_once(desk: Desk) -> None:
    started = soon()
    position = desk.filled()
    services.protect(position.pk)
    services.advance(position.pk, D(95000), started)
    assert state(position)[:2] == ("closing", "stop_loss")


def test_an_exchange_stop_that_lags_behind_is_not_waited_for(desk: Desk) -> None:
    started = soon()
    position = protected(desk)
    services.advance(position.pk, D(100000), started)
    services.advance(position.pk, D(99500), started)
    assert state(position)[:2] == ("closing", "trailing_stop")
    desk.submit(position, "close")
    assert state(position)[:2] == ("closed", "trailing_stop")
    assert not TrailingStop.objects.exists()


def test_a_new_best_price_forgets_an_old_crossing(desk: Desk) -> None:
    started = soon()
    position = protected(desk)
    services.advance(position.pk, D(95000), started)
    services.advance(position.pk, D(100000), started + timedelta(seconds=1))
    assert row_of(position).crossed_at is None


def test_a_crossing_is_asked_to_close_once(desk: Desk) -> None:
    started = soon()
    position = desk.filled()
    for _ in range(3):
        services.advance(position.pk, D(95000), started)
        services.advance(position.pk, D(95000), started + timedelta(seconds=3))
    assert Order.objects.filter(purpose="close").count() <= 1


# positions that are over


@pytest.mark.parametrize("how", ["closing", "closed"])
def test_a_position_that_is_ending_is_never_touched(desk: Desk, marks, how: str) -> None:
    started = soon()
    position = protected(desk)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    if how == "closed":
        desk.submit(position, "close")
    before = list(Order.objects.order_by("pk").values())
    rows = list(TrailingStop.objects.values())
    for price in (1, 97000, 200000):
        services.advance(position.pk, D(price), started)
    services.protect(position.pk)
    assert sweeping.sweep(timezone.now()) == 0
    assert list(Order.objects.order_by("pk").values()) == before
    assert list(TrailingStop.objects.values()) == rows
    assert state(position)[:2] == (how, "manual")


def test_an_unknown_position_is_nobodys_concern(db) -> None:
    started = soon()
    services.protect(404)
    services.advance(404, D(1), started)
    assert not Order.objects.exists()


# the sweep


def test_the_sweep_protects_and_evaluates_every_position(desk: Desk, marks) -> None:
    quiet, crossed = desk.filled("BTCUSDT"), protected(desk, "ETHUSDT")
    TrailingStop.objects.filter(pk=crossed.pk).update(crossed_at=timezone.now() - timedelta(seconds=3))
    desk.engine.prices["ETHUSDT"] = D(3000)  # the exchange's own stop slept
    assert sweeping.sweep(timezone.now()) == 2
    assert [(g, s) for g, s, _ in stops(quiet)] == [(1, "initialized")]
    assert state(crossed)[0] == "open", "nobody told a price, and the sweep asks for none"
    asking.ask(timezone.now())
    assert state(crossed)[:2] == ("closing", "stop_loss")


def test_the_sweep_judges_a_price_by_the_time_it_was_told(desk: Desk, marks) -> None:
    position = protected(desk)
    told = timezone.now()
    publish_prices("binance", [("BTCUSDT", PriceTick("BTC/USDT:USDT", D(98000), told))])
    services.advance(position.pk, D(100000), told + timedelta(seconds=0.25))
    sweeping.sweep(told + timedelta(seconds=1))
    assert (row_of(position).crossed_at, state(position)[0]) == (None, "open")
    later = told + timedelta(seconds=0.5)
    publish_prices("binance", [("BTCUSDT", PriceTick("BTC/USDT:USDT", D(98000), later))])
    sweeping.sweep(told + timedelta(seconds=1))
    assert state(position)[0] == "closing"


def test_the_sweep_goes_on_when_one_position_fails(desk: Desk, marks, caplog) -> None:
    broken, fine = desk.filled("BTCUSDT"), desk.filled("ETHUSDT")
    unreadable = PlanVersion.objects.create(digest="0" * 64, body={"stop_loss": {"type": "hope"}})
    Position.objects.filter(pk=broken.pk).update(plan=unreadable)
    assert sweep_and_ask(timezone.now()) == 2
    assert f"the stop of position {broken.pk} could not be looked after" in caplog.text
    assert f"position {broken.pk} could not be evaluated" in caplog.text
    assert len(stops(fine)) == 1


def test_the_sweep_goes_on_when_one_position_cannot_be_judged(desk: Desk, marks, caplog, monkeypatch) -> None:
    """The price is beyond the stop of both, and neither stands on the exchange."""
    broken, fine = protected(desk, "BTCUSDT"), protected(desk, "ETHUSDT")
    Order.objects.filter(purpose="protect").update(status="expired")
    judge, unlucky = services.judge, row_of(broken).entry_price

    def judged(entry, *arguments):
        if entry.price == unlucky:
            raise ArithmeticError("no such number")
        return judge(entry, *arguments)

    monkeypatch.setattr(services, "judge", judged)
    for base in ("BTC", "ETH"):
        publish_prices("binance", [(f"{base}USDT", PriceTick(f"{base}/USDT:USDT", D(1), timezone.now()))])
    sweeping.sweep(timezone.now())
    assert f"position {broken.pk} could not be evaluated" in caplog.text
    assert (state(broken)[0], state(fine)[0]) == ("open", "closing")


def test_without_any_price_the_sweep_still_protects(desk: Desk, marks, settings, caplog) -> None:
    position = desk.filled()
    settings.PAPER_EXCHANGE_URL = "http://127.0.0.1:9"  # nobody listens there
    sweep_and_ask(timezone.now())
    assert len(stops(position)) == 1
    assert "no mark price of BTCUSDT" in caplog.text


@pytest.mark.parametrize(("age", "decided"), [(0, "closing"), (6, "open")])
def test_a_price_too_old_decides_nothing(desk: Desk, marks, settings, age: int, decided: str) -> None:
    """Far beyond the stop, which no longer stands on the exchange; and nobody there answers."""
    position = protected(desk)
    settings.PAPER_EXCHANGE_URL = "http://127.0.0.1:9"
    Order.objects.filter(position=position, purpose="protect").update(status="expired")
    now = timezone.now() - timedelta(seconds=age)
    publish_prices("binance", [("BTCUSDT", PriceTick("BTC/USDT:USDT", D(1), now))])
    sweep_and_ask(timezone.now())
    assert state(position)[0] == decided


def test_a_position_that_stays_without_a_stop_is_closed(desk: Desk, marks, settings) -> None:
    position = desk.filled()
    now = timezone.now()
    limit = settings.UNPROTECTED_CLOSE_AFTER
    Position.objects.update(unprotected_since=now - limit + timedelta(seconds=1))
    sweeping.sweep(now)
    assert state(position)[0] == "open"
    sweeping.sweep(now + timedelta(seconds=2))
    assert state(position) == ("closing", "unprotected", "no stop could be placed")


# tasks carry plain values


def test_tasks_call_the_services(desk: Desk, marks) -> None:
    started = soon()
    position = desk.filled()
    tasks.protect(str(position.pk))
    tasks.advance(position.pk, "100000.5", started.isoformat())
    tasks.sweep()
    tasks.ask()
    tasks.cleanup_orphans()
    assert row_of(position).high_water_mark == D("100000.5")
    assert row_of(position).activated_at == started


# orphans


def test_the_database_refuses_a_trailing_row_on_a_closed_position(db) -> None:
    closed = a_position(status=PositionStatus.CLOSED)
    with pytest.raises(IntegrityError, match="trailing_only_on_live_position"), transaction.atomic():
        a_trailing_stop(closed)
    with pytest.raises(IntegrityError, match="trailing_claims_a_live_position"), transaction.atomic():
        a_trailing_stop(closed, position_is_live=False)


def test_the_database_refuses_to_close_a_position_that_keeps_its_row(db) -> None:
    position = a_trailing_stop().position
    end = {"status": "closed", "close_reason": "manual", "quantity": 0, "closed_at": timezone.now()}
    with pytest.raises(IntegrityError, match="trailing_only_on_live_position"), transaction.atomic():
        Position.objects.filter(pk=position.pk).update(**end)
    TrailingStop.objects.all().delete()
    assert Position.objects.filter(pk=position.pk).update(**end) == 1


def test_there_are_no_orphans(db) -> None:
    a_trailing_stop()
    assert (services.count_orphan_ts_states(), services.cleanup_orphan_ts_states()) == (0, 0)
    assert TrailingStop.objects.count() == 1


def test_orphans_of_a_database_without_the_constraint_are_counted_and_removed(db, caplog) -> None:
    a_trailing_stop()
    closed = a_position("ETH", status=PositionStatus.CLOSED)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE trailing_stop_state DROP CONSTRAINT trailing_only_on_live_position")
    a_trailing_stop(closed)
    assert services.count_orphan_ts_states() == 1
    assert services.cleanup_orphan_ts_states() == 1
    assert "1 orphan trailing rows existed" in caplog.text
    assert (services.count_orphan_ts_states(), TrailingStop.objects.count()) == (0, 1)


def test_a_database_error_while_removing_orphans_is_logged_and_counts_nothing(db, caplog) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE trailing_stop_state RENAME TO elsewhere")
    assert services.cleanup_orphan_ts_states() == 0
    assert "could not be removed" in caplog.text


def test_an_entry_that_fills_on_at_another_price_moves_its_stop_but_never_loosens_it(desk: Desk) -> None:
    position = desk.filled()
    services.protect(position.pk)
    first = row_of(position).stop_price
    for average, is_tighter in ((D(98000), True), (D(90000), False)):
        type(position).objects.filter(pk=position.pk).update(average_entry_price=average)
        services.protect(position.pk)
        row = row_of(position)
        assert row.entry_price == average
        assert (row.stop_price > first) if is_tighter else (row.stop_price == D("96040.0"))
