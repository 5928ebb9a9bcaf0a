"""What older bots wrote is read, shown, and traded on as before: through the real socket, on the paper exchange."""

from __future__ import annotations

import time
from collections.abc import Iterator
from copy import copy
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from exchanges.marks import latest_mark
from exchanges.models import AccountWatch, ExchangeAccount
from exchanges.types import OrderRequest, OrderType, PositionMode, PositionSide, Side
from ops.models import LegacyRow
from positions.models import OlderOrder, Order, Position
from signals_app.models import SignalLog, Strategy, StrategyAccount
from tests.integration.stack import SYMBOL, UNIFIED, Trader
from tests.integration.visitor import Visitor
from tests.legacy.generations import generation
from tests.legacy.importing import import_now
from tests.legacy.signal_bots import signal_bots, without_signal_bots
from tests.ops.waiting import until
from trailing.models import PartialTakeProfit, TrailingStop

START, TICK = D(100_000), D("0.1")
A_SECOND = timedelta(seconds=1)
PATIENCE = 60.0  # of a machine that is busy with other tests


@pytest.fixture
def moved_in(trader: Trader) -> Iterator[Trader]:
    with connection.cursor() as cursor:
        signal_bots(cursor)
        import_now()
        yield trader
        without_signal_bots(cursor)


def confirmed(trader: Trader, name: str) -> Strategy:
    """As its owner does in the admin: an account, and on."""
    strategy = Strategy.objects.get(name=name)
    StrategyAccount.objects.create(strategy=strategy, account=trader.account)
    Strategy.objects.filter(pk=strategy.pk).update(enabled=True)
    return strategy


def has_price(trader: Trader, price: D) -> None:
    trader.set_price(price)
    until(lambda: latest_mark("binance", SYMBOL, timezone.now()) == price, "the price to be heard", PATIENCE)


def entry_of(verdict: dict[str, Any], strategy: Strategy) -> dict[str, Any]:
    return next(one for one in verdict["entries"] if one["strategy_id"] == strategy.pk)


def opened(trader: Trader, phrase: str, strategy: Strategy) -> Position:
    """As soon as the web process knows that the strategy is on."""
    found: list[Position] = []

    def is_open() -> bool:
        entry = entry_of(trader.send(phrase), strategy)
        if entry["status"] == "opened":
            found.append(Position.objects.get(pk=entry["position_id"]))
        return bool(found)

    until(is_open, "the strategy to be known as on", PATIENCE)
    position = found[0]
    until(lambda: Position.objects.get(pk=position.pk).status == "open", "the entry", PATIENCE)
    position.refresh_from_db()
    return position


def stands_at(position: Position, wished: D) -> None:
    """One confirmed stop of it, a tick off at most."""
    standing = Order.objects.filter(position=position, purpose="protect", status="accepted")
    until(
        lambda: [abs(one.trigger_price - wished) <= TICK for one in standing.all()] == [True],
        f"the stop at {wished:f}",
        PATIENCE,
    )


def test_an_imported_strategy_trades_once_its_owner_said_so(moved_in: Trader) -> None:
    """Its own size, its levels, and after each of them the stop where the older bot put it."""
    trader = moved_in
    has_price(trader, START)
    strategy = Strategy.objects.get(name="strategy_100_long")
    until(lambda: trader.send("EMA UP M5")["status"] == "new", "its phrase to be known", PATIENCE)
    assert not Position.objects.filter(strategy=strategy, status="open").exists()
    confirmed(trader, strategy.name)
    position = opened(trader, "EMA UP M5", strategy)
    assert (position.quantity, position.leverage) == (D("0.01"), 5)  # 200 of margin, five times
    entry = position.average_entry_price
    stands_at(position, entry * D("0.98"))
    levels = PartialTakeProfit.objects.filter(position=position).order_by("level")
    resting = Order.objects.filter(position=position, level__isnull=False, status="accepted")
    until(lambda: resting.count() == 3, "the levels at the exchange", PATIENCE)
    assert list(levels.values_list("close_qty", flat=True)) == [D("0.004"), D("0.003"), D("0.003")]
    trader.set_price(entry * D("1.0102") // TICK * TICK)
    until(lambda: levels[0].status == "executed", "the first level", PATIENCE)
    stands_at(position, entry * D("0.995"))
    trader.set_price(entry * D("1.0202") // TICK * TICK)
    until(lambda: levels[1].status == "executed", "the second level", PATIENCE)
    stands_at(position, entry)


def test_a_signal_that_the_older_bot_had_is_a_repeat(moved_in: Trader) -> None:
    """Under its new name, whatever the older bot called it."""
    confirmed(moved_in, "burst")
    until(lambda: moved_in.send("VOLUME BURST LONG")["status"] == "new", "the phrase to be known", PATIENCE)
    for symbol, message, bar in (
        ("BTCUSDT", "VOLUME BURST LONG", "2025-06-01T12:05:00Z"),
        ("BTC/USDT:USDT", "ema up m5", "2025-10-01T10:00:00Z"),
    ):
        verdict = moved_in.send(message, symbol=symbol, bar_time=bar)
        assert (verdict["status"], verdict["entries"]) == ("duplicate", [])
    assert SignalLog.objects.filter(source__startswith="legacy").count() == 5


def test_pages_show_what_older_bots_wrote(moved_in: Trader) -> None:
    owner = Visitor(moved_in.stack.port)
    position = Position.objects.get(account__name="legacy-v4-books")
    log = SignalLog.objects.get(source="legacy generator", status="new")
    strategy = Strategy.objects.get(name="strategy_100_long")
    for path, says in {
        "/": "legacy-v4-books",
        f"/positions/{position.pk}/": "take profit",
        "/signals/ledger/": "ledger",
        "/health/": "legacy-v4-books",
        "/admin/signals_app/strategy/": "none: it trades nowhere",
        f"/admin/signals_app/strategy/{strategy.pk}/change/": "EMA UP M5",
        "/admin/signals_app/ticker/": "DOGEUSDT",
        "/admin/signals_app/signallog/": "legacy external_signal",
        f"/admin/signals_app/signallog/{log.pk}/change/": "strategy_100_long",
        "/admin/positions/position/": "legacy-v4-books",
        "/admin/positions/riskevent/": "legacy_opened",
        "/admin/ops/systemlog/": "legacy CORE_IO",
    }.items():
        assert says in owner.read(path), path


@pytest.fixture
def first_bot(trader: Trader) -> Iterator[Trader]:
    """Who trades on the account that its rows belong to, until somebody names another."""
    with connection.cursor() as cursor:
        generation(1, cursor, fas=False, views=False)
        import_now()
        its = copy(trader)
        its.account = ExchangeAccount.objects.get(name="legacy-binance")
        its.key = f"paper-{its.account.pk}-{its.account.name}"
        yield its
        cursor.execute("DROP SCHEMA monitoring CASCADE")


def its_order(order_type: OrderType, side: Side, name: str, **terms: Any) -> OrderRequest:
    return OrderRequest(
        UNIFIED,
        side,
        PositionSide.LONG,
        order_type,
        D("0.004"),
        name,
        position_mode=PositionMode.ONE_WAY,
        **terms,
    )


def while_nobody_ran(trader: Trader, high: D) -> None:
    """For over a year: every candle that the exchange has counts, so they have to be this story's own. Another's
    would have moved the stop beyond the market, and ended the position."""
    yesterday = int(time.time()) // 60 * 60_000 - 86_400_000
    trader.stack.paper.tell_candles(SYMBOL, [(yesterday, 97_000, high, 97_000, high)])


def is_trailed_to(trader: Trader, position: Position, stop: D) -> None:
    """One that moved less than a second ago waits for a sweep: without beat, for this one."""
    trail = TrailingStop.objects.filter(position=position, stop_price=stop)
    until(trail.exists, f"the trail to be at {stop:f}", PATIENCE)
    moved_at = Order.objects.filter(position=position, purpose="protect").latest("created_at").created_at
    until(lambda: timezone.now() - moved_at > A_SECOND, "the next move to be due")
    trader.run("trailing.tasks.sweep")
    stands_at(position, stop)


def test_a_live_position_of_the_first_bot_is_taken_over_as_the_exchange_shows_it(first_bot: Trader) -> None:
    """Protected no worse than before, trailed from its stored best price; then the older bot's own stop goes."""
    trader, row = first_bot, LegacyRow.objects.filter(table="monitoring.positions", legacy_id="301")
    assert row.get().outcome == "waiting"
    while_nobody_ran(trader, D(98_300))
    has_price(trader, D(97_900))
    stop = its_order(
        OrderType.STOP_MARKET, Side.SELL, "b-301-stop", reduce_only=True, trigger_price=D(95_060)
    )
    trader.ask(lambda client: client.create_order(its_order(OrderType.MARKET, Side.BUY, "b-301")))
    trader.ask(lambda client: client.create_order(stop))
    (shown,) = trader.ask(lambda client: client.positions())

    trader.run("ops.tasks.take_over_what_waits", queue="reconcile")
    until(lambda: row.get().outcome == "imported", "the running bot to take it over", PATIENCE)
    position = Position.objects.get(pk=row.get().our_id)
    assert (position.quantity, position.average_entry_price) == (shown.quantity, shown.entry_price)
    assert (position.status, position.signal_id) == ("open", "1200301")
    assert position.trailing_stop.high_water_mark >= D(98_100)
    trader.run("trailing.tasks.sweep")
    stands_at(position, D("97609.5"))

    until(lambda: _is_compared(trader), "the older bot's stop to be taken back", PATIENCE)
    (left,) = trader.ask(lambda client: client.open_orders())
    assert left.client_order_id.startswith("tb-")
    # as beat has it: what happened while nobody ran, then what happens now
    trader.run("trailing.tasks.catch_up", queue="reconcile")
    caught_up = TrailingStop.objects.filter(position=position, known_until__gte=position.created_at)
    until(caught_up.exists, "the time without a bot to be made up for", PATIENCE)
    is_trailed_to(trader, position, D("97808.5"))
    has_price(trader, D(99_000))
    is_trailed_to(trader, position, D(98_505))


def _is_compared(trader: Trader) -> bool:
    """One comparison after the other: asking costs the account's own budget of requests."""
    watch = AccountWatch.objects.filter(account=trader.account)
    last = watch.values_list("reconciled_at", flat=True).first()
    trader.run("positions.tasks.reconcile_account", trader.account.pk, queue="reconcile")
    until(watch.exclude(reconciled_at=last).exists, "the comparison", PATIENCE)
    return OlderOrder.objects.filter(taken_back_at__isnull=False, missing_since__isnull=False).exists()
