"""What older bots noted beside their trades: events, the signals they had worked off, and how they were set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from rich.progress import Progress

from ops.legacy.mapping.history import OldEvent, OldParams, OldSignal, old_event, old_params, old_signal
from ops.legacy.mapping.reading import Row
from ops.legacy.mapping.settings import plan_of_params
from ops.legacy.services.accounts import account_at
from ops.legacy.services.batches import (
    LegacyTable,
    Verdict,
    carry_over,
    imported,
    leave_behind,
    our_ids,
    sort_out,
)
from ops.legacy.services.positions import OURS, POSITIONS, SOURCE
from ops.legacy.services.settings import PARAMS, named
from positions.models import RiskEvent
from signals_app.models import SignalLog, SignalStatus, Strategy, StrategyAccount
from signals_app.reasons import ReasonCode

SIGNALS = LegacyTable(SOURCE, "monitoring", "processed_signals")
SCORES = LegacyTable(SOURCE, "fas", "scoring_history")
FIGURES = "figures: ours are reckoned from our rows"
BOOKKEEPING = "the older bot's own bookkeeping"


@dataclass(frozen=True, slots=True)
class Events:
    """Of one table; each becomes an event that tells all its columns. `kind`: of a table whose rows are all alike."""

    table: str
    kind: str = ""
    position: str = "position_id"

    @property
    def name(self) -> str:
        return self.table

    @property
    def tables(self) -> tuple[LegacyTable]:
        return (LegacyTable(SOURCE, "monitoring", self.table),)

    def run(self, progress: Progress) -> None:
        carry_over(*self.tables, self._write, progress)

    def _write(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, partial(old_event, event_type=self.kind, position=self.position))
        ours = our_ids(POSITIONS, [old.legacy_position_id for _, old in taken], OURS)
        made = RiskEvent.objects.bulk_create(
            _event(old, ours.get(old.legacy_position_id), self.table) for _, old in taken
        )
        told = RiskEvent._meta.db_table
        return verdicts + [imported(row, told, one.pk) for (row, _), one in zip(taken, made, strict=True)]


def _event(old: OldEvent, position_id: str | None, table: str) -> RiskEvent:
    return RiskEvent(
        event_type=old.event_type,
        risk_level=old.risk_level,
        position_id=position_id,
        details=old.details | {"older_bot": f"{SOURCE} {table}"},
        created_at=old.created_at,
    )


class Signals:
    name = "processed signals"
    tables = (SIGNALS,)

    def run(self, progress: Progress) -> None:
        carry_over(SIGNALS, self._write, progress)

    def _write(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, old_signal)
        made = SignalLog.objects.bulk_create(_signal(old) for _, old in taken)
        ours = SignalLog._meta.db_table
        return verdicts + [imported(row, ours, one.pk) for (row, _), one in zip(taken, made, strict=True)]


def _signal(old: OldSignal) -> SignalLog:
    """Decided, and by no strategy of ours: nothing follows from it."""
    result = old.result or "no result"
    return SignalLog(
        uid=old.uid,
        signal_id=old.signal_id,
        symbol=old.symbol,
        direction=old.direction,
        source=SOURCE,
        message=old.message,
        raw_message="",
        received_at=old.at,
        status=SignalStatus.IGNORED,
        reason=f"an older bot decided about it: {result}",
        reason_code=ReasonCode.OLDER_BOT,
        details=old.details,
        dispatched_at=old.at,
    )


class Params:
    """As a strategy that is off: whether it trades, and how much, is for its owner to say."""

    name = "params"
    tables = (PARAMS,)

    def run(self, progress: Progress) -> None:
        carry_over(PARAMS, self._write, progress)

    def _write(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, old_params)
        return verdicts + [imported(row, Strategy._meta.db_table, _strategy(old).pk) for row, old in taken]


def _strategy(old: OldParams) -> Strategy:
    strategy = Strategy.objects.create(
        name=f"legacy-{old.venue}",
        enabled=False,
        allow_open=False,
        leverage=1,
        protection=plan_of_params(old, named()).as_json(),
    )
    StrategyAccount.objects.create(strategy=strategy, account=account_at(old.venue))
    return strategy


class LeftBehind:
    """Tables without a place with us; each row of them is told of."""

    name = "what is left behind"
    REASONS = {
        "alert_rules": "alarms are set up anew",
        "daily_stats": FIGURES,
        "performance_metrics": FIGURES,
        "event_performance_metrics": FIGURES,
        "system_health": FIGURES,
        "applied_migrations": BOOKKEEPING,
        "schema_migrations": BOOKKEEPING,
        "transaction_log": BOOKKEEPING,
        "orders_cache": "a copy of what the exchange listed",
        "reentry_signals": "we do not enter again by ourselves",
        "signal_lifecycles": "we do not enter again by ourselves",
        "emergency_control": "who may trade is switched anew",
        "emergency_metrics": FIGURES,
    }

    tables = (*(LegacyTable(SOURCE, "monitoring", table) for table in REASONS), SCORES)

    def run(self, progress: Progress) -> None:
        for table, reason in self.REASONS.items():
            leave_behind(LegacyTable(SOURCE, "monitoring", table), reason)
        leave_behind(SCORES, "scores of another program: the bot never reads them")


EVENTS = (
    Events("risk_events"),
    Events("risk_violations"),
    Events("events"),
    Events("protection_events"),
    Events("aged_positions", kind="aged_position"),
    Events("aged_monitoring_events", position="aged_position_id"),
    Events("emergency_events", kind="emergency"),
)
