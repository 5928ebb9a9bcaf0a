"""Which signals of a wave are handed on, in which order, and what is said of the others. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from signals_app.contracts import Contracts
from signals_app.parsing import parse
from signals_app.reasons import ReasonCode
from signals_app.routing import Ignored
from signals_app.shapes.signal import NOTHING_SAID, Details, Signal, Unreadable
from signals_app.symbol_rules import SymbolRules
from signals_app.waves import Outcome, candle_of

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class WaveRules:
    """Percents are percents. `size`: of a wave only so many are looked at, best first."""

    size: int = 100
    max_trades: int = 5
    buffer_fixed: int = 3
    buffer_percent: Decimal | None = None
    min_week: Decimal = Decimal(0)
    min_month: Decimal = Decimal(50)
    symbols: SymbolRules = field(default_factory=SymbolRules)

    def buffer(self, target: int) -> int:
        if self.buffer_percent is None:
            return self.buffer_fixed
        return int(target * self.buffer_percent / HUNDRED)


@dataclass(frozen=True, slots=True)
class Record:
    """One signal of a snapshot. wave_time None: it belongs to no wave."""

    raw: str
    signal: Signal | Unreadable
    wave_time: datetime | None

    @property
    def key(self) -> str:
        """Equal for repeats."""
        return self.signal.uid if isinstance(self.signal, Signal) else self.raw

    @property
    def symbol(self) -> str:
        return self.signal.symbol if isinstance(self.signal, Signal) else ""

    @property
    def details(self) -> Details:
        return self.signal.details if isinstance(self.signal, Signal) else NOTHING_SAID

    @property
    def exchange(self) -> str:
        return self.details.exchange

    @property
    def week(self) -> Decimal:
        return self.details.score_week or Decimal(0)

    @property
    def month(self) -> Decimal:
        return self.details.score_month or Decimal(0)

    @property
    def score(self) -> Decimal:
        return self.week + self.month

    @property
    def rank(self) -> tuple[object, ...]:
        return (-self.score, -self.week, self.symbol, self.raw)


Left = tuple[Record, Ignored]


@dataclass(frozen=True, slots=True)
class Selection:
    """Candidates are tried in their order until `target` opened; only `first` of them, unless too many are refused."""

    target: int
    first: int
    candidates: tuple[Record, ...]
    left: tuple[Left, ...]


def read_record(fields: Mapping[str, Any], received_at: datetime, contracts: Contracts) -> Record:
    raw = json.dumps(fields, separators=(",", ":"))
    signal = parse(raw, received_at)
    if isinstance(signal, Signal):
        signal = contracts.named(signal)
    said = signal.bar_time if isinstance(signal, Signal) else _moment(fields.get("timestamp"))
    return Record(raw, signal, said if said and said == candle_of(said) else None)


def _moment(value: object) -> datetime | None:
    """As well as it can be told of what cannot be read."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return candle_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC)) if moment else None
    except (ValueError, OverflowError):
        return None


def select(records: Iterable[Record], exchange: str, rules: WaveRules, known: Set[str]) -> Selection:
    """Of one exchange's records of one wave. The strictest limit that any of them names is the wave's."""
    ours = [one for one in records if one.exchange == exchange]
    limits = [one.details.max_trades for one in ours if one.details.max_trades is not None]
    target = min(limits, default=rules.max_trades)
    candidates: list[Record] = []
    left: list[Left] = []
    for one in _distinct(sorted(ours, key=lambda one: one.rank)):
        refusal = _refusal(one, candidates, rules, known)
        if refusal:
            left.append((one, refusal))
        else:
            candidates.append(one)
    return Selection(target, target + rules.buffer(target), tuple(candidates), tuple(left))


def _distinct(records: Iterable[Record]) -> list[Record]:
    """A record that says the same as a better one is a repeat of it."""
    found: dict[str, Record] = {}
    for one in records:
        found.setdefault(one.key, one)
    return list(found.values())


def _refusal(one: Record, better: Sequence[Record], rules: WaveRules, known: Set[str]) -> Ignored | None:
    if refusal := rules.symbols.refusal(one.symbol, known):
        return refusal
    if one.week < rules.min_week or one.month < rules.min_month:
        text = f"scores {one.week} and {one.month} are below {rules.min_week} and {rules.min_month}"
        return Ignored(text, ReasonCode.BELOW_SCORE)
    if any(other.symbol == one.symbol for other in better):
        text = f"another signal of this wave for {one.symbol} has better scores"
        return Ignored(text, ReasonCode.SYMBOL_TWICE)
    if len(better) >= rules.size:
        return Ignored(f"not among the best {rules.size} of its wave", ReasonCode.BEYOND_BUFFER)
    return None


def faulty(records: Iterable[Record], traded: Set[str]) -> tuple[Left, ...]:
    """What the wave of no exchange takes up."""
    refusals = ((one, fault(one, traded)) for one in _distinct(records))
    return tuple((one, why) for one, why in refusals if why)


def fault(one: Record, traded: Set[str]) -> Ignored | None:
    if isinstance(one.signal, Unreadable):
        return Ignored(one.signal.reason, one.signal.code)
    if not one.exchange:
        return Ignored("exchange_id is missing", ReasonCode.MISSING_FIELD)
    if one.exchange not in traded:
        return Ignored(f"no account trades on {one.exchange}", ReasonCode.EXCHANGE_NOT_TRADED)
    return None


@dataclass(frozen=True, slots=True)
class WaveEnd:
    """Why no further candidate is handed on, and what is said of those that wait."""

    reason: str
    code: ReasonCode


def next_step(outcomes: Sequence[Outcome], target: int, first: int) -> int | WaveEnd:
    """The place of the candidate that is handed on next. Where the first ones are tried and too few opened, half as
    many again as are missing are taken from the rest, once."""
    opened = outcomes.count(Outcome.OPENED)
    if opened >= target:
        return WaveEnd(f"the wave has opened its {target}", ReasonCode.WAVE_LIMIT)
    if Outcome.NO_FUNDS in outcomes:
        return WaveEnd("the account has no funds left", ReasonCode.NO_FUNDS)
    if Outcome.WAITING not in outcomes:
        return WaveEnd("every candidate was tried", ReasonCode.BEYOND_BUFFER)
    place = outcomes.index(Outcome.WAITING)
    missing = target - outcomes[:first].count(Outcome.OPENED)
    if place >= first + max(1, missing * 3 // 2):
        return WaveEnd("too many candidates were refused", ReasonCode.BEYOND_BUFFER)
    return place
