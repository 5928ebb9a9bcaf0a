from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

import exchanges.marks
from exchanges.marks import publish_prices
from exchanges.types import PositionSide, PriceTick
from positions import queries
from positions.lifecycle import CloseReason, OrderPurpose, OrderStatus, PositionStatus
from positions.services import halting
from positions.services.flattening import flatten
from signals_app.models import EntryStatus, SignalStatus
from tests.builders import (
    a_balance,
    a_fill,
    a_log_entry,
    a_position,
    a_signal_log,
    a_strategy,
    a_ticker,
    a_trailing_stop,
    an_account,
    an_order,
)

pytestmark = pytest.mark.django_db


class Marks:
    """What the price watcher leaves in Redis."""

    def __setitem__(self, key, price):
        venue, symbol = key
        publish_prices(venue, [(symbol, PriceTick(symbol, price, self.at))])

    at = property(lambda self: timezone.now() - self.age)
    age = timedelta(0)


@pytest.fixture
def marks(settings):
    settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex}"
    return Marks()


def the_row():
    (row,) = queries.snapshot()["positions"]
    return row


def a_stop(position, trigger, **values):
    values = {"purpose": OrderPurpose.PROTECT, "trigger_price": D(trigger), "quantity": D("0.008")} | values
    return an_order(position, **values)


def test_a_long_gains_when_the_mark_rises(marks):
    marks["binance", "BTCUSDT"] = D("97350.4")
    a_stop(a_position(), "96377.0")
    row = the_row()
    assert D(row["unrealized_pnl"]) == D("0.8")
    assert row["shown"]["pnl"] == "+0.80"
    assert row["shown"]["roe"] == "+0.51%"
    assert row["shown"]["distance"] == "1.00%"
    assert (row["shown"]["mark"], row["tone"]) == ("97,350.4", "up")


def test_a_short_loses_when_the_mark_rises(marks):
    marks["binance", "BTCUSDT"] = D("97350.4")
    a_position(position_side=PositionSide.SHORT)
    assert the_row()["shown"]["pnl"] == "\N{MINUS SIGN}0.80"
    assert the_row()["shown"]["arrow"] == "▼"


def test_an_unknown_price_is_a_dash_and_never_zero(marks):
    a_position()
    row, figures = the_row(), queries.snapshot()["figures"]
    assert row["mark_price"] is row["unrealized_pnl"] is None
    assert [row["shown"][cell] for cell in ("mark", "pnl", "roe", "distance")] == ["—"] * 4
    assert figures["open_pnl"] == figures["equity"] == "—"


def test_a_partly_known_sum_is_unknown(marks):
    marks["binance", "BTCUSDT"] = D("97350.4")
    a_position("BTC")
    a_position("ETH")
    assert queries.snapshot()["figures"]["open_pnl"] == "—"


def test_an_old_price_is_no_price(marks):
    marks.age = timedelta(minutes=1)
    marks["binance", "BTCUSDT"] = D("97350.4")
    a_position()
    assert the_row()["shown"]["mark"] == "—"


def test_the_page_stands_without_the_place_where_prices_are_kept(settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    exchanges.marks._redis.cache_clear()
    try:
        a_position()
        assert the_row()["shown"]["mark"] == "—"
    finally:
        exchanges.marks._redis.cache_clear()


def test_the_stop_shown_is_the_best_one_the_exchange_confirmed(marks):
    position = a_position()
    a_stop(position, "96000")
    a_stop(position, "96500")
    a_stop(position, "97000", status=OrderStatus.SUBMITTED)
    a_stop(position, "97100", status=OrderStatus.CANCELED)
    row = the_row()
    assert row["shown"]["stop"] == "96,500.0"
    assert row["unprotected"] is False


def test_a_short_is_best_protected_by_the_lowest_stop(marks):
    position = a_position(position_side=PositionSide.SHORT)
    a_stop(position, "98000")
    a_stop(position, "97500")
    assert the_row()["shown"]["stop"] == "97,500.0"


def test_a_position_without_a_confirmed_stop_says_so(marks):
    a_stop(a_position(), "96000", status=OrderStatus.SUBMITTED)
    row = the_row()
    assert (row["unprotected"], row["shown"]["stop"]) == (True, "no stop")


def test_an_opening_position_holds_nothing_that_needs_a_stop(marks):
    a_position(status=PositionStatus.OPENING)
    row = the_row()
    assert (row["unprotected"], row["shown"]["stop"], row["shown"]["state"]) == (False, "—", "OPENING")


def test_the_trailing_phase_says_where_it_starts(marks):
    a_trailing_stop(a_position(), activation_price=D("98709.1"))
    assert the_row()["shown"]["phase"] == "trails from 98,709.1"


def test_closed_positions_are_not_in_the_picture(marks):
    a_position(status=PositionStatus.CLOSED)
    assert queries.snapshot()["positions"] == []


def test_today_is_realized_less_fees_and_other_coins_are_told_apart(marks):
    a_fill(realized_pnl=D("42.5"), fee=D("0.5"))
    a_fill(realized_pnl=D("1"), fee=D("0.001"), fee_currency="BNB")
    a_fill(realized_pnl=D("99"), executed_at=timezone.now() - timedelta(days=1))
    figures = queries.snapshot()["figures"]
    assert (figures["today"], figures["today_tone"], figures["other_fees"]) == ("+43.00", "up", "0.001 BNB")


def test_equity_is_the_sum_over_accounts_and_each_is_named(marks):
    for name, equity in (("first", "9000.5"), ("second", "1000")):
        a_balance(an_account(name=name, max_open_positions=5), equity=D(equity))
    a_ticker()
    figures = queries.snapshot()["figures"]
    assert figures["equity"] == "10,000.50"
    assert figures["accounts"] == [
        {"name": "first", "equity": "9,000.50"},
        {"name": "second", "equity": "1,000.00"},
    ]
    assert (figures["open"], figures["most"], figures["watched"]) == ("0", "10", 1)


def test_a_stopped_account_is_announced_with_its_reason(marks):
    an_account(name="main", trading_state="halted", state_reason="Invalid API-key")
    (stopped,) = queries.snapshot()["notices"]
    told = {"account": "main", "state": "halted", "why": "Invalid API-key", "since": ""}
    assert {name: stopped[name] for name in told} == told


def test_all_accounts_stopped_at_once_come_first_with_since_when_and_by_whom(marks):
    account = an_account(name="main")
    halting.halt(account.pk, "-2015 Invalid API-key")
    flatten(None, "storm", "ada")
    everywhere, flat, own = queries.snapshot()["notices"]
    assert (everywhere["account"], everywhere["why"]) == ("Every account", "storm")
    assert everywhere["since"].endswith("UTC, by ada")
    assert (flat["state"], flat["why"]) == ("at work", "0 of 1 accounts are done")
    assert own["since"].endswith("UTC, by the exchange")
    assert own["why"] == "Binance said: -2015 Invalid API-key"
    assert "stops that stand on the exchange" in own["means"]
    assert "not tried again by itself" in own["todo"]
    assert [one["href"] for one in (everywhere, own)] == ["/switch/resume/", "/switch/main/resume/"]


def test_a_signal_carries_what_each_strategy_made_of_it(marks):
    log = a_signal_log()
    main, spare = an_account(name="main"), an_account(name="spare")
    strategy = a_strategy(main, name="breakout")
    a_log_entry(log, strategy)
    a_log_entry(log, strategy, account=spare, status=EntryStatus.SKIPPED, note="5 positions are open")
    a_log_entry(
        log, a_strategy(main, name="trend"), account=None, status=EntryStatus.SKIPPED, note="on no account"
    )
    (row,) = queries.snapshot()["signals"]
    assert (row["shown"]["verdict"], row["tone"]) == ("opened", "good")
    assert row["shown"]["why"] == (
        "breakout on main: opened; breakout on spare: skipped, 5 positions are open; trend: skipped, on no account"
    )


def test_an_ignored_signal_says_why(marks):
    a_signal_log(status=SignalStatus.IGNORED, reason="ticker XYZ is unknown")
    (row,) = queries.snapshot()["signals"]
    assert (row["shown"]["verdict"], row["shown"]["why"]) == ("ignored", "ticker XYZ is unknown")


def test_the_logs_hold_the_newest_fifty(marks):
    position = a_position()
    orders = [an_order(position, purpose=OrderPurpose.PROTECT) for _ in range(52)]
    logs = [a_signal_log() for _ in range(52)]
    picture = queries.snapshot()
    assert [row["id"] for row in picture["orders"]] == [str(o.pk) for o in reversed(orders[2:])]
    assert [row["id"] for row in picture["signals"]] == [log.pk for log in reversed(logs[2:])]


def test_more_rows_cost_no_more_queries(marks, django_assert_num_queries, django_assert_max_num_queries):
    def fill_the_page(bases):
        for base in bases:
            position = a_position(base, strategy=a_strategy())
            a_stop(position, "96000")
            a_trailing_stop(position)
            a_log_entry()

    fill_the_page(["BTC"])
    with django_assert_max_num_queries(13) as one:
        queries.snapshot()
    fill_the_page(["ETH", "SOL", "BNB", "XRP"])
    with django_assert_num_queries(len(one.captured_queries)):
        queries.snapshot()


def test_live_positions_narrow_down_by_what_is_asked():
    strategy = a_strategy()
    mine = a_position("BTC", strategy=strategy)
    other = a_position("ETH", position_side=PositionSide.SHORT)
    a_position("BTC", strategy=strategy, status=PositionStatus.CLOSED)
    assert [row["id"] for row in queries.live_positions()] == [mine.pk, other.pk]
    assert queries.live_positions(strategy.pk, "BTCUSDT", "long") == [
        {"id": mine.pk, "position_side": "long", "status": "open"}
    ]
    assert queries.live_positions(position_side="short")[0]["id"] == other.pk
    assert queries.live_positions(exchange_symbol="SOLUSDT") == []


def test_the_end_of_a_position_is_one_sentence():
    closed = a_position(
        status=PositionStatus.CLOSED,
        close_reason=CloseReason.TRAILING_STOP,
        realized_pnl=D("12.9"),
        fees=D("0.5"),
    )
    assert queries.ending(closed.pk) == "BTC long closed: trailing stop, +12.40 USDT after fees"
    never = a_position("ETH", status=PositionStatus.CLOSED, opened_at=None, close_reason="never_opened")
    assert queries.ending(never.pk) == "ETH long was never opened: never opened"
    assert queries.ending(0) == ""
