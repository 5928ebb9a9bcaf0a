"""One intake behind every door: messages in, verdicts out, what follows from them in one commit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.db import InterfaceError, OperationalError, connection, transaction

from signals_app.models import SignalLog, SignalStatus
from signals_app.outlook import Outlook, outlooks_for, question_of
from signals_app.parsing import Signal, Unreadable, parse
from signals_app.reasons import ReasonCode
from signals_app.registry import Registry, live
from signals_app.routing import Ignored, Route, Routed, Unrouted, only_permitted, route
from signals_app.services import following, ledger
from signals_app.services.arrivals import Arrival, EntryVerdict, Reading, Verdict, waited
from signals_app.services.ledger import LoggedPlace

logger = logging.getLogger(__name__)

REPEATED = "this signal was already received"
RECORDED = "this delivery is in the ledger already"
ACCEPTED_CHANNEL = "tradingbot_accepted"
NOTHING_TO_KNOW = Outlook()


def receive_signal(arrival: Arrival, registry: Registry | None = None) -> Verdict:
    """Log it, refuse a repeat, route it, and open or close what follows from it."""
    reading = _read(arrival, registry or live.current())
    if arrival.is_redelivered and ledger.is_recorded(reading):
        return Verdict(SignalStatus.DUPLICATE, RECORDED, reading.uid, signal_id=reading.signal_id)
    return _receive([reading])[0]


def receive_read(arrival: Arrival, signal: Signal, registry: Registry) -> Verdict:
    """A message that was read before."""
    return _receive([Reading.of(arrival, signal, _routed(arrival, signal, registry))])[0]


def receive_all_read(
    messages: Sequence[tuple[Arrival, Signal]], registry: Registry | None = None
) -> list[Verdict]:
    """As `receive_batch`, of messages that were read before."""
    tables = registry or live.current()
    try:
        return _receive([Reading.of(*one, _routed(*one, tables)) for one in messages])
    except Exception:
        logger.exception("%d signals failed as a whole; each is tried alone", len(messages))
    return [_alone(one[0], partial(receive_read, *one, tables)) for one in messages]


def receive_batch(arrivals: Sequence[Arrival], registry: Registry | None = None) -> list[Verdict]:
    """One commit for all, verdicts in order of arrival. Where that fails, each is tried alone.

    Raises where not even the rows can be written: what was committed before that is a repeat when it comes again.
    """
    tables = registry or live.current()
    try:
        return receive_together(arrivals, tables)
    except Exception:
        logger.exception("a batch of %d signals failed as a whole; each is tried alone", len(arrivals))
    return [_alone(arrival, partial(receive_signal, arrival, tables)) for arrival in arrivals]


def receive_together(arrivals: Sequence[Arrival], registry: Registry | None = None) -> list[Verdict]:
    """One commit for all, or an exception and nothing."""
    tables = registry or live.current()
    return _receive([_read(arrival, tables) for arrival in arrivals])


def _alone(arrival: Arrival, receive: Callable[[], Verdict]) -> Verdict:
    try:
        return receive()
    except (OperationalError, InterfaceError):
        raise  # the database is away, or will take it the next time
    except Exception as error:
        logger.exception("a signal of %s could not be handled", arrival.source)
        return log_failure(arrival, error)


@transaction.atomic
def accept(arrival: Arrival, registry: Registry | None = None) -> Verdict:
    """Only its row: what follows from it is decided by `dispatch_accepted`. No network, no trade."""
    reading = _read(arrival, registry or live.current())
    (log_id,) = ledger.insert([reading], are_accepted_only=True)
    if log_id is None:
        return _repeated(reading, ledger.note_repeats([reading])[reading.uid or ""])
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {ACCEPTED_CHANNEL}")
    return _logged(reading, log_id)


@transaction.atomic
def log_failure(arrival: Arrival, error: Exception) -> Verdict:
    """A message that we failed on. Without uid, so that it counts as new when it is sent again."""
    why = Unreadable(f"internal error ({type(error).__name__})", ReasonCode.INTERNAL_ERROR)
    return ledger.log_unreadable(arrival, why)


@transaction.atomic
def log_given_up(arrival: Arrival, what: str, why: str) -> None:
    """A message that is put aside after several tries: one row, though we may be killed before it is put aside.
    Without uid as well."""
    given_up = SignalLog.objects.filter(
        source=arrival.source, delivery=arrival.delivery, reason_code=ReasonCode.GIVEN_UP
    )
    if not given_up.filter(received_at__gt=arrival.received_at - timedelta(days=1)).exists():
        ledger.log_unreadable(arrival, Unreadable(f"{what} given up {why}", ReasonCode.GIVEN_UP))


def is_written(arrival: Arrival) -> bool:
    """Whether its carrier only did not hear of the commit."""
    return ledger.is_written(arrival)


def _read(arrival: Arrival, registry: Registry) -> Reading:
    read = parse(arrival.raw, arrival.received_at)
    if isinstance(read, Unreadable):
        return Reading.unreadable(arrival, read.reason, read.code)
    if read.signal_id is None:
        logger.warning("signal for %s carries no id; stored as NULL", read.symbol)
    signal = registry.contracts.named(read)
    return Reading.of(arrival, signal, _routed(arrival, signal, registry))


def _routed(arrival: Arrival, signal: Signal, registry: Registry) -> Routed:
    if not arrival.rule.enabled:
        return Ignored(f"sender {arrival.rule.name} is switched off", ReasonCode.NOT_PERMITTED)
    objection = registry.contracts.objection(signal.symbol)
    if objection:
        return Ignored(objection, ReasonCode.UNKNOWN_TICKER)
    routed = route(signal, registry.tables, arrival.received_at, arrival.rule.max_age)
    return only_permitted(routed, arrival.rule.permits, arrival.rule.name)


def _receive(readings: Sequence[Reading]) -> list[Verdict]:
    outlooks = _outlooks(readings)  # may ask the network, so it comes before the transaction
    return _record(readings, outlooks)


def _outlooks(readings: Sequence[Reading]) -> dict[str, Outlook]:
    """By uid, of those that may trade; asked once for all that want to know the same."""
    questions = {uid: question_of(signal, routed) for uid, signal, routed in _trading(readings)}
    known = outlooks_for(set(questions.values()))
    return {uid: known[question] for uid, question in questions.items()}


def _trading(readings: Sequence[Reading]) -> list[tuple[str, Signal, list[Route | Unrouted]]]:
    """Without repeats that trade nothing, and each with all that may enter by any of its senders. For one alone a look
    costs more than a price that is at hand."""
    found: dict[str, tuple[str, Signal, list[Route | Unrouted]]] = {}
    for one in readings:
        entries = list(filter(_may_enter, one.concerned))
        if one.uid and one.signal and entries:
            known = found.setdefault(one.uid, (one.uid, one.signal, []))[2]
            known += [entry for entry in entries if entry not in known]
    settled = ledger.settled_uids(found.keys()) if len(found) > 1 else set()
    return [one for uid, one in found.items() if uid not in settled]


def _may_enter(routed: Route | Unrouted) -> bool:
    return isinstance(routed, Route) and routed.direction.is_entry


@dataclass(frozen=True, slots=True)
class _Row:
    """log_id of a repeat: the row of the first."""

    reading: Reading
    log_id: int
    is_new: bool

    @property
    def routes(self) -> list[Route]:
        return [one for one in self.reading.concerned if isinstance(one, Route)]


@transaction.atomic
def _record(readings: Sequence[Reading], outlooks: Mapping[str, Outlook]) -> list[Verdict]:
    """In the order of arrival; all strategies are locked before the first of them acts."""
    rows = _rows(readings)
    open_still = _beyond_scope(rows)
    concerned = following.still_there([_concerned(row, open_still) for row in rows])
    if open_still:  # somebody else may have been first until they were locked
        open_still = _beyond_scope(rows)
    decided = [
        _followed(row.reading, row.log_id, those, outlooks)
        if row.is_new
        else _reached(row, those, outlooks, open_still)
        for row, those in zip(rows, concerned, strict=True)
    ]
    pairs = list(zip(rows, decided, strict=True))
    ledger.note_entries([(row.log_id, entry) for row, one in pairs if row.is_new for entry in one.entries])
    for row, one in pairs:
        if not row.is_new:
            ledger.replace_entries(row.log_id, one.entries)
    return decided


def _rows(readings: Sequence[Reading]) -> list[_Row]:
    pairs = list(zip(readings, ledger.insert(readings), strict=True))
    firsts = ledger.note_repeats([reading for reading, log_id in pairs if log_id is None])
    return [
        _Row(reading, firsts[reading.uid or ""] if log_id is None else log_id, log_id is not None)
        for reading, log_id in pairs
    ]


def _beyond_scope(rows: Sequence[_Row]) -> set[LoggedPlace]:
    """Places that repeats may speak to, and nobody who said it before might."""
    may = {(row.log_id, one.place) for row in rows if not row.is_new for one in row.routes}
    just_now = {
        (row.log_id, one.place)
        for row in rows
        if row.is_new
        for one in row.reading.concerned
        if isinstance(one, Unrouted) and one.code is ReasonCode.NOT_PERMITTED
    }
    return (may & just_now) | ledger.beyond_scope(may)


def _concerned(row: _Row, open_still: set[LoggedPlace]) -> Sequence[Route | Unrouted]:
    if row.is_new:
        return row.reading.concerned
    return [one for one in row.routes if (row.log_id, one.place) in open_still]


def _reached(
    row: _Row,
    concerned: Sequence[Route | Unrouted],
    outlooks: Mapping[str, Outlook],
    open_still: set[LoggedPlace],
) -> Verdict:
    """A repeat trades only with strategies that the senders before it might not speak to."""
    uid, signal = row.reading.uid or "", row.reading.signal
    arrival, entries = row.reading.arrival, []
    for one in concerned:
        if signal and isinstance(one, Route) and (row.log_id, one.place) in open_still:
            open_still.remove((row.log_id, one.place))
            so_far = waited(signal, arrival.received_at, arrival.rule)
            entries.append(following.follow(signal, one, outlooks.get(uid, NOTHING_TO_KNOW), so_far))
    return _repeated(row.reading, row.log_id, tuple(entries))


def _followed(
    reading: Reading, log_id: int, concerned: Sequence[Route | Unrouted], outlooks: Mapping[str, Outlook]
) -> Verdict:
    if reading.signal is None or not reading.concerned:
        return _logged(reading, log_id)
    if not concerned:
        return _ignored(reading, log_id, ledger.ignore_now(log_id))
    outlook = outlooks.get(reading.uid or "", NOTHING_TO_KNOW)
    so_far = waited(reading.signal, reading.arrival.received_at, reading.arrival.rule)
    entries = tuple(following.follow(reading.signal, one, outlook, so_far) for one in concerned)
    return _logged(reading, log_id, entries)


def _logged(reading: Reading, log_id: int, entries: tuple[EntryVerdict, ...] = ()) -> Verdict:
    if isinstance(reading.routed, Ignored):
        return _ignored(reading, log_id, reading.routed)
    return Verdict(SignalStatus.NEW, "", reading.uid, log_id, reading.signal_id, entries)


def _ignored(reading: Reading, log_id: int, why: Ignored) -> Verdict:
    return Verdict(
        SignalStatus.IGNORED, why.reason, reading.uid, log_id, reading.signal_id, reason_code=why.code
    )


def _repeated(reading: Reading, first: int, entries: tuple[EntryVerdict, ...] = ()) -> Verdict:
    return Verdict(SignalStatus.DUPLICATE, REPEATED, reading.uid, first, reading.signal_id, entries)
