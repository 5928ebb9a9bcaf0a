"""Signals, verdicts and system logs of the v2/v4 signal bots. Nothing of it is decided again: each signal comes in as
one that was decided when the older bot wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone
from rich.progress import Progress

from ops.legacy.mapping.reading import Row, text
from ops.legacy.mapping.signal_bot_logs import NOT_ON_RECORD, SignalReading, entry, signal, system_event
from ops.legacy.services.as_told import insert_as_told
from ops.legacy.services.batches import (
    LegacyTable,
    Verdict,
    carry_over,
    imported,
    not_imported,
    our_ids,
    sort_out,
)
from ops.legacy.services.signal_bot_strategies import STRATEGY_TABLE
from ops.legacy.services.signal_bot_tables import SOURCE, Bot, is_there, table
from ops.models import SystemLog
from positions.models import Position
from signals_app.models import SignalAttempt, SignalLog, SignalLogEntry
from signals_app.reasons import ReasonCode
from signals_app.services.ledger import storable

LOG_TABLE, ATTEMPT_TABLE = SignalLog._meta.db_table, SignalAttempt._meta.db_table
ENTRY_TABLE, POSITION_TABLE = SignalLogEntry._meta.db_table, Position._meta.db_table
SYSTEM_LOGS = (table("system_logs"), table("system_log_v4"))
# a new signal of which nothing became makes a ledger that does not close
SETTLE = """
    UPDATE signals_v2_log log SET status = 'ignored', reason = %(reason)s, reason_code = %(code)s
    FROM legacy_rows known
    WHERE known.source = %(source)s AND known."table" = %(table)s AND known.our_table = 'signals_v2_log'
      AND known.outcome = 'imported' AND log.id = known.our_id::bigint AND log.status = 'new'
      AND NOT EXISTS (SELECT 1 FROM signal_log_entries_v2 entry WHERE entry.log_id = log.id)
"""


class Signals:
    def __init__(self, bot: Bot) -> None:
        self.bot, self.name = bot, f"signals of the {bot.name} bot"
        self.tables = (bot.logs, bot.entries)

    def run(self, progress: Progress) -> None:
        for one, write in ((self.bot.logs, _signals), (self.bot.entries, self._entries)):
            if is_there(one):
                carry_over(one, write, progress)
        _settle(self.bot.logs)

    def _entries(self, rows: Sequence[Row]) -> list[Verdict]:
        """One verdict a strategy and signal: the first that was written down."""
        taken, verdicts = sort_out(rows, entry)
        logs = self._logs(rows)
        strategies = our_ids(self.bot.strategies, _said(rows, "strategy_id"), STRATEGY_TABLE)
        positions = our_ids(self.bot.positions, _said(rows, self.bot.position_key), POSITION_TABLE)
        made = list[tuple[Row, SignalLogEntry]]()
        for row, columns in taken:
            log, strategy = logs.get(text(row, self.bot.log_key)), strategies.get(text(row, "strategy_id"))
            if log is None or strategy is None:
                lost = "signal" if log is None else "strategy"
                verdicts.append(not_imported(row, f"its {lost} was not imported"))
                continue
            position = positions.get(text(row, self.bot.position_key))
            columns["logged_at"] = columns["logged_at"] or log.logged_at
            ours = SignalLogEntry(log=log, strategy_id=strategy, position_id=position, **columns)
            made.append((row, ours))
        written = insert_as_told([ours for _, ours in made], ignore_known=True)
        return verdicts + [_entry_verdict(row, ours, ours.pk in written) for row, ours in made]

    def _logs(self, rows: Sequence[Row]) -> dict[str, SignalLog]:
        """By the older bot's name; of a repeat, the first one's."""
        names = _said(rows, self.bot.log_key)
        firsts = our_ids(self.bot.logs, names, LOG_TABLE)
        repeats = our_ids(self.bot.logs, names, ATTEMPT_TABLE)
        uids = dict(SignalAttempt.objects.filter(pk__in=repeats.values()).values_list("pk", "uid"))
        by_id = SignalLog.objects.in_bulk([int(one) for one in firsts.values()])
        by_uid = SignalLog.objects.in_bulk(list(set(uids.values())), field_name="uid")
        found = {name: by_id.get(int(ours)) for name, ours in firsts.items()}
        found |= {name: by_uid.get(uids.get(int(ours), "")) for name, ours in repeats.items()}
        return {name: log for name, log in found.items() if log is not None}


def _said(rows: Sequence[Row], column: str) -> list[str]:
    return [text(row, column) for row in rows]


def _entry_verdict(row: Row, ours: SignalLogEntry, is_written: bool) -> Verdict:
    if is_written:
        return imported(row, ENTRY_TABLE, ours.pk)
    return not_imported(row, "what this strategy did with this signal is written down already")


def _signals(rows: Sequence[Row]) -> list[Verdict]:
    """Also what an older bot called a repeat is the first where the first is not on record."""
    taken, verdicts = sort_out(rows, signal)
    made = [(row, reading, _log(reading)) for row, reading in taken]
    written = insert_as_told([log for _, _, log in made], ignore_known=True)
    verdicts += [imported(row, LOG_TABLE, log.pk) for row, _, log in made if log.pk in written]
    return verdicts + _repeats([(row, reading) for row, reading, log in made if log.pk not in written])


def _log(reading: SignalReading) -> SignalLog:
    raw = storable(reading.columns["raw_message"])
    return SignalLog(**reading.columns | {"raw_message": raw})


def _repeats(repeats: Sequence[tuple[Row, SignalReading]]) -> list[Verdict]:
    """Of a signal that is here already, whoever received it first."""
    made = [
        SignalAttempt(
            uid=reading.columns["uid"],
            source=reading.columns["source"],
            received_at=reading.columns["received_at"],
        )
        for _, reading in repeats
    ]
    SignalAttempt.objects.bulk_create(made)
    return [imported(row, ATTEMPT_TABLE, one.pk) for (row, _), one in zip(repeats, made, strict=True)]


def _settle(logs: LegacyTable) -> None:
    told = {"source": SOURCE, "table": logs.full_name}
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, told | {"reason": NOT_ON_RECORD, "code": ReasonCode.UNCLASSIFIED})


class SystemLogs:
    name = "system logs of the signal bots"
    tables = SYSTEM_LOGS

    def run(self, progress: Progress) -> None:
        for one in SYSTEM_LOGS:
            if is_there(one):
                carry_over(one, _system_events, progress)


def _system_events(rows: Sequence[Row]) -> list[Verdict]:
    kept_from = timezone.now() - timedelta(days=settings.SYSTEM_LOG_DAYS)
    taken, verdicts = sort_out(rows, lambda row: system_event(row, kept_from))
    made = SystemLog.objects.bulk_create(SystemLog(**columns) for _, columns in taken)
    ours = SystemLog._meta.db_table
    return verdicts + [imported(row, ours, one.pk) for (row, _), one in zip(taken, made, strict=True)]
