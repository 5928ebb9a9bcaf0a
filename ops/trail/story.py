"""Trail entries as a story that an owner reads. Pure: rows in, words out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ops.trail.authors import person_in, program_in
from ops.trail.telling import acts, orders, positions, signals
from ops.trail.telling.entries import FIRST, Names, Sentence, Step, Told, anything, printable, utc

MARGIN = 39  # under the text, not under the times
TELLERS: Mapping[str, Callable[[Step], Iterator[Sentence]]] = {
    "signals_v2_log": signals.signal,
    "signal_log_entries_v2": signals.verdict,
    "positions": positions.position,
    "trailing_stop_state": positions.trailing,
    "partial_tp_history": positions.level,
    "orders": orders.order,
    "trades": orders.fill,
    "funding_payments": orders.funding,
    "risk_events": orders.risk_event,
    "person_acts": acts.act,
}


def tell(entries: Iterable[Told], names: Names) -> list[Sentence]:
    """In the order of time; what happened at one moment stays in the order it was written."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    sentences: list[Sentence] = []
    for told in entries:
        subject = told.table, told.key
        if told.change in FIRST:
            rows[subject] = {}
        if subject in rows:
            rows[subject].update(told.content)
        sentences += _tell_one(Step(told, dict(rows.get(subject, {})), names))
    sentences.sort(key=lambda sentence: sentence.at)
    results = [
        positions.result(row, sentences[-1].at, [one for (name, _), one in rows.items() if name == "trades"])
        for (table, _), row in rows.items()
        if table == "positions"
    ]
    return sentences + results


def _tell_one(step: Step) -> Iterator[Sentence]:
    told = step.told
    if told.change == "delete" and told.table != "trailing_stop_state":
        said: Iterable[Sentence] = [step.sentence(f"row {told.key} of {told.table} was deleted")]
    else:  # of a row whose beginning is not in the trail, only the entry itself can be told
        said = (TELLERS.get(told.table, anything) if step.row else anything)(step)
    note = _author(told.written_by)
    for sentence in said:
        yield replace(sentence, text=f"{sentence.text} {note}") if note else sentence


def _author(written_by: str) -> str:
    """The bot's own sessions carry no program name, and work for nobody."""
    if program_in(written_by):
        return f"[written by {printable(written_by)}]"
    person = person_in(written_by)
    return f"[by {printable(person)}]" if person else ""


@dataclass(frozen=True, slots=True)
class Line:
    at: str
    elapsed: str
    text: str
    details: tuple[str, ...]


def lines(sentences: Collection[Sentence]) -> Iterator[Line]:
    """Times in UTC, and the seconds since the first of them."""
    began = min((sentence.at for sentence in sentences), default=None)
    for sentence in sentences:
        elapsed = (sentence.at - (began or sentence.at)).total_seconds()
        yield Line(utc(sentence.at), f"{elapsed:+.3f}", sentence.text, sentence.details)


def written(title: str, sentences: Collection[Sentence]) -> Iterator[str]:
    yield title
    for line in lines(sentences):
        yield f"{line.at}  {line.elapsed:>10} s  {line.text}"
        yield from (" " * MARGIN + detail for detail in line.details)
