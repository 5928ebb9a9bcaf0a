"""What no stream told is read from the listing, in order and to the end."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import transaction
from django.utils import timezone

from exchanges.errors import OrderNotFound, OutcomeUnknown
from exchanges.models import AccountWatch
from exchanges.paper.venue import now_ms
from positions.lifecycle import CloseReason
from positions.models import Fill, FillCursor, Order, Position, RiskEvent
from positions.services import gap_filling
from positions.services.closing import lock_position, settle_close
from tests.positions.services.conftest import Desk
from tests.positions.services.test_orders import Trouble


def read(desk: Desk) -> None:
    """As if its turn had come."""
    FillCursor.objects.update(read_at=timezone.now() - timedelta(hours=1))
    gap_filling.read_all(desk.account)


def later(desk: Desk) -> None:
    """All that happened so far lies further back than a listing may lag."""
    for trade in desk.engine.account(desk.paper_name).trades:
        trade.time_ms -= 60_000
    Position.objects.update(created_at=timezone.now() - timedelta(hours=1))


def by_hand(desk: Desk, quantity: str = "0.004", name: str = "web_1") -> None:
    desk.engine.place(
        desk.paper_name, symbol="BTCUSDT", side="SELL", type="MARKET", quantity=D(quantity),
        position_side="LONG", client_order_id=name, now_ms=now_ms(),
    )  # fmt: skip


def test_the_cursor_follows_what_was_applied_and_nothing_is_read_twice(desk: Desk) -> None:
    desk.filled()
    later(desk)
    read(desk)
    first = FillCursor.objects.get().trade_id
    assert first == Fill.objects.get().trade_id
    by_hand(desk)
    later(desk)
    read(desk)
    assert int(FillCursor.objects.get().trade_id) > int(first)
    assert Fill.objects.count() == 2


def test_a_young_execution_is_listed_once_more(desk: Desk) -> None:
    desk.filled()
    read(desk)
    assert (FillCursor.objects.get().trade_id, Fill.objects.count()) == ("", 1)
    read(desk)
    assert Fill.objects.count() == 1


def test_a_hole_before_the_newest_known_execution_is_filled(desk: Desk) -> None:
    """The stream told the third execution and lost the second: the listing decides, not the highest number seen."""
    position = desk.filled()
    later(desk)
    read(desk)
    by_hand(desk, "0.002", "web_2")
    by_hand(desk, "0.003", "web_3")
    hidden, told = desk.engine.account(desk.paper_name).trades[-2:]
    desk.tell(told)
    later(desk)
    read(desk)
    position.refresh_from_db()
    assert position.quantity == D("0.005")
    assert Fill.objects.filter(trade_id=str(hidden.trade_id)).exists()


def test_an_execution_of_an_order_whose_answer_got_lost_is_ours(desk: Desk) -> None:
    position = desk.open()
    Trouble(desk).answer_with(OutcomeUnknown("hung up"), after_the_work=True)
    entry = desk.submit(position, "entry")
    assert (entry.status, entry.exchange_order_id) == ("submitted", "")
    read(desk)
    assert Fill.objects.get().order == entry
    position.refresh_from_db()
    assert (position.status, position.quantity) == ("open", D("0.010"))


def test_a_name_that_cannot_be_asked_for_leaves_the_cursor_where_it_was(desk: Desk) -> None:
    desk.filled()
    later(desk)
    read(desk)
    before = FillCursor.objects.get().trade_id
    by_hand(desk)
    later(desk)
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="name_of_order")
    read(desk)
    assert (FillCursor.objects.get().trade_id, Fill.objects.count()) == (before, 1)


def test_an_order_without_a_name_any_more_counts_as_foreign(desk: Desk) -> None:
    position = desk.filled()
    by_hand(desk)
    Trouble(desk).answer_with(OrderNotFound("forgotten"), method="name_of_order")
    read(desk)
    position.refresh_from_db()
    assert position.quantity == D("0.006")


def test_executions_from_before_the_position_do_not_count_for_it(desk: Desk) -> None:
    desk.engine.open_account(desk.paper_name, D(10_000))
    desk.engine.set_dual_side(desk.paper_name, True)
    desk.engine.place(
        desk.paper_name, symbol="BTCUSDT", side="BUY", type="MARKET", quantity=D("0.004"),
        position_side="LONG", client_order_id="web_0", now_ms=now_ms() - 30_000,
    )  # fmt: skip
    by_hand(desk)
    desk.engine.account(desk.paper_name).trades[-1].time_ms -= 30_000
    position = desk.filled()
    read(desk)
    position.refresh_from_db()
    assert position.quantity == D("0.010")
    assert Fill.objects.filter(position=None).count() == 2


@pytest.mark.parametrize(("connected_minutes_ago", "is_deaf"), [(5, True), (0, False)])
def test_an_open_stream_that_did_not_tell_is_called_deaf(
    desk: Desk, connected_minutes_ago: int, is_deaf: bool
) -> None:
    desk.filled()
    later(desk)
    since = timezone.now() - timedelta(minutes=connected_minutes_ago)
    AccountWatch.objects.create(account=desk.account, stream_connected_at=since)
    read(desk)
    assert (AccountWatch.objects.get().stream_missed_at is not None) is is_deaf


def test_only_contracts_whose_turn_has_come_are_read(desk: Desk) -> None:
    desk.filled()
    read(desk)
    FillCursor.objects.update(read_at=timezone.now() - timedelta(seconds=30))
    before = FillCursor.objects.get().read_at
    gap_filling.read_all(desk.account)
    assert FillCursor.objects.get().read_at == before
    FillCursor.objects.update(read_at=timezone.now() - timedelta(seconds=61))
    gap_filling.read_all(desk.account)
    assert FillCursor.objects.get().read_at > before


def test_a_stream_that_was_opened_anew_makes_it_everybodys_turn(desk: Desk) -> None:
    """Whatever became of the comparison that followed at once."""
    desk.filled()
    read(desk)
    before = FillCursor.objects.get().read_at
    AccountWatch.objects.create(account=desk.account, stream_connected_at=timezone.now())
    gap_filling.read_all(desk.account)
    assert FillCursor.objects.get().read_at > before


def test_a_fill_that_vanished_from_our_books_is_fetched_again(desk: Desk) -> None:
    desk.filled()
    later(desk)
    read(desk)
    Fill.objects.all().delete()
    Order.objects.update(created_at=timezone.now() - timedelta(hours=1))
    gap_filling.read_all(desk.account)
    assert Fill.objects.count() == 1


def test_a_strangers_execution_is_read_even_when_the_position_has_ended_since(desk: Desk) -> None:
    position = desk.filled()
    read(desk)
    by_hand(desk)
    with transaction.atomic():
        settle_close(lock_position(position.pk), reason=CloseReason.EXTERNAL)
    gap_filling.read_all(desk.account)
    assert Fill.objects.filter(order=None).count() == 1
    FillCursor.objects.update(read_at=timezone.now() + timedelta(seconds=6))
    by_hand(desk)
    gap_filling.read_all(desk.account)
    assert Fill.objects.filter(order=None).count() == 1, "read to its end once, then left alone"


def test_what_a_stranger_opened_is_followed_until_he_has_closed_it(desk: Desk) -> None:
    """We hold nothing there; the stream told how it began and lost how it ended, and both moved our wallet."""
    desk.engine.open_account(desk.paper_name, D(10_000))
    desk.engine.set_dual_side(desk.paper_name, True)
    desk.engine.place(
        desk.paper_name, symbol="SOLUSDT", side="SELL", type="MARKET", quantity=D(1),
        position_side="SHORT", client_order_id="web_1", now_ms=now_ms(),
    )  # fmt: skip
    desk.tell(desk.engine.account(desk.paper_name).trades[-1])
    desk.engine.place(
        desk.paper_name, symbol="SOLUSDT", side="BUY", type="MARKET", quantity=D(1),
        position_side="SHORT", client_order_id="web_2", now_ms=now_ms(),
    )  # fmt: skip
    gap_filling.read_all(desk.account)
    assert Fill.objects.count() == 2
    later(desk)
    FillCursor.objects.all().delete()
    gap_filling.read_all(desk.account)
    assert not FillCursor.objects.exists(), "it is over, nobody reads on"


def a_round_trip_by_hand(desk: Desk) -> None:
    desk.engine.open_account(desk.paper_name, D(10_000))
    desk.engine.set_dual_side(desk.paper_name, True)
    for side in ("SELL", "BUY"):
        desk.engine.place(
            desk.paper_name, symbol="SOLUSDT", side=side, type="MARKET", quantity=D(1),
            position_side="SHORT", client_order_id=f"web_{side}", now_ms=now_ms(),
        )  # fmt: skip


def test_a_strangers_round_trip_that_no_stream_told_is_booked(desk: Desk) -> None:
    """Nothing is left of it that a comparison would see."""
    AccountWatch.objects.create(account=desk.account, stream_connected_at=timezone.now())
    a_round_trip_by_hand(desk)
    gap_filling.read_all(desk.account)
    assert list(Fill.objects.values_list("symbol", "position")) == [("SOLUSDT", None)] * 2


def test_who_traded_is_asked_again_after_a_minute_or_when_the_stream_was_opened_anew(desk: Desk) -> None:
    watch = AccountWatch.objects.create(account=desk.account, stream_connected_at=timezone.now())
    desk.engine.open_account(desk.paper_name, D(10_000))
    gap_filling.read_all(desk.account)
    a_round_trip_by_hand(desk)
    gap_filling.read_all(desk.account)
    assert not Fill.objects.exists()
    watch.refresh_from_db()
    watch.stream_connected_at = watch.trades_known_until + timedelta(milliseconds=1)
    watch.save(update_fields=["stream_connected_at"])
    gap_filling.read_all(desk.account)
    assert Fill.objects.count() == 2


@pytest.mark.parametrize("silent", ["last_trades", "fills"])
def test_what_could_not_be_read_is_asked_for_again(desk: Desk, silent: str) -> None:
    AccountWatch.objects.create(account=desk.account, stream_connected_at=timezone.now())
    a_round_trip_by_hand(desk)
    trouble = Trouble(desk)
    trouble.answer_with(OutcomeUnknown("no answer"), method=silent)
    gap_filling.read_all(desk.account)
    assert AccountWatch.objects.get().trades_known_until is None
    vars(trouble.client()).pop(silent)
    gap_filling.read_all(desk.account)
    assert Fill.objects.count() == 2


def names_asked_for(desk: Desk) -> list[str]:
    """Grows with every order whose name is asked for."""
    client, asked = Trouble(desk).client(), []
    honest = client.name_of_order

    async def counted(symbol: str, exchange_order_id: str) -> str:
        asked.append(exchange_order_id)
        return await honest(symbol, exchange_order_id)

    client.name_of_order = counted
    return asked


def test_a_strangers_order_is_asked_for_once_however_many_executions_it_had(desk: Desk) -> None:
    desk.filled()
    by_hand(desk, "0.002")
    by_hand(desk, "0.003", "web_2")
    first, second = desk.engine.account(desk.paper_name).trades[-2:]
    second.order_id = first.order_id
    asked = names_asked_for(desk)
    read(desk)
    read(desk)
    assert (Fill.objects.filter(order=None).count(), len(asked)) == (2, 1)


def test_an_execution_our_books_refuse_is_listed_again_and_holds_up_no_other(desk: Desk, caplog) -> None:
    desk.filled()
    later(desk)
    read(desk)
    before = FillCursor.objects.get().trade_id
    by_hand(desk, "0.002")
    by_hand(desk, "0.003", "web_2")
    odd = desk.engine.account(desk.paper_name).trades[-2]
    odd.price, price = D(0), odd.price  # the database takes no such row
    later(desk)
    read(desk)
    assert (FillCursor.objects.get().trade_id, Fill.objects.count()) == (before, 2)
    assert "could not be applied" in caplog.text
    odd.price = price
    read(desk)
    assert (FillCursor.objects.get().trade_id > before, Fill.objects.count()) == (True, 3)


def test_what_is_never_listed_is_told_once_and_not_asked_for_again(desk: Desk) -> None:
    position = desk.filled()
    desk.engine.account(desk.paper_name).trades.clear()
    gap_filling.read_all(desk.account)
    assert not RiskEvent.objects.exists(), "it may still come"
    Order.objects.update(updated_at=timezone.now() - timedelta(minutes=11))
    gap_filling.read_all(desk.account)
    told = RiskEvent.objects.get()
    assert (told.event_type, told.position_id) == ("executions_never_listed", str(position.pk))
    before = FillCursor.objects.get().read_at
    gap_filling.read_all(desk.account)
    assert FillCursor.objects.get().read_at == before
    assert RiskEvent.objects.count() == 1


def test_without_an_answer_nothing_is_given_up(desk: Desk) -> None:
    desk.filled()
    Order.objects.update(updated_at=timezone.now() - timedelta(minutes=11))
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="fills")
    read(desk)
    assert not RiskEvent.objects.exists()
