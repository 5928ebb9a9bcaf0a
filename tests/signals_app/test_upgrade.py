"""A ledger from before codes were kept: its rows get them, none of it waits to be traded, and the trail still holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal

import pytest

from ops.starting_point import migrations_of_it
from tests.forking import run
from tests.ops.test_migrate import a_database, ask, migrate
from tests.starting_point import schema_of

pytestmark = pytest.mark.xdist_group("upgrade")
BEFORE = [("signals_app", "0003"), ("ops", "0003")]
ROWS = """
    SET search_path = tradingbot;
    INSERT INTO exchanges_exchangeaccount (name, venue, api_key, api_secret, is_live_confirmed, trading_state,
        state_reason, max_open_positions, max_exposure, unknown_positions, adopted_stop_percent,
        entries_paused_reason, created_at)
    VALUES ('paper', 'binance', '', '', false, 'active', '', 5, 100, 'alarm', 2, '', now());
    INSERT INTO signals_app_strategy (name, account_id, enabled, archived, allow_open, use_all_tickers, sizing_mode,
        notional, risk_percent, leverage, protection, max_open_positions, opposite_signal, created_at, updated_at)
    SELECT 'trend', id, true, false, true, true, 'fixed_notional', 100, 1, 5, '{"stop_loss": {}}', 5, 'close', now(),
        now() FROM exchanges_exchangeaccount;
    INSERT INTO signals_v2_log (uid, symbol, direction, source, message, raw_message, received_at, logged_at, status,
        reason)
    SELECT uid, '', '', 'test', '', '', now(), now(), status, reason FROM (VALUES
        ('1', 'new', ''), (NULL, 'ignored', 'not JSON'), (NULL, 'ignored', 'internal error (KeyError)'),
        ('2', 'ignored', 'unknown ticker X'), ('3', 'ignored', 'ticker X is switched off'),
        ('4', 'ignored', 'sent 400 s ago, the limit is 300'), ('5', 'ignored', 'sent 7200 s in the future: its clock'),
        ('6', 'ignored', 'no strategy knows this phrase'), ('7', 'ignored', 'something else')
    ) one (uid, status, reason);
    INSERT INTO signal_log_entries_v2 (log_id, strategy_id, status, note, logged_at)
    SELECT log.id, strategy.id, 'skipped', 'too late', now()
    FROM signals_v2_log log, signals_app_strategy strategy WHERE uid = '1';
"""
STRATEGY = """
    UPDATE tradingbot.signals_app_strategy SET opposite_signal = 'protect_reverse', protection = protection
        || '{"stop_loss": {"type": "percent", "percent": "3.5"}}'
"""
BY_DISTANCE = """
    UPDATE tradingbot.signals_app_strategy SET protection = '{"stop_loss": {"type": "distance", "distance": "5"}}'
"""
PERCENTS = """
    SELECT stop_loss_percent, trailing_activation_percent, trailing_callback_percent
    FROM tradingbot.signals_app_strategy
"""
STOP = "SELECT protection #>> '{stop_loss,percent}' FROM tradingbot.signals_app_strategy"
PLACES = """
    SELECT strategy.name::text, account.name::text, verdict.account_id = place.account_id
    FROM tradingbot.signals_app_strategyaccount place
    JOIN tradingbot.signals_app_strategy strategy ON strategy.id = place.strategy_id
    JOIN tradingbot.exchanges_exchangeaccount account ON account.id = place.account_id
    JOIN tradingbot.signal_log_entries_v2 verdict ON verdict.strategy_id = strategy.id
"""
# a condition that PostgreSQL reads again from its own words is written down a little differently
HERE = "CREATE SCHEMA tradingbot; SET search_path = tradingbot; SET check_function_bodies = off;"
MOMENTS = "SELECT count(*) FROM tradingbot.django_migrations GROUP BY applied ORDER BY applied"
SORTED = "SELECT app::text, name::text FROM tradingbot.django_migrations ORDER BY 1, 2"
CODES = "SELECT reason_code, dispatched_at IS NOT NULL FROM tradingbot.signals_v2_log ORDER BY id"


@pytest.fixture(scope="module")
def of_before() -> Iterator[str]:
    with a_database("of_before") as made:
        manage(made, *(("migrate", app, migration) for app, migration in BEFORE))
        ask(made, ROWS)
        yield made


@pytest.fixture
def database(of_before: str) -> Iterator[str]:
    with a_database("upgraded", template=of_before) as made:
        yield made


def migrated_back(database: str, to: str) -> None:
    manage(database, ("migrate", "signals_app", to))


def manage(database: str, *commands: tuple[str, ...]) -> str:
    """What they say, in one process."""
    code = (
        "import django; django.setup(); from django.core.management import call_command;"
        f"[call_command(*words) for words in {commands!r}]"
    )
    environment = os.environ | {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "tradingbot.settings"}
    done = run(["-c", code], environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_rows_of_before_get_codes_and_none_of_them_waits(database: str) -> None:
    said = manage(database, ("migrate",), ("verify_trail",))
    assert ask(database, CODES) == [
        ("", True), ("unreadable", True), ("internal_error", True), ("unknown_ticker", True), ("ticker_off", True),
        ("stale", True), ("clock_ahead", True), ("no_strategy", True), ("unclassified", True),
    ]  # fmt: skip
    verdicts = "SELECT status::text, reason_code FROM tradingbot.signal_log_entries_v2"
    assert ask(database, verdicts) == [("skipped", "unclassified")]
    assert ask(database, PLACES) == [("trend", "paper", True)], "each strategy goes on trading where it did"
    assert "nothing was changed" in said
    assert_is_like_a_new_one(database)


def assert_is_like_a_new_one(database: str) -> None:
    """One began at the starting point, the other went through the migrations."""
    with a_database("new") as new, a_database("one") as one, a_database("other") as other:
        assert migrate(new) == (0, "")
        for copy, of in ((one, new), (other, database)):
            ask(copy, HERE + schema_of(of, "tradingbot"))
        assert schema_of(one, "tradingbot").split("\n") == schema_of(other, "tradingbot").split("\n")
        assert ask(new, SORTED) == ask(database, SORTED)
        assert ask(new, MOMENTS)[0] == (len(migrations_of_it()),), "all at one moment"


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_filled_database_goes_back_and_forth_and_keeps_its_stops(database: str) -> None:
    manage(database, ("migrate",))
    ask(database, STRATEGY)
    migrated_back(database, "0004")
    assert ask(database, "SELECT opposite_signal::text FROM tradingbot.signals_app_strategy") == [("close",)]
    migrated_back(database, "0002")
    assert ask(database, PERCENTS) == [(Decimal("3.5"), Decimal("1.5"), Decimal("0.5"))]
    manage(database, ("migrate",))
    assert ask(database, STOP) == [("3.5",)]


def test_a_plan_that_the_columns_cannot_say_is_not_lost_on_the_way_back(database: str) -> None:
    ask(database, BY_DISTANCE)
    with pytest.raises(AssertionError, match="the plan of trend is more than"):
        migrated_back(database, "0002")
    assert ask(
        database, "SELECT protection #>> '{stop_loss,distance}' FROM tradingbot.signals_app_strategy"
    ) == [("5",)]
