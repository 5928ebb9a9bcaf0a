"""The ledger of signals, summed: what came in by each door and hour, and what became of it. Reads only.

received = new + duplicate + ignored, and new = dispatched + skipped + waiting. Each sum is counted by itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, DateTimeField, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncHour

from signals_app.models import (
    EntryStatus,
    SignalAttempt,
    SignalLog,
    SignalLogEntry,
    SignalStatus,
)
from signals_app.sender_models import SignalArrivals

ACTED = (EntryStatus.OPENED, EntryStatus.CLOSED, EntryStatus.PROTECTED)
A_DAY = timedelta(days=1)
Key = tuple[datetime, str]  # hour, source


@dataclass(slots=True)
class Line:
    """One source in one hour. `counted` is what the door itself counted, None where it did not."""

    hour: datetime
    source: str
    counted: int | None = None
    new: int = 0
    duplicate: int = 0
    ignored: int = 0
    dispatched: int = 0
    skipped: Counter[str] = field(default_factory=Counter)  # by reason code, of the first strategy
    waiting: int = 0

    @property
    def received(self) -> int:
        return self.new + self.duplicate + self.ignored

    @property
    def gap(self) -> int:
        """New signals of which nothing, or two things at once, became."""
        return self.new - self.dispatched - self.skipped.total() - self.waiting

    @property
    def closes(self) -> bool:
        return self.gap == 0

    @property
    def difference(self) -> int:
        return 0 if self.counted is None else self.counted - self.received


def sums(lines: list[Line]) -> Line | None:
    """Of several lines; counted only where each of them was."""
    if not lines:
        return None
    total = Line(lines[0].hour, "")
    for line in lines:
        for name in ("new", "duplicate", "ignored", "dispatched", "waiting"):
            setattr(total, name, getattr(total, name) + getattr(line, name))
        total.skipped += line.skipped
    counts = [line.counted for line in lines if line.counted is not None]
    total.counted = sum(counts) if len(counts) == len(lines) else None
    return total


def lines_of(day: datetime, source: str = "") -> list[Line]:
    """Of the day that begins then, newest hour first."""
    made: dict[Key, Line] = {}
    for hour, name, count in _arrived(day, source):
        _line(made, hour, name).counted = count
    for hour, name, count in _repeats(day, source):
        _line(made, hour, name).duplicate = count
    for row in _signals(day, source):
        _add(_line(made, row["hour"], row["source"]), row)
    return [made[key] for key in sorted(made, key=lambda key: (-key[0].timestamp(), key[1]))]


def reasons_of(day: datetime, source: str = "") -> list[tuple[str, int, int]]:
    """Code, how many signals were ignored for it, how many times a strategy skipped or failed for it."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    logs = _of_the_day(SignalLog.objects.filter(status=SignalStatus.IGNORED), day, source)
    for code, count in logs.values_list("reason_code").annotate(n=Sum("received_count")).order_by():
        found[code]["signals"] = count
    refused = SignalLogEntry.objects.filter(
        status__in=(EntryStatus.SKIPPED, EntryStatus.FAILED), log__received_at__range=(day, _end(day))
    )
    refused = refused.filter(log__source=source) if source else refused
    for code, count in refused.values_list("reason_code").annotate(n=Count("pk")).order_by():
        found[code]["entries"] = count
    rows = [(code, counts["signals"], counts["entries"]) for code, counts in found.items()]
    return sorted(rows, key=lambda row: (-row[1] - row[2], row[0]))


def accounts_of(day: datetime, source: str = "") -> dict[str, Counter[str]]:
    """Account -> what was done there, by verdict. Without a name: of strategies that have no account."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    verdicts = SignalLogEntry.objects.filter(log__received_at__range=(day, _end(day)))
    verdicts = verdicts.filter(log__source=source) if source else verdicts
    for name, status, count in (
        verdicts.values_list("account__name", "status").annotate(n=Count("pk")).order_by()
    ):
        found[name or ""][status] += count
    return dict(sorted(found.items()))


def sources_of(day: datetime) -> list[str]:
    counted = SignalArrivals.objects.filter(hour__range=(day, _end(day)))
    logged = (_of_the_day(model.objects.all(), day, "") for model in (SignalLog, SignalAttempt))
    found = (rows.order_by().values_list("source", flat=True).distinct() for rows in (counted, *logged))
    return sorted({source for sources in found for source in sources})


def contradictions(since: datetime, until: datetime) -> Iterator[str]:
    """Signals of which nothing became, or that wait although something did."""
    entries = SignalLogEntry.objects.filter(log=OuterRef("pk"))
    new = SignalLog.objects.filter(status=SignalStatus.NEW, received_at__gt=since, received_at__lt=until)
    lost = new.filter(~Exists(entries), dispatched_at__isnull=False)
    yield from (f"nothing became of signal {pk}" for pk in lost.values_list("pk", flat=True))
    both = new.filter(Exists(entries), dispatched_at=None)
    yield from (f"signal {pk} waits although it was decided" for pk in both.values_list("pk", flat=True))
    waiting = new.filter(dispatched_at=None).exclude(Exists(entries)).values_list("pk", flat=True)
    yield from (f"signal {pk} has been waiting for too long" for pk in waiting)


def _line(made: dict[Key, Line], hour: datetime, source: str) -> Line:
    return made.setdefault((hour, source), Line(hour, source))


def _end(day: datetime) -> datetime:
    return day + A_DAY - timedelta(microseconds=1)


def _of_the_day(rows: QuerySet[Any, Any], day: datetime, source: str) -> Any:
    wanted = rows.filter(received_at__range=(day, _end(day)))
    return wanted.filter(source=source) if source else wanted


def _by_hour(rows: QuerySet[Any, Any], day: datetime, source: str) -> Any:
    hour = TruncHour("received_at", output_field=DateTimeField(), tzinfo=UTC)
    return _of_the_day(rows, day, source).annotate(hour=hour).order_by()


def _repeats(day: datetime, source: str) -> Any:
    rows = _by_hour(SignalAttempt.objects.all(), day, source)
    return rows.values_list("hour", "source").annotate(n=Count("pk"))


def _arrived(day: datetime, source: str) -> Any:
    counted = SignalArrivals.objects.filter(hour__range=(day, _end(day)))
    counted = counted.filter(source=source) if source else counted
    return counted.values_list("hour", "source").annotate(n=Sum("count")).order_by()


def _signals(day: datetime, source: str) -> Any:
    entries = SignalLogEntry.objects.filter(log=OuterRef("pk"))
    rows = _by_hour(SignalLog.objects.all(), day, source).annotate(
        is_waiting=Q(dispatched_at=None),
        is_acted=Exists(entries.filter(status__in=ACTED)),
        code=Subquery(entries.order_by("pk").values("reason_code")[:1]),
    )
    names = ("hour", "source", "status", "is_waiting", "is_acted", "code")
    return rows.values(*names).annotate(n=Sum("received_count"))


def _add(line: Line, row: dict[str, object]) -> None:
    count = int(str(row["n"]))
    if row["status"] == SignalStatus.IGNORED:
        line.ignored += count
        return
    line.new += count
    is_decided = row["code"] is not None
    if row["is_waiting"]:
        line.waiting += 0 if is_decided else count
    elif row["is_acted"]:
        line.dispatched += count
    elif is_decided:
        line.skipped[str(row["code"])] += count
