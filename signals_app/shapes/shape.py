"""Which shape a body has, told by its field names. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from signals_app.reasons import ReasonCode
from signals_app.shapes.fields import Fields, is_given
from signals_app.shapes.signal import Refused, Signal


@dataclass(frozen=True, slots=True)
class Shape:
    """A body has this shape when all that it needs is given, and nothing that belongs to another."""

    title: str
    needs: tuple[str, ...]
    read: Callable[[Fields, datetime], Signal]
    never: tuple[str, ...] = ()

    def missing(self, fields: Fields) -> list[str]:
        return [name for name in self.needs if not is_given(fields, name)]

    def foreign(self, fields: Fields) -> list[str]:
        return [name for name in self.never if name in fields]

    def fits(self, fields: Fields) -> bool:
        return not any(name in fields for name in self.never) and not self.missing(fields)


def recognise(fields: Fields, shapes: Sequence[Shape]) -> Shape:
    fitting = [shape for shape in shapes if shape.fits(fields)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        titles = " and ".join(shape.title for shape in fitting)
        raise Refused(f"the fields are those of {titles} at once", ReasonCode.UNKNOWN_SHAPE)
    raise _refusal(fields, _nearest(fields, shapes))


def _nearest(fields: Fields, shapes: Sequence[Shape]) -> Shape:
    def distance(shape: Shape) -> tuple[int, int]:
        missing = len(shape.missing(fields))
        return missing - len(shape.needs) + 2 * len(shape.foreign(fields)), missing

    return min(shapes, key=distance)


def _refusal(fields: Fields, nearest: Shape) -> Refused:
    missing, foreign = nearest.missing(fields), nearest.foreign(fields)
    if not missing:
        text = f"{_listed(foreign)} cannot be in {nearest.title}"
        return Refused(text, ReasonCode.UNKNOWN_SHAPE)
    verb = "is" if len(missing) == 1 else "are"
    known = len(missing) < len(nearest.needs)
    where = f" in {nearest.title}" if known and nearest.never else ""
    return Refused(f"{_listed(missing)} {verb} missing{where}", ReasonCode.MISSING_FIELD)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
