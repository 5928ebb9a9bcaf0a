"""What a person did on a page."""

from __future__ import annotations

from collections.abc import Iterator

from ops.trail.telling.entries import Sentence, Step, printable, shown
from positions.formats import words


def act(step: Step) -> Iterator[Sentence]:
    row, by = step.row, printable(step.row["by"])
    if step.is_first:
        given = ", ".join(f"{words(name)} {shown(value)}" for name, value in sorted(row["given"].items()))
        yield step.sentence(f"{by} asks by hand: {words(row['act'])}" + (f" ({given})" if given else ""))
    else:
        how = "is refused" if row["is_refused"] else "is answered"
        yield step.sentence(f"{by} {how}: {printable(row['outcome'])}")
