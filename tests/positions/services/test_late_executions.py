"""What the exchange lists late explains what was taken from its word, and counts once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

from django.utils import timezone

from exchanges import session
from exchanges.errors import OutcomeUnknown
from exchanges.models import AccountWatch, ExchangeAccount
from exchanges.paper.book import PaperTrade
from positions.models import Fill, Position
from tests.positions.services.conftest import Desk
from tests.positions.services.test_orders import Trouble
from tests.positions.services.test_reconciliation import _client_of, reconcile, sell_outside


def held_with_a_stop(desk: Desk) -> Position:
    position = desk.filled()
    desk.stop(position)
    reconcile(desk)
    return position


def no_listing(desk: Desk) -> None:
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="fills")


def listing_again(desk: Desk) -> None:
    del session.call(desk.account, _client_of).fills


def hide(desk: Desk) -> list[PaperTrade]:
    """The listing lags: what has just been traded is not in it yet."""
    trades = desk.engine.account(desk.paper_name).trades
    hidden, trades[:] = trades[:], []
    return hidden


def doubted_for_long(desk: Desk) -> None:
    then = timezone.now() - timedelta(seconds=10)
    Position.objects.exclude(absent_since=None).update(absent_since=then)
    Position.objects.exclude(differs_since=None).update(differs_since=then)


def twice(desk: Desk) -> None:
    reconcile(desk)
    doubted_for_long(desk)
    reconcile(desk)


def test_without_a_listing_nobody_says_that_nothing_explains_it(desk: Desk) -> None:
    position = held_with_a_stop(desk)
    sell_outside(desk, "0.005")
    no_listing(desk)
    twice(desk)
    position.refresh_from_db()
    assert (position.quantity, position.unexplained_quantity) == (D("0.010"), D(0))
    listing_again(desk)
    reconcile(desk)
    position.refresh_from_db()
    assert (position.status, position.quantity, position.unexplained_quantity) == ("open", D("0.005"), D(0))


def test_without_a_listing_nothing_is_closed(desk: Desk) -> None:
    position = held_with_a_stop(desk)
    sell_outside(desk, name="web_1")
    no_listing(desk)
    twice(desk)
    position.refresh_from_db()
    assert position.status == "open"
    listing_again(desk)
    reconcile(desk)
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "manual")
    assert position.average_exit_price is not None


def test_an_execution_listed_late_is_what_the_exchanges_word_had_counted(desk: Desk) -> None:
    position = held_with_a_stop(desk)
    sell_outside(desk, "0.005")
    late = hide(desk)
    twice(desk)
    position.refresh_from_db()
    assert (position.quantity, position.unexplained_quantity) == (D("0.005"), D("-0.005"))
    desk.engine.account(desk.paper_name).trades.extend(late)
    Position.objects.update(created_at=timezone.now() - timedelta(hours=1))
    desk.tell(late[-1])
    position.refresh_from_db()
    assert (position.status, position.quantity, position.unexplained_quantity) == ("open", D("0.005"), D(0))
    assert position.average_exit_price == late[-1].price


def test_what_is_sold_after_the_exchanges_word_counts_besides(desk: Desk) -> None:
    position = held_with_a_stop(desk)
    sell_outside(desk, "0.005")
    hide(desk)
    twice(desk)
    Position.objects.update(unexplained_at=timezone.now() - timedelta(seconds=10))
    sell_outside(desk, "0.002", "web_2")
    reconcile(desk)
    position.refresh_from_db()
    assert (position.quantity, position.unexplained_quantity) == (D("0.003"), D("-0.005"))


def test_a_stop_that_sold_a_part_unheard_is_not_counted_beside_the_exchanges_word(desk: Desk) -> None:
    """Our own order's execution comes as late as a stranger's."""
    position = held_with_a_stop(desk)
    Position.objects.update(
        unexplained_quantity=D("-0.005"),
        unexplained_price=D(97000),
        unexplained_at=timezone.now(),
        quantity=D("0.005"),
    )
    stop = desk.order(position, "protect")
    sell_outside(desk, "0.005", name=stop.client_order_id)
    desk.tell(desk.engine.account(desk.paper_name).trades[-1])
    position.refresh_from_db()
    stop.refresh_from_db()
    assert (stop.filled_quantity, position.quantity, position.unexplained_quantity) == (
        D("0.005"),
        D("0.005"),
        D(0),
    )


def test_the_exit_of_a_position_found_gone_completes_its_figures(desk: Desk) -> None:
    position = held_with_a_stop(desk)
    sell_outside(desk, name="web_1")
    late = hide(desk)
    twice(desk)
    position.refresh_from_db()
    assert (position.status, position.average_exit_price) == ("closed", None)
    fees = position.fees
    desk.engine.account(desk.paper_name).trades.extend(late)
    reconcile(desk)
    position.refresh_from_db()
    assert Fill.objects.get(order=None).position == position
    assert (position.status, position.average_exit_price) == ("closed", late[-1].price)
    assert position.fees == fees + late[-1].commission


def test_a_leg_whose_books_balance_takes_no_more(desk: Desk) -> None:
    position = held_with_a_stop(desk)
    sell_outside(desk, name="web_1")
    reconcile(desk)
    position.refresh_from_db()
    assert position.status == "closed"
    sold = desk.engine.account(desk.paper_name).trades[-1]
    sold.trade_id += 100
    desk.tell(sold)
    assert Fill.objects.get(trade_id=str(sold.trade_id)).position is None


def test_an_adopted_leg_does_not_count_its_opening_twice(desk: Desk) -> None:
    ExchangeAccount.objects.update(unknown_positions="adopt", adopted_stop_percent=3)
    desk.filled("ETHUSDT")
    desk.engine.place(
        desk.paper_name, symbol="BTCUSDT", side="BUY", type="MARKET", quantity=D("0.004"), position_side="LONG",
        client_order_id="web_1", now_ms=int(timezone.now().timestamp() * 1000),
    )  # fmt: skip
    late = hide(desk)
    reconcile(desk)
    watch = AccountWatch.objects.get()
    before = (timezone.now() - timedelta(seconds=10)).isoformat()
    AccountWatch.objects.update(unknown_legs=dict.fromkeys(watch.unknown_legs, before))
    reconcile(desk)
    adopted = Position.objects.get(instrument__exchange_symbol="BTCUSDT")
    assert adopted.unexplained_quantity == D("0.004")
    desk.tell(late[-1])
    adopted.refresh_from_db()
    assert (adopted.quantity, adopted.unexplained_quantity) == (D("0.004"), D(0))
