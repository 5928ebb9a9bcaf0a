"""An entry of the signal stream and the message it stands for. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

EARLIEST_MILLISECONDS = 946_684_800_000  # 2000: an id below was chosen by hand and tells no time
LATEST_MILLISECONDS = 253_402_300_799_000

_quoted = json.JSONEncoder(ensure_ascii=False).encode
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """id is Redis's: milliseconds of its clock and a number within them. Names may repeat; the reader decides."""

    id: str
    pairs: Pairs

    @property
    def added_at(self) -> datetime | None:
        return time_of(self.id)

    def dated(self) -> Pairs:
        """Who does not say when he sent it sent it when it was added: what lay here for an hour is an hour old."""
        if self.added_at is None or any(name == "sent_at" and value for name, value in self.pairs):
            return self.pairs
        said = tuple(pair for pair in self.pairs if pair[0] != "sent_at")
        return (*said, ("sent_at", self.added_at.isoformat()))

    def frame(self) -> str:
        """As the JSON object it is, for the same reader as all others."""
        parts = [f"{_quoted(name)}: {_quoted(value)}" for name, value in self.dated()]
        return "{" + ", ".join(parts) + "}"


def entry_of(reply: Sequence[object]) -> Entry | None:
    """None where the entry was deleted and only its number is left."""
    key, fields = reply
    if fields is None:
        return None
    words = [_text(word) for word in fields]  # type: ignore[attr-defined]
    return Entry(_text(key), tuple(zip(words[::2], words[1::2], strict=True)))


def time_of(entry_id: str) -> datetime | None:
    milliseconds = int(entry_id.partition("-")[0])
    if not EARLIEST_MILLISECONDS <= milliseconds <= LATEST_MILLISECONDS:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def order_of(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


def _text(word: object) -> str:
    """What is no UTF-8 stays recognisable as such, and the reader refuses it."""
    return word.decode("utf-8", "surrogateescape") if isinstance(word, bytes) else str(word)
