"""Every sentence finds the corruption planted for it, and all are silent in a clean run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from exchanges.marks import _key, publish_prices
from exchanges.models import AccountWatch, ExchangeAccount
from exchanges.paper.venue import now_ms
from exchanges.types import PriceKind, PriceTick, Reference
from ops.models import LegacyRow
from positions import invariants
from positions.lifecycle import CloseReason
from positions.models import ArbitragePair, ArbitrageTrade, Fill, InvariantCheck, Order, Position, RiskEvent
from positions.queries import invariant_checks
from positions.services import monitoring
from positions.services.closing import request_close
from positions.services.plans import kept
from positions.services.reconciliation import reconcile_account
from tests.builders import a_position, a_signal_log, an_account
from tests.positions.services.conftest import Desk
from trailing.models import TrailingStop
from trailing.plan import ProtectionPlan

A_WHILE = timedelta(hours=4)


def half_past(*, hours_ago: int) -> datetime:
    """Never near a full hour, when funding is charged."""
    return (timezone.now() - timedelta(hours=hours_ago)).replace(minute=30)


def age_everything() -> None:
    """All of it happened a while ago."""
    then = timezone.now() - A_WHILE
    Order.objects.update(updated_at=then, created_at=then)
    Position.objects.update(updated_at=then, opened_at=then)
    Position.objects.filter(status="closed").update(closed_at=then)
    Fill.objects.update(executed_at=then)


def hear(at: datetime) -> None:
    publish_prices("binance", [("BTCUSDT", PriceTick("BTC/USDT:USDT", D(97000), at))])


@pytest.fixture
def traded(desk: Desk, marks: Any) -> Desk:
    """One position open with its stop, one closed, all of it told, the wallet seen before and after."""
    desk.engine.open_account(desk.paper_name, D(10_000))
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
    AccountWatch.objects.update(
        baseline_wallet=10_000,
        baseline_at=half_past(hours_ago=6),
        wallet_seen=desk.account.balance.wallet_balance,
        wallet_seen_at=half_past(hours_ago=2),
    )
    hear(timezone.now() + timedelta(minutes=5))  # however long a test takes
    return desk


def test_a_clean_run_contradicts_nothing(traded: Desk) -> None:
    assert monitoring.check_invariants(), list(InvariantCheck.objects.values_list("name", "findings"))
    assert not RiskEvent.objects.exists()
    assert InvariantCheck.objects.filter(is_true=True).count() == len(invariants.SENTENCES) + 1


def change_schema(statement: str) -> None:
    connection.check_constraints()  # nothing may wait for the end of this transaction
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture(autouse=True)
def empty_stream() -> Iterator[None]:
    yield
    empty_the_stream()


def empty_the_stream() -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(settings.SIGNALS_STREAM)


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
    Position.objects.filter(status="open").update(differs_since=timezone.now() - A_WHILE)


def nobody_knows_a_leg() -> None:
    since = (timezone.now() - A_WHILE).isoformat()
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
    TrailingStop.objects.create(position=closed)


def money_went_somewhere() -> None:
    AccountWatch.objects.update(
        wallet_differing=9000,
        wallet_differs_since=half_past(hours_ago=3),
        wallet_asked_at=half_past(hours_ago=2),
        wallet_seen_at=None,
    )


def nobody_asked_the_exchange() -> None:
    AccountWatch.objects.update(reconciled_at=timezone.now() - A_WHILE)


def nobody_hears_a_price() -> None:
    hear(timezone.now() - timedelta(seconds=31))


def nothing_became_of_a_signal() -> None:
    a_signal_log(received_at=timezone.now() - A_WHILE)


def a_signal_waits_in_the_stream() -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.xadd(settings.SIGNALS_STREAM, {"symbol": "BTCUSDT"}, id=f"{now_ms() - 60_000}-0")


def a_leg_stands_alone() -> None:
    gone, held = Position.objects.get(status="closed"), Position.objects.filter(status="open")[0]
    pair = ArbitragePair.objects.create(
        strategy=held.strategy,
        symbol=held.instrument.symbol,
        first_account=held.account,
        second_account=an_account(),
    )
    ArbitrageTrade.objects.create(
        pair=pair, status="unwinding", cause="leg_lost", reason="its stop", short_is_first=False, quantity=1,
        buy_at=1, sell_at=2, net_percent=1, long_position=held, short_position=gone,
    )  # fmt: skip


def an_older_position_waits() -> None:
    LegacyRow.objects.create(
        source="tradingbot",
        table="monitoring.positions",
        legacy_id="301",
        outcome="waiting",
        reason="it is not shown",
    )


PLANTED = [
    (an_older_position_waits, "live positions of an older bot are taken over"),
    (a_leg_stands_alone, "no leg of an arbitrage stands alone"),
    (a_signal_waits_in_the_stream, "no signal waits in the stream for long"),
    (nothing_became_of_a_signal, "the ledger of signals closes"),
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
    (nobody_hears_a_price, "the price of everything held is heard"),
]


def test_what_is_planted_is_found_and_told_once(traded: Desk, subtests: pytest.Subtests) -> None:
    """The ground is laid once, and each corruption taken back: to lay it takes longer than to find what is wrong."""
    for plant, sentence in PLANTED:
        with subtests.test(plant.__name__), transaction.atomic():
            plant()
            age_everything()
            is_found_and_told_once(sentence)
            transaction.set_rollback(True)
        empty_the_stream()
        hear(timezone.now() + timedelta(minutes=5))


def is_found_and_told_once(sentence: str) -> None:
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


def test_a_sentence_that_raises_anything_stops_no_other(traded: Desk) -> None:
    AccountWatch.objects.update(unknown_legs={"SOL/USDT:USDT long 3": "no moment"})
    assert not monitoring.check_invariants()
    assert InvariantCheck.objects.get(name="our positions equal the exchange's").is_true is None
    assert InvariantCheck.objects.filter(is_true=True).count() == len(invariants.SENTENCES)


def test_a_verdict_of_a_minute_ago_is_no_verdict(traded: Desk) -> None:
    monitoring.check_invariants()
    assert {check["is_true"] for check in invariant_checks()} == {True}
    later = timezone.now() + timedelta(seconds=61)
    assert {check["is_true"] for check in invariant_checks(later)} == {None}


def test_the_verdict_on_a_sentence_that_is_asked_no_more_goes(traded: Desk) -> None:
    InvariantCheck.objects.create(name="the moon is full", is_true=True)
    monitoring.check_invariants()
    assert not InvariantCheck.objects.filter(name="the moon is full").exists()


COMPARED = "every account is compared with its exchange"


SILENT = "the price of everything held is heard"


def test_each_silence_of_a_price_is_told_once_with_its_contract(traded: Desk) -> None:
    now = timezone.now()
    for _ in range(2):
        hear(now - timedelta(seconds=31))
        assert not monitoring.check_invariants(now)
        assert not monitoring.check_invariants(now)
        hear(now - timedelta(seconds=29))
        assert monitoring.check_invariants(now)
    told = RiskEvent.objects.filter(details__sentence=SILENT).order_by("pk")
    since = now - timedelta(seconds=31)
    assert [event.details["findings"] for event in told] == [
        [f"no mark price of BTCUSDT at binance since {since:%Y-%m-%d %H:%M:%S} UTC"]
    ] * 2


def test_a_price_of_the_book_that_is_silent_is_an_alarm_where_a_plan_judges_by_it(traded: Desk) -> None:
    Position.objects.update(plan=kept(ProtectionPlan(reference=Reference.BOOK)))
    assert not monitoring.check_invariants()
    assert InvariantCheck.objects.get(name=SILENT).findings == ["no bid price of BTCUSDT at binance yet"]
    tick = PriceTick("BTC/USDT:USDT", D(97000), timezone.now(), PriceKind.BID)
    publish_prices("binance", [("BTCUSDT", tick)])
    assert monitoring.check_invariants()


def test_a_price_never_heard_is_an_alarm_when_the_position_is_old_enough(traded: Desk, marks: Any) -> None:
    marks.delete(_key("binance"))
    assert not monitoring.check_invariants()
    assert InvariantCheck.objects.get(name=SILENT).findings == ["no mark price of BTCUSDT at binance yet"]
    Position.objects.update(opened_at=timezone.now())
    assert monitoring.check_invariants()


def test_an_account_that_was_never_compared_is_found(traded: Desk) -> None:
    new = an_account(name="forgotten")
    assert monitoring.check_invariants()
    ExchangeAccount.objects.filter(pk=new.pk).update(created_at=timezone.now() - A_WHILE)
    assert not monitoring.check_invariants()
    assert InvariantCheck.objects.get(name=COMPARED).findings == ["forgotten: never yet; nobody asked"]


def test_an_account_that_the_owner_has_not_confirmed_is_no_alarm_while_it_holds_nothing(
    traded: Desk, settings: Any
) -> None:
    settings.DRY_RUN = False
    position = open_position()
    AccountWatch.objects.update(reconciled_at=timezone.now() - A_WHILE)
    assert not monitoring.check_invariants()
    Order.objects.filter(position=position).update(status="canceled")
    TrailingStop.objects.all().delete()
    Position.objects.update(status="closed", quantity=0, close_reason="external", closed_at=timezone.now())
    monitoring.check_invariants()
    assert InvariantCheck.objects.get(name=COMPARED).is_true


def test_a_stop_that_fired_protects_for_a_minute_only(traded: Desk) -> None:
    stop = Order.objects.filter(position=open_position(), purpose="protect")
    bare = "every open position has a stop on the exchange"
    stop.update(status="triggered", updated_at=timezone.now())
    monitoring.check_invariants()
    assert InvariantCheck.objects.get(name=bare).is_true
    stop.update(updated_at=timezone.now() - timedelta(seconds=61))
    monitoring.check_invariants()
    assert InvariantCheck.objects.get(name=bare).is_true is False


def test_what_the_exchange_corrected_is_no_contradiction(traded: Desk) -> None:
    held = open_position().quantity
    Position.objects.filter(status="open").update(quantity=held / 2, unexplained_quantity=-held / 2)
    assert monitoring.check_invariants()


def test_more_positions_cost_no_more_queries(traded: Desk, django_assert_num_queries: Any) -> None:
    for base in ("SOL", "XRP", "ADA"):
        a_position(base, account=traded.account)
    with django_assert_num_queries(1):
        list(invariants.positions_equal_their_fills(timezone.now() + timedelta(hours=1)))


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
    assert InvariantCheck.objects.get(name=monitoring.NO_DEADLOCK).broken_since is not None
    assert monitoring.check_invariants()
    assert InvariantCheck.objects.get(name=monitoring.NO_DEADLOCK).broken_since is None


def test_statistics_that_begin_anew_are_no_deadlock(traded: Desk) -> None:
    monitoring.check_invariants()
    InvariantCheck.objects.filter(name=monitoring.NO_DEADLOCK).update(findings=["1000000"])
    assert monitoring.check_invariants()
