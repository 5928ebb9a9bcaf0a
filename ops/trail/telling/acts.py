"""What a person did on a page."""

from __future__ import annotations

from collections.abc import Iterator

from ops.trail.telling.entries import Sentence, Step, printable, shown
from positions.formats import words

NOTE = "note"  # as the row has it


def act(step: Step) -> Iterator[Sentence]:
    row, by = step.row, printable(step.row["by"])
    if row["act"] == NOTE:
        yield from _note(step, by)
    elif step.is_first:
        given = ", ".join(f"{words(name)} {shown(value)}" for name, value in sorted(row["given"].items()))
        yield step.sentence(f"{by} asks by hand: {words(row['act'])}" + (f" ({given})" if given else ""))
    else:
        how = "is refused" if row["is_refused"] else "is answered"
        yield step.sentence(f"{by} {how}: {printable(row['outcome'])}")


def _note(step: Step, by: str) -> Iterator[Sentence]:
    """Once; that it was kept needs no sentence of its own."""
    if step.is_first:
        lines = str(step.row["given"].get("text", "")).splitlines()
        yield step.sentence(f"{by} notes: {' / '.join(printable(line) for line in lines if line.strip())}")
