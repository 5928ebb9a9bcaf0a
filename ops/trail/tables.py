"""Which tables are recorded. The triggers in migrations_sql/constraints/*trail*.sql do it; this names the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recorded:
    """quiet columns alone are no news, hidden ones are never copied."""

    table: str
    key: str = "id"
    quiet: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


RECORDED = (
    Recorded("exchanges_exchangeaccount", hidden=("api_key", "api_secret")),
    Recorded("signals_v2_log", quiet=("received_count",)),
    Recorded("signal_log_entries_v2"),
    Recorded("positions", quiet=("updated_at",)),
    Recorded("orders", quiet=("updated_at",)),
    Recorded("trades"),
    Recorded("funding_payments"),
    Recorded(
        "trailing_stop_state",
        key="position_id",
        quiet=("high_water_mark", "last_mark_price", "last_advanced_at", "update_count"),
    ),
    Recorded("partial_tp_history", quiet=("updated_at",)),
    Recorded("risk_events"),
    Recorded("risk_limits"),
    Recorded("signals_app_strategy", quiet=("updated_at",)),
    Recorded("signals_app_strategyaccount"),
    Recorded("signals_app_strategysignal"),
    Recorded("signals_app_ticker"),
    Recorded("signals_app_signalsender", hidden=("token_hash", "signing_key")),
    Recorded("person_acts"),
    Recorded("forecast_feeds", quiet=("updated_at",)),
    Recorded("forecast_models", hidden=("content", "reference")),
)

# (table, trigger) that must be there and switched on
GUARDS = (
    ("trail", "trail_stays"),
    ("trail", "trail_is_not_emptied"),
    ("trail_seal", "trail_stays"),
    ("trail_seal", "trail_is_not_emptied"),
    *((one.table, "record_trail") for one in RECORDED),
    ("trailing_stop_state", "record_trail_of_moves"),
    ("signals_v2_log", "record_trail_of_many"),
    ("signal_log_entries_v2", "record_trail_of_many"),
)
