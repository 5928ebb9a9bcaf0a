"""Our PostgreSQL schema, and the question whether an old bot lives in the same database."""

from __future__ import annotations

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

LEGACY_SCHEMAS = ("monitoring", "fas")
LEGACY_TABLES = (
    "signals_v2", "signals_v2_log", "signal_log_entries_v2", "strategies_v2", "strategy_signals_v2",
    "strategy_tickers_v2", "signals_v4", "signals_v4_log", "signal_log_entries_v4", "strategies_v4",
    "strategy_tickers_v4", "strategy_tp_levels_v4", "strategy_tp_sl_v4", "positions_v4", "position_targets_v4",
    "positions_log_v4", "tickers_v4", "trader_position_orders", "trader_signals", "trader_positions_log",
    "trailing_stop_state", "partial_tp_history", "sltp_orders", "aged_positions", "aged_monitoring_events",
    "processed_signals", "protection_events", "reentry_signals", "signal_lifecycles", "orders_cache",
    "applied_migrations",
)  # fmt: skip


def ensure_schema(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {connection.ops.quote_name(settings.DB_SCHEMA)}")


def legacy_parts(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of what an older bot left in this database; our own schema is never asked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s) AND nspname <> %s ORDER BY 1",
            [list(LEGACY_SCHEMAS), settings.DB_SCHEMA],
        )
        schemas = [f"schema {name}" for (name,) in cursor.fetchall()]
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename = ANY(%s) "
            "AND schemaname <> %s ORDER BY 1",
            [list(LEGACY_TABLES), settings.DB_SCHEMA],
        )
        return schemas + [f"table public.{name}" for (name,) in cursor.fetchall()]
