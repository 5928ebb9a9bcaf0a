"""What the v2 and v4 signal bots left: each row becomes one of ours or is listed with its reason, and once."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest
from django.db import connection
from psycopg.sql import SQL, Identifier

from exchanges.models import ExchangeAccount
from ops.legacy.outcomes import not_imported
from ops.models import ALL_ROWS, LegacyRow, SystemLog
from positions.models import Position, RiskEvent, RiskLimits
from signals_app.models import (
    SignalAttempt,
    SignalLog,
    SignalLogEntry,
    Strategy,
    StrategyAccount,
    StrategySignal,
    Ticker,
)
from signals_app.shapes.signal import Signal
from tests.builders import a_ticker
from tests.legacy.importing import import_now, sql
from tests.legacy.signal_bots import signal_bots
from trailing.models import PartialTakeProfit

pytestmark = pytest.mark.django_db


@pytest.fixture
def moved_in() -> None:
    with connection.cursor() as cursor:
        signal_bots(cursor)
    import_now()


def reasons(table: str) -> dict[str, str]:
    return dict(not_imported().filter(table=f"public.{table}").values_list("legacy_id", "reason"))


def test_every_row_has_its_verdict(moved_in: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        for name in tables:
            cursor.execute(SQL("SELECT count(*) FROM public.{}").format(Identifier(name)))
            (rows,) = cursor.fetchone()
            verdicts = LegacyRow.objects.filter(table=f"public.{name}")
            whole = verdicts.filter(legacy_id=ALL_ROWS, reason__startswith=f"{rows} rows: ")
            assert whole.exists() or verdicts.count() == rows, name
    assert tables


def test_a_second_run_changes_nothing(moved_in: None) -> None:
    models = [Ticker, Strategy, StrategySignal, RiskLimits, SignalLog, SignalAttempt, SignalLogEntry, Position,
              PartialTakeProfit, RiskEvent, SystemLog, LegacyRow]  # fmt: skip
    before = [list(model.objects.order_by("pk").values()) for model in models[:-1]]
    import_now()
    assert [list(model.objects.order_by("pk").values()) for model in models[:-1]] == before


def test_only_what_is_new_is_imported(moved_in: None) -> None:
    sql(
        "INSERT INTO public.tickers_bb (symbol, status, tradepermission) VALUES ('XRPUSDT', 'enabled', 'enabled')"
    )
    sql("UPDATE public.positions_v4 SET status = 'closed', exit_price = 63000, closed_at = '2025-10-01 13:00' "
        "WHERE position_uid = 'p-2'")  # fmt: skip
    import_now()
    assert Ticker.objects.filter(symbol="XRPUSDT").exists()
    assert set(Position.objects.values_list("average_exit_price", flat=True)) == {D(66000), D(63000)}
    assert "p-2" not in reasons("positions_v4")
    assert PartialTakeProfit.objects.filter(position__average_exit_price=63000).count() == 1


def test_tickers_keep_their_switches(moved_in: None) -> None:
    rows = Ticker.objects.values_list("symbol", "enabled", "trade_permission")
    assert set(rows) == {
        ("BTCUSDT", True, True), ("DOGEUSDT", False, True), ("ETHUSDT", True, False), ("SOLUSDT", False, True),
    }  # fmt: skip
    assert reasons("tickers") == {"3": "symbol 'NOT A COIN' is no perpetual contract"}


def test_a_ticker_that_is_here_already_stays_as_it_is() -> None:
    a_ticker("BTCUSDT", trade_permission=False)
    with connection.cursor() as cursor:
        signal_bots(cursor)
    import_now()
    assert not Ticker.objects.get(symbol="BTCUSDT").trade_permission


def test_a_strategy_comes_in_switched_off_and_on_no_account(moved_in: None) -> None:
    assert set(Strategy.objects.values_list("name", "enabled", "archived")) == {
        ("burst", False, False), ("bare-one", False, True), ("strategy_100_long", False, False),
        ("burst-v4-2", False, False),
    }  # fmt: skip
    assert not StrategyAccount.objects.exists()
    notes = LegacyRow.objects.get(table="public.strategies_v4", legacy_id="1").reason
    assert notes == "switched off here, it was on; not carried over: market_watcher"
    assert reasons("strategies_v4") == {"3": "it has no name"}


def test_its_size_is_what_the_older_bot_would_have_opened(moved_in: None) -> None:
    one = Strategy.objects.get(name="strategy_100_long")
    assert (one.sizing_mode, one.risk_balance, one.risk_percent) == ("fixed_risk_balance", 10000, 2)
    assert (one.notional, one.leverage) == (1000, 5)
    assert one.max_open_positions == 10  # 200 to lose, 20 at each stop
    assert RiskLimits.objects.get(strategy=one).max_exposure == 50000


def test_its_levels_and_what_the_stop_does_after_each(moved_in: None) -> None:
    plan = Strategy.objects.get(name="strategy_100_long").protection
    keep = {"type": "none"}
    assert plan["stop_loss"] == {"type": "percent", "percent": "2"}
    assert plan["trailing"] is None
    assert plan["take_profits"] == {
        "levels": [
            {"at": {"type": "percent", "percent": "1"}, "close_ratio": "0.4",
             "stop_after": {"type": "entry_percent", "percent": "0.5"}},
            {"at": {"type": "percent", "percent": "2"}, "close_ratio": "0.3",
             "stop_after": {"type": "breakeven", "offset_percent": "0"}},
            {"at": {"type": "percent", "percent": "4"}, "close_ratio": "0.3", "stop_after": None},
        ],
        "stop_after_level": keep, "rest_waits_for_signal": False,
    }  # fmt: skip


def test_what_a_plan_cannot_say_is_listed(moved_in: None) -> None:
    other = "it waits for another signal than its strategy's: what is left stays with the stop"
    assert reasons("strategy_tp_levels_v2") == {"2": other}
    assert reasons("strategy_tp_levels_v4") == {"6": "its strategy was not imported"}
    said = reasons("strategy_tp_sl_v4")
    assert said == {
        "3": "what the stop does after the level is not known: moon",
        "4": "its strategy was not imported",
    }
    bare = LegacyRow.objects.get(table="public.strategies_v2", legacy_id="2").reason
    assert bare == "switched off here, it was off; it had no stop: here it has one of 2 %"


def test_opposite_signals_do_what_they_did(moved_in: None) -> None:
    assert dict(Strategy.objects.values_list("name", "opposite_signal")) == {
        "burst": "ignore", "bare-one": "ignore", "strategy_100_long": "protect", "burst-v4-2": "protect_reverse",
    }  # fmt: skip


def test_phrases_and_tickers_of_strategies(moved_in: None) -> None:
    rows = StrategySignal.objects.values_list("strategy__name", "phrase", "direction")
    assert set(rows) == {
        ("burst", "VOLUME BURST LONG", "long"), ("burst", "VOLUME BURST SHORT", "short"),
        ("strategy_100_long", "EMA UP M5", "long"), ("strategy_100_long", "EMA DOWN M5", "short"),
        ("burst-v4-2", "EMA UP M5", "long"), ("burst-v4-2", "EMA DOWN M5", "short"),
    }  # fmt: skip
    assert sorted(reasons("strategy_signals_v2").values()) == [
        "its strategy was not imported", "the signal was switched off",
        "what a signal in the role 'exit' did is not on record",
    ]  # fmt: skip
    assert reasons("signals_v4") == {"2": "no strategy that was imported follows it"}
    tickers = {one.name: [t.symbol for t in one.tickers.all()] for one in Strategy.objects.all()}
    assert tickers == {
        "burst": [],
        "bare-one": ["BTCUSDT"],
        "strategy_100_long": ["BTCUSDT"],
        "burst-v4-2": [],
    }
    assert sorted(reasons("strategy_tickers_v2").values()) == [
        "its ticker was not imported", "the ticker was switched off for this strategy",
    ]  # fmt: skip


def test_a_strategy_in_use_is_left_alone(moved_in: None) -> None:
    Strategy.objects.filter(name="burst").update(enabled=True)
    sql("INSERT INTO public.strategy_signals_v2 VALUES (1, 1, NULL)")
    sql("INSERT INTO public.strategy_tp_levels_v2 (strategy_id, level, tp_type, tp_value, volume_percent) "
        "VALUES (1, 3, 'percent', 3, 10)")  # fmt: skip
    plan = Strategy.objects.get(name="burst").protection
    import_now()
    assert Strategy.objects.get(name="burst").protection == plan
    assert (
        "its strategy is switched on by now: what it is made of is changed there"
        in reasons("strategy_signals_v2").values()
    )
    assert reasons("strategy_tp_levels_v2")["3"].startswith("its strategy was imported before")


def test_a_signal_has_the_name_that_a_repeat_will_have(moved_in: None) -> None:
    bar = datetime(2025, 6, 1, 12, 5, tzinfo=UTC)
    log = SignalLog.objects.get(uid=Signal("BTCUSDT", "volume burst  long", bar, None, None).uid)
    assert (log.status, log.source, log.direction) == ("new", "legacy external_signal", "long")
    assert (log.bar_time, log.received_at) == (bar, datetime(2025, 6, 1, 12, 10, 0, 412000, UTC))
    assert "not-for-eyes" not in log.raw_message
    assert not SignalLog.objects.filter(dispatched_at=None).exists()


def test_what_an_older_bot_wrote_twice_is_one_signal_and_its_repeat(moved_in: None) -> None:
    (repeat,) = SignalAttempt.objects.all()
    entries = SignalLogEntry.objects.filter(log__uid=repeat.uid).order_by("strategy__name")
    assert list(entries.values_list("strategy__name", "status", "reason_code", "note")) == [
        ("burst-v4-2", "skipped", "unclassified", "available risk exhausted"),
        ("strategy_100_long", "opened", "", "opened"),
    ]
    assert entries[1].position == Position.objects.get()
    assert entries[1].logged_at == datetime(2025, 10, 1, 10, 5, 2, tzinfo=UTC)


def test_what_an_older_bot_called_a_repeat_is_the_first_where_the_first_is_not_on_record(
    moved_in: None,
) -> None:
    known, alone = (datetime(2025, month, 1, 12, 5, tzinfo=UTC) for month in (6, 7))
    with connection.cursor() as cursor:
        for bar in (known, alone, alone):
            cursor.execute(
                "INSERT INTO public.signals_v2_log (signal_id, symbol, direction, source, message, raw_message, "
                "bar_time, sent_at, received_at, status) "
                "VALUES (1, 'BTCUSDT', 'long', 'external_signal', 'VOLUME BURST LONG', "
                "'{}', %s, %s, %s, 'duplicate')",
                [bar.replace(tzinfo=None)] * 3,
            )
    before = SignalAttempt.objects.count()
    import_now()
    uids = [Signal("BTCUSDT", "VOLUME BURST LONG", bar, None, None).uid for bar in (known, alone)]
    log = SignalLog.objects.get(uid=uids[1])
    assert (log.status, log.received_at, log.dispatched_at is None) == ("ignored", alone, False)
    repeats = SignalAttempt.objects.order_by("pk")[before:]
    assert [one.uid for one in repeats] == uids


def test_signals_of_which_nothing_is_on_record_say_so(moved_in: None) -> None:
    rows = SignalLog.objects.filter(status="ignored").order_by("received_at")
    assert list(rows.values_list("reason", flat=True)) == [
        "bar_time is missing: without it a repeat could not be told from a new signal",
        "an older bot ignored it",
        "of an older bot; what its strategies did with it is not on record",
    ]
    assert reasons("signal_log_entries_v4") == {
        "1": "it only says that the signal was handed on",
        "3": "what this strategy did with this signal is written down already",
        "5": "its strategy was not imported",
        "6": "its signal was not imported",
    }


def test_a_position_that_ended_is_kept_where_nothing_trades(moved_in: None) -> None:
    one = Position.objects.get()
    assert (one.status, one.close_reason, one.realized_pnl) == ("closed", "take_profit", D("21.5"))
    assert (one.planned_quantity, one.average_entry_price, one.average_exit_price) == (
        D("0.015"),
        64000,
        66000,
    )
    assert (one.created_at, one.closed_at) == (
        datetime(2025, 10, 1, 10, 5, 2, tzinfo=UTC), datetime(2025, 10, 1, 15, tzinfo=UTC),
    )  # fmt: skip
    assert one.strategy == Strategy.objects.get(name="strategy_100_long")
    assert ExchangeAccount.objects.get() == one.account
    assert (one.account.trading_state, one.account.api_key) == ("halted", "")
    assert list(one.levels.order_by("level").values_list("level", "status", "close_ratio", "price")) == [
        (1, "executed", D("0.4"), 64640), (2, "canceled", D("0.6"), 65280),
    ]  # fmt: skip
    event = RiskEvent.objects.get(position_id=str(one.pk))
    assert (event.event_type, event.details["note"]) == ("legacy_opened", "opened")


def test_positions_that_are_not_over_or_cannot_be_read_are_listed(moved_in: None) -> None:
    said = reasons("positions_v4")
    assert said["p-2"].startswith("open on the older bot's own books alone")
    assert said["p-3"] == "direction 'sideways' is neither long nor short"
    assert reasons("position_targets_v4")["3"] == "a stop of a closed position"


def test_the_system_log_takes_what_it_still_keeps(moved_in: None) -> None:
    rows = SystemLog.objects.filter(module__startswith="legacy").order_by("pk")
    assert list(rows.values_list("level", "module", "message")) == [
        ("INFO", "legacy worker", "opened"), ("WARNING", "legacy CORE_IO", "slow"),
    ]  # fmt: skip
    assert reasons("system_logs") == {"2": "older than what the system's log keeps"}
    assert reasons("testsignals_v4") == {"all rows": "1 rows: a signal somebody tried out"}


def test_tables_that_are_not_there_are_no_matter() -> None:
    import_now()
    assert not LegacyRow.objects.exists()
