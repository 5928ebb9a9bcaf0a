"""The senders' own lists against our rows; each sentence that comes back is a violation."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import Count

from positions.models import Position
from signals_app.models import SignalAttempt, SignalLog, SignalLogEntry
from tests.intake_campaign.frames import Kind
from tests.intake_campaign.senders import Record

SHOWN = 5
TRADED = {Kind.OPEN, Kind.CLOSE, Kind.SKIPPED}


@dataclass(frozen=True)
class SourceCount:
    """least and most: what the sender knows to have arrived, and all it ever sent."""

    source: str
    sent: int
    least: int
    most: int
    new: int
    duplicate: int
    ignored: int

    @property
    def rows(self) -> int:
        return self.new + self.duplicate + self.ignored

    @property
    def closes(self) -> bool:
        return self.least <= self.rows <= self.most


@dataclass
class Findings:
    counts: list[SourceCount]
    violations: list[str]
    verdicts: Counter[str] = field(default_factory=Counter)


def findings(records: Sequence[Record], entries_added: int) -> Findings:
    rows = list(
        SignalLog.objects.order_by("pk").values("pk", "uid", "source", "symbol", "status", "reason_code")
    )
    counts = [_count(record, entries_added) for record in records]
    violations = [
        *_unequal_uids(records, rows),
        *_unbalanced(counts),
        *_out_of_order(records, rows),
        *_wrong_verdicts(records, rows),
        *_unfinished(),
        *_doubled_positions(),
        *_entries_out_of_order(),
        *(f"{record.source}: {record.odd['an answer with another uid']} answers with another uid"
          for record in records if record.odd["an answer with another uid"]),
    ]  # fmt: skip
    verdicts = Counter(f"{row['status']} {row['reason_code']}".strip() for row in rows)
    return Findings(counts, violations, verdicts)


def _count(record: Record, entries_added: int) -> SourceCount:
    by_status = dict(
        SignalLog.objects.filter(source=record.source).values_list("status").annotate(Count("pk")).order_by()
    )
    repeats = SignalAttempt.objects.filter(source=record.source).count()
    exact = record.source == "stream"
    least, most = (entries_added, entries_added) if exact else (len(record.answers), record.sent)
    return SourceCount(
        record.source, record.sent, least, most, by_status.get("new", 0), repeats, by_status.get("ignored", 0)
    )


def _unbalanced(counts: list[SourceCount]) -> Iterator[str]:
    for one in counts:
        if not one.closes:
            yield f"{one.source}: {one.rows} rows, and {one.least} to {one.most} messages arrived"


def _unequal_uids(records: Sequence[Record], rows: list[dict[str, object]]) -> Iterator[str]:
    sent = {frame.uid for record in records for frame in record.frames if frame.uid}
    kept = Counter(row["uid"] for row in rows if row["uid"])
    yield from _some("sent and not in the log", sent - set(kept))
    yield from _some("in the log and sent by nobody", set(kept) - sent)
    yield from _some("in the log twice", {uid for uid, times in kept.items() if times > 1})


def _some(what: str, found: set[str | None]) -> Iterator[str]:
    if found:
        yield f"{len(found)} signals {what}, such as {', '.join(sorted(map(str, found))[:SHOWN])}"


def _out_of_order(records: Sequence[Record], rows: list[dict[str, object]]) -> Iterator[str]:
    """Of the signals of one symbol that one sender was first to tell, rows are in the order of sending."""
    number = {frame.uid: frame.number for record in records for frame in record.frames if frame.uid}
    last: dict[tuple[object, object], int] = defaultdict(lambda: -1)
    wrong: Counter[object] = Counter()
    for row in rows:
        if row["uid"] in number and row["symbol"] != SHARED:
            place = number[row["uid"]]
            key = (row["source"], row["symbol"])
            wrong[row["source"]] += place < last[key]
            last[key] = place
    for source, times in wrong.items():
        if times:
            yield f"{source}: {times} signals were taken after one of the same symbol that was sent later"


def _wrong_verdicts(records: Sequence[Record], rows: list[dict[str, object]]) -> Iterator[str]:
    kinds = {frame.uid: frame.kind for record in records for frame in record.frames if frame.uid}
    wrong = Counter[str]()
    for row in rows:
        kind = kinds.get(row["uid"])  # type: ignore[call-overload]
        is_ignored = row["status"] == "ignored"
        if kind and is_ignored == (kind in TRADED) and not (is_ignored and row["reason_code"] == "stale"):
            wrong[f"{kind}: {row['status']} {row['reason_code']}"] += 1
    yield from (f"{times} signals that are '{what}'" for what, times in wrong.items())


def _unfinished() -> Iterator[str]:
    waiting = SignalLog.objects.filter(status="new", dispatched_at=None).count()
    if waiting:
        yield f"{waiting} accepted signals were never dispatched"
    silent = SignalLog.objects.filter(status="new", entries=None).count()
    if silent:
        yield f"{silent} new signals without a verdict of any strategy"


def _doubled_positions() -> Iterator[str]:
    opened = SignalLogEntry.objects.filter(status="opened")
    positions = opened.values("position").distinct().count()
    if not opened.count() == positions == Position.objects.count():
        yield f"{opened.count()} openings of {positions} positions, and there are {Position.objects.count()}"


def _entries_out_of_order() -> Iterator[str]:
    """Per account and symbol, what was done is in the order of the log."""
    last: dict[tuple[int, str], int] = defaultdict(int)
    wrong = 0
    entries = SignalLogEntry.objects.exclude(status="skipped").order_by("pk")
    for account, symbol, log in entries.values_list("account_id", "log__symbol", "log_id"):
        wrong += log < last[account, symbol]
        last[account, symbol] = max(log, last[account, symbol])
    if wrong:
        yield f"{wrong} signals were acted on after a later one of the same account and symbol"


SHARED = "LINKUSDT"
