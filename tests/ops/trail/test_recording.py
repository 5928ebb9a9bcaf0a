"""Whoever changes a row that matters leaves an entry in the same transaction; entries stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from migrations_sql import sql
from ops.models import NO_ACCOUNT, TrailEntry, UnsealedEntry
from ops.trail.tables import RECORDED, Recorded
from positions.models import FundingPayment, PersonAct, Position, RiskEvent, RiskLimits
from signals_app.forecast_models import ForecastFeed, ModelState
from signals_app.models import SignalLog, SignalSender
from tests.builders import (
    a_fill,
    a_forecast_model,
    a_log_entry,
    a_position,
    a_signal_log,
    a_strategy,
    a_ticker,
    a_trailing_stop,
    an_account,
    an_order,
)
from trailing.models import PartialTakeProfit, TrailingStop

pytestmark = pytest.mark.django_db


OF_NOBODY = {
    "signals_v2_log", "signals_app_strategy", "signals_app_strategysignal", "signals_app_ticker",
    "signals_app_signalsender", "forecast_models",
}  # fmt: skip


def run(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)


def entries(table: str, key: object) -> list[TrailEntry]:
    return list(TrailEntry.objects.filter(subject_table=table, subject_key=str(key)).order_by("id"))


def last(table: str, key: object) -> TrailEntry:
    return entries(table, key)[-1]


def a_row_of_each_table() -> dict[str, Any]:
    account = an_account()
    strategy = a_strategy(account)
    order = an_order(a_position(account=account), status="filled")
    fill = a_fill(order)
    payment = FundingPayment.objects.create(
        account=account, symbol="BTCUSDT", payment_id="1", amount=1, currency="USDT", paid_at=timezone.now()
    )
    return {
        "exchanges_exchangeaccount": account,
        "signals_v2_log": a_signal_log(),
        "signal_log_entries_v2": a_log_entry(strategy=strategy),
        "positions": order.position,
        "orders": order,
        "trades": fill,
        "funding_payments": payment,
        "trailing_stop_state": a_trailing_stop(order.position),
        "partial_tp_history": PartialTakeProfit.objects.create(
            position=order.position, level=1, close_ratio=1
        ),
        "risk_events": RiskEvent.objects.create(account=account, event_type="x", risk_level="low"),
        "risk_limits": RiskLimits.objects.create(account=account),
        "signals_app_strategy": strategy,
        "signals_app_strategyaccount": strategy.accounts.get(),
        "signals_app_strategysignal": strategy.phrases.create(phrase="UP", direction="long"),
        "signals_app_ticker": a_ticker("SOLUSDT"),
        "signals_app_signalsender": SignalSender.objects.create(name="charts", token_hash="a" * 64),
        "person_acts": PersonAct.objects.create(pk=uuid4(), act="close", by="ada", account=account),
        "forecast_feeds": ForecastFeed.objects.create(account=account),
        "forecast_models": a_forecast_model(),
    }


def test_a_new_row_of_each_table_is_recorded_whole_and_on_its_account() -> None:
    rows = a_row_of_each_table()
    assert rows.keys() == {one.table for one in RECORDED}
    account = rows["exchanges_exchangeaccount"].pk
    for one in RECORDED:
        row = rows[one.table]
        (entry,) = entries(one.table, row.pk)
        columns = {field.column for field in row._meta.concrete_fields}
        assert entry.change == "insert"
        assert entry.content.keys() >= columns - set(one.hidden)
        assert entry.account_id == (NO_ACCOUNT if one.table in OF_NOBODY else account), one.table
        assert UnsealedEntry.objects.filter(pk=entry.pk).exists()


CHANGES = {
    "exchanges_exchangeaccount": ("max_open_positions", 3),
    "signals_v2_log": ("reason", "read again"),
    "signal_log_entries_v2": ("note", "by hand"),
    "positions": ("leverage", 7),
    "orders": ("reason", "by hand"),
    "trades": ("fee_currency", "BNB"),
    "funding_payments": ("currency", "BNB"),
    "trailing_stop_state": ("state", "active"),
    "partial_tp_history": ("status", "executed"),
    "risk_events": ("risk_level", "high"),
    "risk_limits": ("max_leverage", 3),
    "signals_app_strategy": ("leverage", 7),
    "signals_app_strategyaccount": ("leverage", 7),
    "signals_app_strategysignal": ("phrase", "DOWN"),
    "signals_app_ticker": ("enabled", False),
    "signals_app_signalsender": ("burst", 7),
    "person_acts": ("outcome", "done"),
    "forecast_feeds": ("sends_signals", True),
    "forecast_models": ("verdict", "mine is better"),
}


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda one: one.table)
def test_raw_sql_is_recorded_with_the_columns_that_changed(recorded: Recorded) -> None:
    row = a_row_of_each_table()[recorded.table]
    column, value = CHANGES[recorded.table]
    run("SET application_name = 'psql'")
    change = f"UPDATE {recorded.table} SET {column} = %s WHERE {recorded.key} = %s"  # noqa: S608
    run(change, value, row.pk)
    entry = last(recorded.table, row.pk)
    assert (entry.change, entry.content) == ("update", {column: value})
    assert entry.written_by.endswith(" psql")


def test_of_a_model_the_hash_is_told_and_never_its_bytes() -> None:
    row = a_forecast_model(content=b"trees", reference=b"shares")
    (entry,) = entries("forecast_models", row.pk)
    assert not {"content", "reference"} & entry.content.keys()
    assert entry.content["sha256"] == row.sha256
    row.state, row.put_in_use_at = ModelState.IN_USE, timezone.now()
    row.save(update_fields=["state", "put_in_use_at"])
    assert last("forecast_models", row.pk).content.keys() == {"state", "put_in_use_at"}


def test_a_deleted_row_is_recorded() -> None:
    stop = a_trailing_stop()
    position_id = stop.pk
    stop.delete()
    entry = last("trailing_stop_state", position_id)
    assert (entry.change, entry.content["state"]) == ("delete", "waiting")
    assert entry.account_id == Position.objects.get().account_id


def test_secrets_are_never_copied() -> None:
    account = an_account(api_key="the-key-123", api_secret="the-secret-456")
    account.api_key, account.api_secret = "new-key", "new-secret"
    account.save()
    stored = TrailEntry.objects.get(subject_table="exchanges_exchangeaccount").content
    assert not {"api_key", "api_secret"} & stored.keys()
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key, api_secret FROM exchanges_exchangeaccount")
        ciphertexts = cursor.fetchone()
        cursor.execute("SELECT string_agg(content::text, ' ') FROM trail")
        (everything,) = cursor.fetchone()
    for secret in ("the-key-123", "new-key", "new-secret", *ciphertexts):
        assert secret not in everything


def test_what_is_no_news_is_not_recorded() -> None:
    position, order = a_position(), an_order()
    before = TrailEntry.objects.count()
    position.save()
    order.save()
    order.position.save(update_fields=["updated_at"])
    assert TrailEntry.objects.count() == before


def test_a_tick_that_leaves_the_stop_alone_is_not_recorded_and_one_that_moves_it_is() -> None:
    stop = a_trailing_stop(state="active", stop_price=Decimal(96000), high_water_mark=Decimal(97300))
    before = TrailEntry.objects.count()
    row = TrailingStop.objects.filter(pk=stop.pk)
    row.update(high_water_mark=97301, last_mark_price=97301, last_advanced_at=timezone.now(), update_count=1)
    assert TrailEntry.objects.count() == before
    row.update(high_water_mark=97400, stop_price=96100)
    assert last("trailing_stop_state", stop.pk).content == {"high_water_mark": 97400, "stop_price": 96100}


@pytest.mark.parametrize("table", ["orders", "trailing_stop_state"])
def test_a_column_that_comes_later_is_recorded_too(table: str) -> None:
    row = a_row_of_each_table()[table]
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run(f"ALTER TABLE {table} ADD COLUMN came_later int, ALTER COLUMN created_at TYPE timestamptz(3)")
    run(f"UPDATE {table} SET came_later = 7")  # noqa: S608
    assert last(table, row.pk).content["came_later"] == 7
    run(f"ALTER TABLE {table} DROP COLUMN came_later")
    before = TrailEntry.objects.count()
    row.save()
    assert TrailEntry.objects.count() == before


def test_what_is_rolled_back_leaves_nothing() -> None:
    with transaction.atomic():
        a_signal_log()
        transaction.set_rollback(True)
    assert (SignalLog.objects.count(), TrailEntry.objects.count(), UnsealedEntry.objects.count()) == (0, 0, 0)


def test_times_are_utc_whatever_the_session_says() -> None:
    run("SET timezone = 'Asia/Tokyo'")
    log = a_signal_log()
    assert last("signals_v2_log", log.pk).content["received_at"].endswith("+00:00")


def test_a_session_outside_our_schema_is_recorded_too() -> None:
    order = an_order()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        (schema,) = cursor.fetchone()
    run("SET LOCAL search_path = public")
    run(f"UPDATE {schema}.orders SET reason = 'from outside' WHERE id = %s", order.pk)  # noqa: S608
    run(f"SET LOCAL search_path = {schema}")
    assert last("orders", order.pk).content == {"reason": "from outside"}


@pytest.mark.parametrize("table", ["trail", "trail_seal"])
@pytest.mark.parametrize("act", ["UPDATE {} SET account_id = 9", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_trail_only_grows(table: str, act: str) -> None:
    an_order()
    with pytest.raises(DatabaseError, match=f"table {table} only grows"), transaction.atomic():
        run(act.format(table))


@pytest.mark.parametrize("table", ["trail", "trail_seal"])
@pytest.mark.parametrize("act", ["UPDATE {} SET account_id = 9", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_audit_trail_is_append_only_for_a_role_that_owns_nothing_and_may_write(
    table: str, act: str
) -> None:
    """As the role that a careful owner lets the bot connect as: every right on rows, no table of its own."""
    an_order()
    before = count_of(table)
    with as_a_mere_writer():
        with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
            run(act.format(table))
        for way_round in (
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"DROP TRIGGER trail_stays ON {table}",
            "SET session_replication_role = replica",
        ):
            with pytest.raises(DatabaseError, match=r"must be owner|permission denied"), transaction.atomic():
                run(way_round)
    assert count_of(table) == before


@contextmanager
def as_a_mere_writer() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        (schema,) = cursor.fetchone()
    role = f"writer_{uuid4().hex}"  # roles are of the whole server, where other tests may be at it
    run(f"CREATE ROLE {role}")
    run(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    run(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {role}")
    run(f"SET LOCAL ROLE {role}")
    try:
        yield
    finally:
        run("RESET ROLE")


def count_of(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
        return int(cursor.fetchone()[0])


def triggers_of(table: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger "
            "WHERE tgrelid = %s::regclass AND NOT tgisinternal",
            [table],
        )
        return dict(cursor.fetchall())


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda one: one.table)
def test_the_triggers_say_what_the_list_says(recorded: Recorded) -> None:
    triggers = triggers_of(recorded.table)
    of_updates = triggers.get("record_trail_of_moves", triggers["record_trail"])
    arguments = re.findall(r"'\{(.*?)\}'", of_updates)
    assert arguments == [",".join(recorded.quiet), ",".join(recorded.hidden)]


def test_the_hot_row_ignores_the_quiet_columns_and_no_other() -> None:
    (recorded,) = [one for one in RECORDED if one.table == "trailing_stop_state"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'trailing_is_news'")
        (source,) = cursor.fetchone()
    assert re.findall(r"before\.(\w+) :=", source) == list(recorded.quiet)


# an account was the strategy's then
OF_STRATEGY = "(SELECT account_id FROM signals_app_strategy WHERE id = (content ->> 'strategy_id')::bigint)"


def test_rows_from_before_the_trail_begin_their_story_as_they_are_found() -> None:
    rows = a_row_of_each_table()
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("DROP FUNCTION record_trail() CASCADE; DROP FUNCTION add_to_trail; DROP FUNCTION trail_account")
    run("DROP FUNCTION trailing_is_news")
    for script in (
        "0003_trail", "0006_trail_of_levels", "0012_trail_of_limits", "0017_trail_of_settings",
        "0018_trail_of_person_acts", "0019_trail_of_forecasts",
    ):  # fmt: skip
        run(sql(f"constraints/{script}.sql").replace(OF_STRATEGY, "(content ->> 'account_id')::bigint"))
    for table, row in rows.items():
        inserted, found = entries(table, row.pk)
        assert found.change == "found"
        assert (found.content, found.account_id) == (inserted.content, inserted.account_id)
