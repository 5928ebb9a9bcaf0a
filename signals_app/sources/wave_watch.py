"""Looks for waves at their minutes and hands their signals on. Every step begins with rows: a start is a recovery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

from django.utils import timezone

from exchanges.models import ExchangeAccount
from ops.system_log import log_system_event
from signals_app.models import Wave
from signals_app.reasons import ReasonCode
from signals_app.registry import Registry
from signals_app.routing import Ignored
from signals_app.selection import Left, Record, WaveRules, fault, faulty, read_record, select
from signals_app.server_models import LIVE
from signals_app.services import waves
from signals_app.sources.server_client import Received, ServerClient
from signals_app.waves import Outcome, WaveStatus, due_check
from tradingbot.alone import alone

NO_WAVE = Ignored("timestamp is missing: it belongs to no wave", ReasonCode.MISSING_FIELD)
OVER = Ignored("it came when its wave was over", ReasonCode.WAVE_OVER)


@dataclass(frozen=True, slots=True)
class Timetable:
    minutes: tuple[int, ...]
    duration: timedelta
    interval: float  # seconds between two questions while a wave is looked for


class WaveWatch:
    def __init__(
        self,
        client: ServerClient,
        timetable: Timetable,
        rules: WaveRules,
        registry: Callable[[], Registry],
    ) -> None:
        self._client, self._timetable, self._rules, self._registry = client, timetable, rules, registry
        self._claimed: dict[str, datetime] = {}  # exchange -> newest wave of which we know that it has a row
        self._last = Received()
        self._records: tuple[Record, ...] = ()
        self._told: dict[int, tuple[int, frozenset[str]]] = {}  # wave -> snapshot that told these of it first
        self._noted: frozenset[str] = frozenset()  # keys of this snapshot's records that need no row any more

    def step(self, stop: Event) -> None:
        now = timezone.now()
        traded = set(ExchangeAccount.objects.values_list("venue", flat=True))
        self._claim_due(now, traded)
        unfinished = list(Wave.objects.filter(status__in=LIVE).order_by("wave_time", "exchange"))
        self._look(is_asking=any(wave.status == WaveStatus.PROCESSING for wave in unfinished))
        self._told = {wave.pk: self._told[wave.pk] for wave in unfinished if wave.pk in self._told}
        for wave in unfinished:
            if not stop.is_set():
                self._advance_alone(wave, traded, stop)
        self._note_the_rest()

    def _claim_due(self, now: datetime, traded: set[str]) -> None:
        table = self._timetable
        check = due_check(now, table.minutes, table.duration)
        for exchange in sorted(traded) if check else ():
            if check is None or self._claimed.get(exchange) == check.wave_time:
                continue
            is_ours = waves.claim(exchange, check.wave_time, check.until)
            self._claimed[exchange] = check.wave_time
            event = "wave_monitoring_started" if is_ours else "wave_duplicate_detected"
            _tell(event, exchange, check.wave_time, until=check.until.isoformat())

    def _look(self, *, is_asking: bool) -> None:
        """Asks for a snapshot and waits for it, or takes what came by itself."""
        seconds = 0.0
        if is_asking and self._client.ask_for_signals():
            seconds = self._timetable.interval
        got = self._client.wait_for_snapshot(self._last.number, seconds)
        if got.number == self._last.number or got.received_at is None:
            return
        at, contracts = got.received_at, self._registry().contracts
        self._last = got
        self._records = tuple(read_record(fields, at, contracts) for fields in got.records)
        self._noted &= {one.key for one in self._records}

    def _advance_alone(self, wave: Wave, traded: set[str], stop: Event) -> None:
        """Of several processes one works on a wave; if it dies, its lock is free and the next step is another's."""
        with alone(f"wave {wave}") as is_free:
            if is_free:
                wave.refresh_from_db()
                self._advance(wave, traded, stop)

    def _advance(self, wave: Wave, traded: set[str], stop: Event) -> None:
        if wave.status == WaveStatus.PROCESSING:
            self._begin(wave, traded)
        if wave.status != WaveStatus.EXECUTING:
            return
        while not stop.is_set():
            if not waves.hand_on_next(wave, self._registry()):
                _tell_end(wave)
                return

    def _begin(self, wave: Wave, traded: set[str]) -> None:
        ours = [one for one in self._records if one.wave_time == wave.wave_time]
        if not self._is_whole(wave, frozenset(one.key for one in ours if one.exchange == wave.exchange)):
            return
        selection = select(ours, wave.exchange, self._rules, self._registry().tables.tickers.keys())
        notes, at = self._faulty(wave, ours, traded), self._last.received_at or timezone.now()
        if not selection.candidates and not selection.left:
            waves.not_found(wave, notes, at)
            _tell("wave_not_found", wave.exchange, wave.wave_time)
            return
        waves.begin(wave, selection, notes, at)
        self._noted |= {one.key for one in ours if one.exchange == wave.exchange}
        counts = {"found": wave.found, "candidates": len(selection.candidates), "target": wave.target}
        _tell("wave_detected", wave.exchange, wave.wave_time, **counts)
        _tell("wave_processing_started", wave.exchange, wave.wave_time)

    def _faulty(self, wave: Wave, ours: list[Record], traded: set[str]) -> tuple[Left, ...]:
        """Noted with the wave of one exchange, for all."""
        return faulty(ours, traded) if wave.exchange == min(traded, default="") else ()

    def _is_whole(self, wave: Wave, keys: frozenset[str]) -> bool:
        """A wave may be caught while it is being written: its best signal may be the last. So a second snapshot must
        say the same, unless the time is over."""
        number, known = self._told.get(wave.pk, (0, frozenset()))
        if keys != known:
            self._told[wave.pk] = (self._last.number, keys)
        is_repeated = bool(keys) and keys == known and self._last.number > number
        return is_repeated or timezone.now() >= self._looks_until(wave)

    def _looks_until(self, wave: Wave) -> datetime:
        """Who has just started and heard nothing yet knows of no wave that it did not come."""
        if self._last.number:
            return wave.look_until
        return wave.look_until + self._registry().rule_of(waves.SOURCE).max_age

    def _note_the_rest(self) -> None:
        """What belongs to a wave that is over, and what belongs to none. Once each, not once a repeat."""
        new = [one for one in self._records if one.key not in self._noted]
        over = _finished({one.wave_time for one in new if one.wave_time})
        left = [(one, why) for one in new if (why := _why_left(one, over))]
        waves.refuse(left, timezone.now())
        self._noted |= {one.key for one, _ in left}


def _why_left(one: Record, over: set[tuple[str, datetime]]) -> Ignored | None:
    if one.wave_time is None:
        return fault(one, {one.exchange}) or NO_WAVE
    return OVER if (one.exchange, one.wave_time) in over else None


def _finished(wave_times: set[datetime]) -> set[tuple[str, datetime]]:
    rows = Wave.objects.filter(wave_time__in=wave_times).exclude(status__in=LIVE)
    return set(rows.values_list("exchange", "wave_time"))


def _tell_end(wave: Wave) -> None:
    outcomes = list(wave.candidates.values_list("outcome", flat=True))
    opened, handed_on = outcomes.count(Outcome.OPENED), len(outcomes) - outcomes.count(Outcome.LEFT)
    event = "wave_target_reached" if opened >= (wave.target or 0) else "wave_buffer_exhausted"
    if Outcome.NO_FUNDS in outcomes:
        event = "insufficient_funds"
    _tell(event, wave.exchange, wave.wave_time, opened=opened, target=wave.target, reason=wave.reason)
    _tell(
        "wave_completed",
        wave.exchange,
        wave.wave_time,
        opened=opened,
        handed_on=handed_on,
        found=wave.found,
    )


def _tell(event: str, exchange: str, wave_time: datetime, **details: object) -> None:
    log_system_event("INFO", "waves", event, exchange=exchange, wave_time=wave_time.isoformat(), **details)
